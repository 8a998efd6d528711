"""The released model on one host, by Docker Compose: put it there, wait until it is healthy, or go back.

~/<package>/
  host.sh                       what runs on the host; a person may call it too. Its head says more
  current, previous             the names of the deployment that runs and of the one before
  <deployment>/                 compose.yaml, nginx.conf, .env and the model's folder
  proxy/                        accounts and certificate of the proxy, which a person puts there
  arriving-<random>/            a deployment on its way; whoever sends it knows its name, so that two do not meet

What a deployment is called tells what it is, all of it: release, image and files. So the same name is the same again.
"""

import io
import json
import re
import secrets
import tarfile
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import IO

from .. import __name__ as package
from ..errors import ProjectError
from ..releases.record import Release
from .host import Host

FILES = Path("deploy/compose")
SCRIPT, PROXY = "host.sh", "proxy.tar"
# Into a new folder. Whoever unpacks it owns it, also where that is root (-o), with the rights that it was packed with,
# whatever the account's umask (-p). What did not arrive whole takes no room on a disk that may be full.
UNPACK = 'mkdir -p "$1" && tar -xpo -f - -C "$1" || { rm -rf "$1"; exit 1; }'


def deploy(host: Host, release: Release, model: Path, image: Path) -> str:
    """Put this release and this image on the host and start them; the name of the deployment.

    model: the folder of the released model. image: an archive as `docker save` writes it; that of a proxy beside it
    goes along, and the proxy is started with the model. Raises ProjectError where the service does not become healthy;
    the deployment before runs again then.
    """
    tag, digest = read_image(image)
    proxy = image.with_name(PROXY)
    files = files_beside_the_model(profiles="proxy" if proxy.exists() else "")
    name = f"{release.release}-{digest[:12]}-{sha256(repr(files).encode()).hexdigest()[:12]}"
    arrival = f"{package}/arriving-{secrets.token_hex(8)}"
    with tempfile.TemporaryFile() as packed:
        pack(packed, name, files, model)
        packed.seek(0)
        host.run("sh", "-c", UNPACK, "sh", arrival, sent=packed)
    if proxy.exists():
        with proxy.open("rb") as archive:
            host.run("docker", "load", sent=archive)
    with image.open("rb") as archive:
        host.run("sh", f"{arrival}/{SCRIPT}", "receive", name, tag, sent=archive)
    return name


def go_back(host: Host, release: Release) -> str:
    """Start the deployment before the current one, if that is of this release; what the host says of it."""
    return host.run("sh", f"{package}/{SCRIPT}", "back", release.release).strip()


def published_address(host: Host) -> str:
    """Where the host itself reaches the service, as address:port. Raises ProjectError where it says something else."""
    said = host.run("sh", f"{package}/{SCRIPT}", "address").strip()
    address = said.rpartition("\n")[2]
    if not re.fullmatch(r"([\d.]+|\[[\da-f:]+\]):\d+", address, re.A):
        raise ProjectError(f"{host.address} does not say where the service is: {said!r}")
    return address


def read_image(archive: Path) -> tuple[str, str]:
    """The name and the fingerprint of the one image in an archive. Raises ProjectError where that is not what it is."""
    try:
        with tarfile.open(archive) as packed:
            member = packed.extractfile("manifest.json")
            (image,) = json.loads(member.read() if member else b"")
        (tag,) = image["RepoTags"]
        if not re.fullmatch(r"[a-z0-9][\w./:-]*", tag, re.A):
            raise ValueError(f"it is called {tag!r}")
        (digest,) = re.findall("[0-9a-f]{64}", image["Config"])
    except (OSError, tarfile.TarError, LookupError, ValueError, TypeError) as error:
        raise ProjectError(
            f"{archive} is not the archive of one image: {error!r}. Make it with `make image`."
        ) from None
    return tag, digest


def files_beside_the_model(profiles: str) -> dict[str, bytes]:
    """What a deployment holds but for the model and the name of its image, by the paths in its folder.

    profiles: what compose.yaml starts beside the model.
    """
    files = {
        path.relative_to(FILES).as_posix(): path.read_bytes()
        for path in sorted(FILES.rglob("[!.]*"))
        if path.is_file() and path.name != SCRIPT
    }
    return files | {".env": f"COMPOSE_PROFILES={profiles}\n".encode()}


def pack(out: IO[bytes], name: str, files: dict[str, bytes], model: Path) -> None:
    """Write the files of a deployment as a tar, with the script that takes it in on the host."""
    content = {f"{name}/{path}": data for path, data in files.items()}
    content |= {f"{name}/model/{path.name}": path.read_bytes() for path in sorted(model.iterdir())}
    content[f"{name}/.env"] += f"IMAGE={package}:{name}\n".encode()
    content[SCRIPT] = (FILES / SCRIPT).read_bytes()
    with tarfile.open(fileobj=out, mode="w") as packed:
        folders = {folder for path in content for folder in Path(path).parents if folder.name}
        for folder in sorted(folders):
            packed.addfile(entry(folder.as_posix(), tarfile.DIRTYPE, 0o755))
        for path, data in content.items():
            packed.addfile(entry(path, tarfile.REGTYPE, 0o644, len(data)), io.BytesIO(data))


def entry(path: str, kind: bytes, mode: int, size: int = 0) -> tarfile.TarInfo:
    """An entry of nobody's (uid and gid 0, no names), which the container, another user, may read."""
    made = tarfile.TarInfo(path)
    made.type, made.mode, made.size = kind, mode, size
    return made
