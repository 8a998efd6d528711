"""Put back what a run that died halfway has changed, and tidy up after those that have ended."""

import re
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from disk import sync_folders
from journal import ADDED, DIED, ENDED, JOURNAL, OWN_NAME, RECOVERY, Journal, current, fits, of_a_dead_run, read
from recorded_base import BASE


class StuckError(OSError):
    """What a run had changed, and could not be put back."""


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
        return roll_back(project, journal) if fits(project, journal) else set_aside(project, journal)
    if (project / JOURNAL).is_file():
        close(project, read(project / JOURNAL))
    tidy(project)
    return None


def roll_back(project: Path, journal: Journal) -> Recovery:
    """Put back what a run has changed, but for what somebody else has changed since."""
    found = examine(project, journal)
    saved = project / RECOVERY / journal.keep / "before"
    stuck = [path for path in found.put_back if not put_back(project, saved, path)]
    if stuck:
        raise StuckError(f"{', '.join(stuck)}. Their old content is in {RECOVERY}/{journal.keep}/before")
    for folder in journal.folders:
        with suppress(OSError):  # it holds something, or was never made
            (project / folder).rmdir()
    sync_folders((project / path).parent for path in found.put_back)
    if found.changed:
        set_aside(project, journal)
    else:
        (project / JOURNAL).unlink()
        discard(project / RECOVERY / journal.keep)
    return found


def put_back(project: Path, saved: Path, path: str) -> bool:
    """Give a path its saved content, or remove it if it had none; whether that worked."""
    try:
        if (saved / path).is_file():
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            (saved / path).replace(project / path)
        else:
            (project / path).unlink()
    except OSError:
        return False
    return True


def set_aside(project: Path, journal: Journal) -> Recovery:
    """End a run that died and is not, or not wholly, undone; what it had saved stays."""
    keep = project / RECOVERY / journal.keep
    keep.mkdir(parents=True, exist_ok=True)
    (project / JOURNAL).replace(keep / DIED)
    shutil.rmtree(keep / "after", ignore_errors=True)
    return Recovery(fits=False)


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


def tidy(project: Path) -> None:
    """Remove what is left of runs that died before they changed anything, or after they had ended."""
    for keep in (project / RECOVERY).glob("*"):
        if re.fullmatch(OWN_NAME, keep.name):
            shutil.rmtree(keep / "after", ignore_errors=True)
            if not any((keep / name).exists() for name in (ENDED, DIED, ADDED)):
                discard(keep)


def discard(keep: Path) -> None:
    """Remove what a run had put aside, and the folders that it made for that."""
    shutil.rmtree(keep, ignore_errors=True)
    for folder in (keep.parent, keep.parent.parent):
        with suppress(OSError):  # it still holds something, or was never made
            folder.rmdir()
