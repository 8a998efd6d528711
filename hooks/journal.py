"""The journal of a run that is at work, by which the next run puts back what one that died halfway has changed.

Below `.mlops-template/recovery/` each run has a folder: the files as they were (`before/`), those to come (`after/`),
and in the end its journal (`run.json`). A journal is believed as little as the rest of a folder that may have come from
a stranger: it names files of the project, and what it would put back has the digest that it says.
"""

import hashlib
import json
import re
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import repository
from disk import Obstacle, look, put, sync_folders
from recorded_base import FOLDER, checked_path
from refusal import RefusedError

JOURNAL = f"{FOLDER}/journal.json"
RECOVERY = f"{FOLDER}/recovery"
ENDED, PUT_ASIDE = "run.json", "put-aside.json"  # the journal of a run that can be undone, and of any other
BY_EARLIER_VERSIONS = "added"
MARKED = "conflicts-in-git"
OWN_NAME = r"\d{8}-\d{6}-\d+"
MOST_BYTES = 20 * 2**20


@dataclass
class Journal:
    """What a run does, in this order; once the last entry is done, the run has happened.

    keep     the name of its folder
    entries  path, and the fingerprints of what was there and of what comes
    folders  the folders that it makes, inner ones first
    undoes   the name of the run that it takes back
    """

    keep: str
    entries: list[tuple[str, str | None, str | None]]
    folders: list[str] = field(default_factory=list)
    undoes: str | None = None


def fingerprint(data: bytes | None) -> str | None:
    """SHA-256 of a file."""
    return None if data is None else hashlib.sha256(data).hexdigest()


def current(project: Path, path: str) -> str | None:
    """The fingerprint of what is at a path; of an obstacle, one that no file has."""
    there = look(project, path)
    return "obstacle" if isinstance(there, Obstacle) else fingerprint(there)


def new_name(project: Path) -> str:
    """A name for the folder of a run: the time, or one behind the newest, should the clock have been set back."""
    now = time.time_ns()
    name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now // 10**9))}-{now // 10**3 % 10**6:06}"
    *_, newest = "", *own_names(project)
    if not newest or order(name) > order(newest):
        return name
    second, number = order(newest)
    return f"{second}-{number + 1:06}"


def own_names(project: Path) -> list[str]:
    """The names of the folders of runs, the oldest first."""
    return sorted(
        (path.name for path in (project / RECOVERY).glob("*") if re.fullmatch(OWN_NAME, path.name)), key=order
    )


def order(name: str) -> tuple[str, int]:
    """By what the names of runs are in order."""
    second, _, number = name.rpartition("-")
    return second, int(number)


def write(project: Path, journal: Journal) -> None:
    """Begin: from here on a run that dies is undone by the next one."""
    aside = project / RECOVERY / journal.keep / "journal"
    put(aside, json.dumps(asdict(journal)).encode())
    aside.replace(project / JOURNAL)
    sync_folders([project / FOLDER])


def read(path: Path) -> Journal:
    """A journal. Raises RefusedError for what no run has written."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES >> 20} MB")
        found = json.loads(path.read_bytes())
        journal = Journal(
            checked_name(found["keep"]),
            [(checked_path(path), checked_digest(old), checked_digest(new)) for path, old, new in found["entries"]],
            [checked_path(folder) for folder in found["folders"]],
            found.get("undoes") and checked_name(found["undoes"]),
        )
        if not journal.entries:
            raise ValueError("it is empty")
        return journal
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise RefusedError(
            f"{path} was not written by this template: {problem}. Nothing of it is believed; remove it, then run the"
            " template again."
        ) from problem


def checked_name(name: str) -> str:
    """The name of a run's folder."""
    if not re.fullmatch(OWN_NAME, name):
        raise ValueError(f"{name!r} is no folder of a run")
    return name


def checked_digest(digest: str | None) -> str | None:
    """A fingerprint."""
    if digest is not None and not re.fullmatch("[0-9a-f]{64}", digest):
        raise ValueError(f"{digest!r} is no digest")
    return digest


def of_a_dead_run(project: Path) -> Journal | None:
    """The journal of a run that has not come to its end; None if there is none. Raises RefusedError for another's."""
    if not (project / JOURNAL).is_file():
        return None
    refuse_tracked(project, JOURNAL)
    journal = read(project / JOURNAL)
    return None if has_happened(project, journal) else journal


def refuse_tracked(project: Path, *paths: str) -> None:
    """Raise RefusedError for notes on runs that came with the repository, where no run puts them."""
    if found := repository.tracked(project, *paths):
        raise RefusedError(
            f"{found[0]} of {project} is under version control, where no run puts it, and is not believed. If it came"
            f" from somebody else, remove it:\n  git rm -r {' '.join(paths)}\nIf it is of a run of your own, take it"
            f" out of git alone:\n  git rm -r --cached {' '.join(paths)}"
        )


def has_happened(project: Path, journal: Journal) -> bool:
    """Whether a run has done all that it was to do, and only its journal is left."""
    path, _, new = journal.entries[-1]
    return current(project, path) == new


def fits(project: Path, journal: Journal) -> bool:
    """Whether the project still has the record with which a run began that has not come to its end.

    In one with another record others have been at work since, and what looks like the run's may be theirs.
    """
    path, old, _ = journal.entries[-1]
    return current(project, path) == old
