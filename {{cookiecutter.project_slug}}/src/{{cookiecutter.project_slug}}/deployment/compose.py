"""The released model on one host, by Docker Compose: put it there, wait until it is healthy, or go back.

~/<package>/
  host.sh                  what runs on the host; a person may call it too
  current, previous        the names of the deployment that runs and of the one before
  <deployment>/            compose.yaml, nginx.conf, .env and the model's folder; its name tells release and image
  proxy/                   accounts and certificate, which a person puts there
"""

import io
import json
import re
import tarfile
import tempfile
from pathlib import Path
from typing import IO

from .. import __name__ as package
from ..errors import ProjectError
from ..releases.record import Release
from .host import Host

FILES = Path("deploy/compose")
SCRIPT, COMPOSE, PROXY_SETTINGS = "host.sh", "compose.yaml", "nginx.conf"
PROXY = "proxy.tar"


def deploy(host: Host, release: Release, model: Path, image: Path) -> str:
    """Put this release and this image on the host and start them; the name of the deployment.

    model: the folder of the released model. image: an archive as `docker save` writes it; the archive of a proxy beside
    it goes along, and the proxy is started with the model. Raises ProjectError where the
    service does not become healthy; the deployment before runs again then.
    """
    tag, digest = read_image(image)
    name = f"{release.release}-{digest[:12]}"
    proxy = image.with_name(PROXY)
    for path in [image, proxy] if proxy.exists() else [image]:
        with path.open("rb") as archive:
            host.run("docker", "load", sent=archive)
    host.run("docker", "tag", tag, f"{package}:{name}")
    with tempfile.TemporaryFile() as packed:
        pack(packed, name, model, profiles="proxy" if proxy.exists() else "")
        packed.seek(0)
        host.run("mkdir", "-p", package)
        host.run("tar", "-x", "-C", package, sent=packed)
    host.run("sh", f"{package}/{SCRIPT}", "start", name)
    return name


def go_back(host: Host) -> str:
    """Start the deployment before the current one; what the host says of it."""
    return host.run("sh", f"{package}/{SCRIPT}", "back").strip()


def published_address(host: Host) -> str:
    """Where the host itself reaches the service, as address:port."""
    return host.run("sh", f"{package}/{SCRIPT}", "address").strip()


def read_image(archive: Path) -> tuple[str, str]:
    """The name and the fingerprint of the one image in an archive. Raises ProjectError where that is not what it is."""
    try:
        with tarfile.open(archive) as packed:
            member = packed.extractfile("manifest.json")
            (image,) = json.loads(member.read() if member else b"")
        (tag,) = image["RepoTags"]
        (digest,) = re.findall("[0-9a-f]{64}", image["Config"])
    except (OSError, tarfile.TarError, LookupError, ValueError, TypeError) as error:
        raise ProjectError(
            f"{archive} is not the archive of one image: {error!r}. Make it with `make image`."
        ) from None
    return tag, digest


def pack(out: IO[bytes], name: str, model: Path, profiles: str) -> None:
    """Write the files of a deployment as a tar, to unpack in the package's folder on the host.

    profiles: what compose.yaml starts beside the model.
    """
    environment = f"IMAGE={package}:{name}\nCOMPOSE_PROFILES={profiles}\n".encode()
    with tarfile.open(fileobj=out, mode="w") as packed:
        packed.add(FILES / SCRIPT, SCRIPT, filter=readable)
        for file in (COMPOSE, PROXY_SETTINGS):
            packed.add(FILES / file, f"{name}/{file}", filter=readable)
        packed.add(model, f"{name}/model", filter=readable)
        entry = tarfile.TarInfo(f"{name}/.env")
        entry.size = len(environment)
        packed.addfile(entry, io.BytesIO(environment))


def readable(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """The entry with the rights that the container, another user than the one who unpacks it, needs to read it."""
    entry.mode = 0o755 if entry.isdir() else 0o644
    return entry
