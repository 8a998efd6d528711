"""The files of a project on disk: what is at a path, and how one is written, whatever the file system can do."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nothing keeps a second run out there
    fcntl = None

# What file systems answer that know no modes, no locks, or no folders that can be synced: FAT, NTFS, CIFS, NFS, FUSE.
UNKNOWN_HERE = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF, errno.ENOLCK}

LARGEST = 100 * 2**20  # of the files that are read to be merged


class BusyError(Exception):
    """Another run is at work on the project."""


@dataclass(frozen=True)
class Obstacle:
    """What is at a path, or above it, where only a regular file could be merged."""

    path: str
    kind: str


def look(project: Path, path: str) -> bytes | Obstacle | None:
    """What is at a path of the project: a file, nothing, or what must not be touched."""
    parts = Path(path).parts
    for depth in range(1, len(parts) + 1):
        there = project.joinpath(*parts[:depth])
        name = "/".join(parts[:depth])
        if there.is_symlink():
            return Obstacle(name, "a link")
        if depth < len(parts) and there.exists() and not there.is_dir():
            return Obstacle(name, "a file where the template has a folder")
    if there.is_dir():
        return Obstacle(path, "a folder where the template has a file")
    if not there.exists():
        return None
    if not there.is_file():
        return Obstacle(path, "no regular file")
    if there.stat().st_size > LARGEST:
        return Obstacle(path, f"a file of more than {LARGEST >> 20} MB")
    return there.read_bytes()


def has_link(project: Path, path: str) -> bool:
    """Whether a path of the project leads through a link, or is one."""
    parts = Path(path).parts
    return any(project.joinpath(*parts[:depth]).is_symlink() for depth in range(1, len(parts) + 1))


def read_tree(root: Path) -> dict[str, bytes]:
    """Every file below root by its path with /."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def mode_of(path: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def put(path: Path, data: bytes, mode: int | None = None) -> None:
    """Write a file through to the disk, with this mode or that of any new file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out:
        if mode not in (None, mode_of(path)):
            with where_known():
                path.chmod(mode)  # before the content: who may not read it never could
        out.write(data)
        out.flush()
        with where_known():
            os.fsync(out.fileno())


def move(source: Path, target: Path) -> None:
    """Put a file in the place of another, at once; through a file beside it, if that is on another file system."""
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        number, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        os.close(number)
        put(Path(beside), source.read_bytes(), mode_of(source))
        Path(beside).replace(target)
        source.unlink()


def sync_folders(folders: Iterable[Path]) -> None:
    """Make the names in these folders durable; Windows does that by itself."""
    for folder in set(folders):
        if os.name != "nt" and folder.is_dir():
            opened = os.open(folder, os.O_RDONLY)
            try:
                with where_known():
                    os.fsync(opened)
            finally:
                os.close(opened)


@contextmanager
def where_known() -> Iterator[None]:
    """Go on without what this file system does not know."""
    try:
        yield
    except OSError as error:
        if error.errno not in UNKNOWN_HERE:
            raise


@contextmanager
def alone(project: Path) -> Iterator[None]:
    """Be the only run over the project; raises BusyError if there is another. It ends with the process."""
    if fcntl is None:
        yield
        return
    folder = os.open(project, os.O_RDONLY)
    try:
        try:
            with where_known():
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError from None
        yield
    finally:
        os.close(folder)
