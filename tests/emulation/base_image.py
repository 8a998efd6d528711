"""The image that the generated Dockerfile starts from, made of Debian's packages: there is no image registry here."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from emulation.images import Images

NAME = "python:3.11-slim-bookworm"
PACKAGES = "ca-certificates,netbase,tzdata,python3,python3-pip,python3-venv"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# Debian's Python stands in for the one of the real image, which is in /usr/local and lets pip install for everyone.
DOCKERFILE = f"""\
FROM scratch
ADD root.tar /
COPY certificates.crt {CERTIFICATES}
RUN rm /usr/lib/python3.11/EXTERNALLY-MANAGED \\
    && for name in python python3 python3.11; do ln -s /usr/bin/python3.11 /usr/local/bin/$name; done \\
    && ln -s /usr/bin/pip3 /usr/local/bin/pip
ENV LANG=C.UTF-8 SSL_CERT_FILE={CERTIFICATES}
CMD ["python3"]
"""


def make_system(archive: Path) -> None:
    """Write the files of such a system to this archive, which appears whole."""
    unfinished = archive.with_name(f"unfinished-{archive.name}")
    subprocess.run(["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", unfinished], check=True)
    unfinished.rename(archive)


def make(storage: Path, system: Path) -> None:
    """Make the image of a system in this storage."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shutil.copy(system, folder / "root.tar")
        shutil.copy(trusted_certificates(), folder / "certificates.crt")
        (folder / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
        Images(storage).build([NAME], folder)


def trusted_certificates() -> str:
    """The certificates that this machine trusts, so that pip in the image reaches what pip here reaches."""
    named = map(os.environ.get, ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT"))
    return next(filter(None, named), CERTIFICATES)
