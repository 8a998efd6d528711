"""Write what was planned, all or nothing: through a journal that the next run rolls back if this one dies halfway."""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import journal
import recovery
from disk import Obstacle, look, mode_of, move, put, sync_folders
from journal import JOURNAL, RECOVERY, Journal, current, fingerprint


class ChangedError(Exception):
    """A file was changed while the run was at work; nothing of the run is left."""


@dataclass
class Changes:
    """What a run is to do with the files of a project.

    writes  the new content of each path, None to remove it; the last is the record
    seen    what was at the paths when that was decided
    modes   the permission bits of files that come where nothing is, if not those of any new file
    undoes  the name of the run that this one takes back
    """

    writes: dict[str, bytes | None] = field(default_factory=dict)
    seen: dict[str, bytes | Obstacle | None] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    undoes: str | None = None


def apply(project: Path, changes: Changes) -> Path | None:
    """Make the changes; the folder by which they can be undone, if they are not all there is.

    Once the last path is written the run has happened. If anything fails before, all is put back and the error goes on:
    OSError, ChangedError where a file is no longer as it was seen, StuckError where something could not be put back.
    """
    if not changes.writes:
        return None
    keep = project / RECOVERY / journal.new_name(project)
    run = None
    try:
        entries = put_aside(project, keep, changes)
        run = Journal(keep.name, entries, new_folders(project, entries), changes.undoes)
        journal.write(project, run)
        for entry in entries[:-1]:
            replace(project, keep, *entry)
        sync_folders((project / path).parent for path in changes.writes)
        replace(project, keep, *entries[-1])
    except BaseException:
        if run is None or not (project / JOURNAL).is_file():
            recovery.discard(keep)
        elif not journal.has_happened(project, run):
            recovery.roll_back(project, run)
        raise
    with suppress(OSError):  # the next run does it
        sync_folders([(project / entries[-1][0]).parent])
        recovery.close(project, run)
    return keep if keep.is_dir() else None


def put_aside(project: Path, keep: Path, changes: Changes) -> list[tuple[str, str | None, str | None]]:
    """Copy the old and the new files into the run's folder, safely on disk; the entries of its journal."""
    entries = []
    for path, new in changes.writes.items():
        old = look(project, path)
        if old != changes.seen[path]:
            raise ChangedError(path)
        mode = changes.modes.get(path) if old is None else mode_of(project / path)
        if old is not None:
            put(keep / "before" / path, old, mode)
        if new is not None:
            put(keep / "after" / path, new, mode)
        entries.append((path, fingerprint(old), fingerprint(new)))
    return entries


def new_folders(project: Path, entries: list[tuple[str, str | None, str | None]]) -> list[str]:
    """The folders that have to be made for what is new, inner ones first."""
    added = [path for path, old, _ in entries if old is None]
    folders = {folder.as_posix() for path in added for folder in Path(path).parents if folder != Path()}
    return sorted((folder for folder in folders if not (project / folder).exists()), reverse=True)


def replace(project: Path, keep: Path, path: str, old: str | None, new: str | None) -> None:
    """Carry out one entry of the journal."""
    if current(project, path) != old:
        raise ChangedError(path)
    if new is not None:
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        move(keep / "after" / path, project / path)
        return
    (project / path).unlink()
    with suppress(OSError):  # a folder that still holds something stays
        for folder in Path(path).parents[:-1]:
            (project / folder).rmdir()
