"""Put back what a run that died halfway has changed, and tidy up after those that have ended."""

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from disk import has_link, move, sync_folders
from journal import (
    BY_EARLIER_VERSIONS,
    ENDED,
    JOURNAL,
    PUT_ASIDE,
    RECOVERY,
    Journal,
    current,
    fits,
    of_a_dead_run,
    own_names,
    read,
)
from private_copy import RENDERED
from recorded_base import BASE

SECONDS_OF_A_CREATION = 3600  # none takes as long


class StuckError(OSError):
    """What a run had changed could not, or not wholly, be put back: why."""


@dataclass
class Recovery:
    """What becomes of a run that died: these paths are put back.

    changed  paths that somebody has changed since: they stay
    lost     paths whose old content is not in the run's folder any more: they stay
    fits     whether the project is still the one in which the run died; nothing is put back in another
    """

    put_back: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    fits: bool = True


def examine(project: Path, journal: Journal) -> Recovery:
    """What there is to put back of a run that has not come to its end."""
    found, saved = Recovery(), project / RECOVERY / journal.keep / "before"
    for path, old, new in journal.entries:
        now = current(project, path)
        if now == old:
            continue
        if now != new:
            found.changed.append(path)
        elif old is not None and current(saved, path) != old:
            found.lost.append(path)
        else:
            found.put_back.append(path)
    return found


def recover(project: Path) -> Recovery | None:
    """Undo a run that died halfway; None if there was none. Raises StuckError if something cannot be put back."""
    if journal := of_a_dead_run(project):
        if fits(project, journal):
            return roll_back(project, journal)
        set_aside(project, journal)
        return Recovery(fits=False)
    if (project / JOURNAL).is_file():
        close(project, read(project / JOURNAL))
    tidy(project)
    return None


def roll_back(project: Path, journal: Journal) -> Recovery:
    """Put back what a run has changed, but for what somebody else has changed since."""
    saved = project / RECOVERY / journal.keep / "before"
    try:
        found, stuck = examine(project, journal), []
        for path, old, new in journal.entries:
            if path in found.put_back and current(project, path) == new:  # nobody has been quicker
                try:
                    put_back(project, saved, path, old)
                except OSError as error:
                    stuck.append(f"{path} ({error.strerror})")
        if stuck:
            raise StuckError(", ".join(stuck))
        for folder in journal.folders:
            with suppress(OSError):  # it holds something, or was never made
                if not has_link(project, folder):
                    (project / folder).rmdir()
        sync_folders((project / path).parent for path in found.put_back)
        if found.changed or (found.lost and saved.is_dir()):
            set_aside(project, journal)
        else:
            (project / JOURNAL).unlink()
            discard(project / RECOVERY / journal.keep)
    except OSError as error:
        raise StuckError(f"{error}") from error
    return found


def put_back(project: Path, saved: Path, path: str, old: str | None) -> None:
    """Give a path its saved content, or remove it if it had none."""
    if old is None:
        (project / path).unlink()
    else:
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        move(saved / path, project / path)


def set_aside(project: Path, journal: Journal) -> None:
    """End a run that died and is not, or not wholly, undone; what it had saved stays."""
    keep = project / RECOVERY / journal.keep
    keep.mkdir(parents=True, exist_ok=True)
    (project / JOURNAL).replace(keep / PUT_ASIDE)
    shutil.rmtree(keep / "after", ignore_errors=True)


def close(project: Path, journal: Journal) -> None:
    """End a run that has happened. Its folder stays, unless nothing was there before."""
    keep = project / RECOVERY / journal.keep
    is_new = any(path == BASE and old is None for path, old, _ in journal.entries) and not (keep / "before").is_dir()
    if keep.is_dir() and not is_new:
        (project / JOURNAL).replace(keep / ENDED)
        shutil.rmtree(keep / "after", ignore_errors=True)
    else:
        (project / JOURNAL).unlink()
        discard(keep)


def forget(project: Path, journal: Journal) -> None:
    """End a run of which nothing is to be taken back any more; what it had saved stays."""
    keep = project / RECOVERY / journal.keep
    (keep / ENDED).replace(keep / PUT_ASIDE)


def tidy(project: Path) -> None:
    """Remove what is left of runs that died before they changed anything, or after they had ended."""
    for name in own_names(project):
        keep = project / RECOVERY / name
        shutil.rmtree(keep / "after", ignore_errors=True)
        if not any((keep / note).exists() for note in (ENDED, PUT_ASIDE, BY_EARLIER_VERSIONS)):
            discard(keep)
    for aside in (project / RENDERED).glob("*"):
        if time.time() - aside.stat().st_mtime > SECONDS_OF_A_CREATION:
            discard(aside)


def discard(keep: Path) -> None:
    """Remove what a run had put aside, and the folders that it made for that."""
    shutil.rmtree(keep, ignore_errors=True)
    for folder in (keep.parent, keep.parent.parent):
        with suppress(OSError):  # it still holds something, or was never made
            folder.rmdir()
