"""Write what was planned, all or nothing: through a journal that the next run rolls back if this one dies halfway.

Below `.mlops-template/recovery/` each run that changes something keeps the files as they were (`before/`) and the list
of those that it added (`added`).
"""

import hashlib
import json
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from planning import Obstacle, look
from recorded_base import FOLDER, File

try:
    import fcntl
except ImportError:  # Windows: nothing keeps a second run out there
    fcntl = None

JOURNAL = f"{FOLDER}/journal.json"
RECOVERY = f"{FOLDER}/recovery"


class BusyError(Exception):
    """Another run is at work on the project."""


class ChangedError(Exception):
    """A file was changed while the run was at work; nothing of the run is left."""


@contextmanager
def alone(project: Path) -> Iterator[None]:
    """Be the only run over the project; raises BusyError if there is another. It ends with the process."""
    if fcntl is None:
        yield
        return
    folder = os.open(project, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError from None
        yield
    finally:
        os.close(folder)


def apply(project: Path, writes: dict[str, File | None], seen: dict[str, File | None]) -> Path | None:
    """Give each path its new content, None to remove it; the folder that keeps what was there before, if anything was.

    seen is what was at the paths when that was decided. If anything fails, all is put back before the error goes on:
    OSError, or ChangedError where a file is no longer so.
    """
    if not writes:
        return None
    keep = project / RECOVERY / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    try:
        write_journal(project, keep, writes, seen)
        for entry in read_journal(project)["entries"]:
            replace(project, keep, *entry)
        sync_folders(project, writes)
        (project / JOURNAL).unlink()  # from here on the run has happened
    except BaseException:
        if not recover(project):
            discard(keep)
        raise
    with suppress(OSError):
        sync(project / FOLDER)
    shutil.rmtree(keep / "after", ignore_errors=True)
    if (keep / "before").exists():
        return keep
    discard(keep)
    return None


def write_journal(project: Path, keep: Path, writes: dict[str, File | None], seen: dict[str, File | None]) -> None:
    """Put copies of the old and the new files aside and, once they are safely on disk, list them in the journal."""
    entries = []
    for path, new in writes.items():
        old = look(project, path)
        if old != seen[path]:
            raise ChangedError(path)
        if old is not None:
            put(keep / "before" / path, old, mode=(project / path).stat().st_mode)
        if new is not None:
            put(keep / "after" / path, new, mode=(project / path).stat().st_mode if old else None)
        entries.append((path, fingerprint(old), fingerprint(new)))
    added = [path for path, old, _ in entries if old is None]
    if (keep / "before").exists():
        put(keep / "added", File("".join(f"{path}\n" for path in added).encode()))
    journal = {"keep": keep.name, "entries": entries, "folders": new_folders(project, added)}
    put(keep / "journal", File(json.dumps(journal).encode()))
    (keep / "journal").replace(project / JOURNAL)
    sync(project / FOLDER)


def read_journal(project: Path) -> dict:
    """The journal of a run that has not ended."""
    return json.loads((project / JOURNAL).read_text(encoding="utf-8"))


def new_folders(project: Path, added: list[str]) -> list[str]:
    """The folders that have to be made for these paths, inner ones first."""
    folders = {folder.as_posix() for path in added for folder in Path(path).parents if folder != Path()}
    return sorted((folder for folder in folders if not (project / folder).exists()), reverse=True)


def replace(project: Path, keep: Path, path: str, old: str | None, new: str | None) -> None:
    """Carry out one entry of the journal."""
    if current(project, path) != old:
        raise ChangedError(path)
    if new is not None:
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (keep / "after" / path).replace(project / path)
        return
    (project / path).unlink()
    with suppress(OSError):  # a folder that still holds something stays
        for folder in Path(path).parents[:-1]:
            (project / folder).rmdir()


def recover(project: Path) -> bool:
    """Undo a run that died halfway, if there was one: put back what it had changed and nobody has changed since."""
    if not (project / JOURNAL).is_file():
        tidy(project)
        return False
    journal = read_journal(project)
    keep = project / RECOVERY / journal["keep"]
    for path, old, new in journal["entries"]:
        if old == new or current(project, path) != new:
            continue
        if old is None:
            (project / path).unlink()
        else:
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            (keep / "before" / path).replace(project / path)
    for folder in journal["folders"]:
        with suppress(OSError):
            (project / folder).rmdir()
    sync_folders(project, [path for path, _, _ in journal["entries"]])
    (project / JOURNAL).unlink()
    discard(keep)
    return True


def tidy(project: Path) -> None:
    """Remove what is left of runs that died before they changed anything, or after they had ended."""
    for keep in (project / RECOVERY).glob("*"):
        shutil.rmtree(keep / "after", ignore_errors=True)
        if not (keep / "added").exists():
            discard(keep)


def discard(keep: Path) -> None:
    """Remove what a run had put aside, and the folders that it made for that."""
    shutil.rmtree(keep, ignore_errors=True)
    for folder in (keep.parent, keep.parent.parent):
        with suppress(OSError):  # it still holds something, or was never made
            folder.rmdir()


def current(project: Path, path: str) -> str | None:
    """The fingerprint of what is at a path; of an obstacle, one that no file has."""
    there = look(project, path)
    return "obstacle" if isinstance(there, Obstacle) else fingerprint(there)


def fingerprint(file: File | None) -> str | None:
    """SHA-256 of a file and its executable bit."""
    return hashlib.sha256(bytes([file.executable]) + file.data).hexdigest() if file else None


def put(path: Path, file: File, mode: int | None = None) -> None:
    """Write a file through to the disk, with this mode or that of any new file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out:
        out.write(file.data)
        out.flush()
        os.fsync(out.fileno())
    executable = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
    mode = stat.S_IMODE(path.stat().st_mode if mode is None else mode) & ~executable
    path.chmod(mode | (mode & 0o444) >> 2 if file.executable else mode)  # whoever may read it may execute it


def sync_folders(project: Path, paths: list[str] | dict) -> None:
    """Make the names of these paths durable."""
    for folder in {(project / path).parent for path in paths}:
        if folder.is_dir():
            sync(folder)


def sync(folder: Path) -> None:
    """Make the names in a folder durable; Windows does that by itself."""
    if os.name == "nt":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
