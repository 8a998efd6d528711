"""The images of one machine, kept by buildah."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path


class UnknownError(Exception):
    """Docker may know this; the emulation does not."""


class FailedError(Exception):
    """Docker would fail here too."""


def full_name(name: str) -> str:
    """The name under which docker keeps an image."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._/-]*(:\w[\w.-]*)?", name):
        raise UnknownError(f"the image name {name!r}")
    first, slash, _ = name.partition("/")
    registry = "docker.io/library/" if not slash else "" if "." in first or first == "localhost" else "docker.io/"
    return registry + name + ("" if ":" in name else ":latest")


def short_name(name: str) -> str:
    """The name under which docker shows an image."""
    return name.removeprefix("docker.io/").removeprefix("library/")


def forget_when_files_were_written(folder: Path) -> None:
    """Docker finds a layer again for files of the same content; buildah wants them to be of the same age, too."""
    for path in folder.rglob("[!.]*"):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            os.utime(path, (10**9, 10**9), follow_symlinks=False)


class Images:
    """The image store of one machine, in a folder of its own."""

    def __init__(self, storage: Path) -> None:
        self.storage = storage
        folders = ["--root", str(storage / "images"), "--runroot", str(storage / "run")]
        self.command = ["buildah", *folders, "--storage-driver", "overlay"]
        # What buildah cannot tidy up when it is killed shall go when the storage goes.
        self.environment = os.environ | {"TMPDIR": str(storage / "tmp")}
        (storage / "tmp").mkdir(parents=True, exist_ok=True)

    def buildah(self, *words: str, **options: object) -> str:
        """Let buildah do this, and return what it printed."""
        captured = {"stdout": subprocess.PIPE, "env": self.environment, "encoding": "utf-8"}
        done = subprocess.run([*self.command, *words], **captured | options)
        if done.returncode:
            raise FailedError(f"buildah {words[0]} failed")
        return (done.stdout or "").strip()

    def inspect(self, name: str) -> dict:
        """What buildah knows of an image."""
        return json.loads(self.buildah("inspect", "--type", "image", full_name(name)))

    def build(self, tags: list[str], folder: Path, file: str = "Dockerfile") -> None:
        """Build from a Dockerfile of the folder, and report on the way like docker: to standard error."""
        forget_when_files_were_written(folder)
        how = [*"--isolation chroot --pull-never --layers --force-rm --format docker --file".split(), file]
        named = [f"--tag={full_name(tag)}" for tag in tags]
        self.buildah("bud", *how, *named, ".", cwd=folder, stdout=sys.stderr.fileno())

    def save(self, name: str, archive: Path) -> None:
        """Write an image to an archive."""
        archive.unlink(missing_ok=True)  # buildah writes only a new one
        self.buildah("push", full_name(name), f"docker-archive:{archive}:{full_name(name)}")

    def load(self, archive: Path) -> list[str]:
        """Read an archive, and return the names of its image."""
        self.buildah("pull", f"docker-archive:{archive}")
        with tarfile.open(archive) as parts:
            (manifest,) = json.load(parts.extractfile("manifest.json"))
        return [short_name(name) for name in manifest["RepoTags"]]

    def load_standard_input(self) -> list[str]:
        """Read an archive that is piped in."""
        with tempfile.NamedTemporaryFile(dir=self.storage / "tmp") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.flush()
            return self.load(Path(copy.name))

    def names(self, wanted: str | None) -> list[str]:
        """All images, or those with this name or repository."""
        names = map(short_name, self.buildah("images", "--format", "{{.Name}}:{{.Tag}}").splitlines())
        return [name for name in names if wanted in (None, name, name.rpartition(":")[0])]

    def tag(self, name: str, new: str) -> None:
        """Give an image a second name, which another image loses."""
        self.buildah("tag", full_name(name), full_name(new))

    def remove(self, names: list[str]) -> None:
        """Take names away, and the images that have no other."""
        self.buildah("rmi", *map(full_name, names))
