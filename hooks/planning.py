"""Decide, file by file, what a run over a project does: whose change stands, and what a person has to see."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import merging
from applying import Changes
from disk import Obstacle, look
from recorded_base import Record, Tree

BESIDE = ".template-new"  # tools that look for code, tests or workflows by their names pass over it
ADDED, UPDATED, REMOVED = "added", "updated", "removed"
MERGED, CONFLICT, ASIDE, KEPT = "merged", "conflict", "left as it is", "kept"
STAYS_DELETED, NOT_ADDED = "stays deleted", "not added"
# What tools leave in a folder whose files are all deleted or moved away.
LEFT_BY_TOOLS = {"__pycache__", ".ipynb_checkpoints", ".DS_Store", "Thumbs.db"}


class UnsettledError(Exception):
    """Files in which the conflicts of the last run are still open, and which would have to be merged again."""


@dataclass
class Plan:
    """What a run will do, and what to say about each path.

    changes  of files
    base     what the template wrote, of each path to which it came; the others stay as they were last time
    beside   the user's path: where the template's version is put
    gone     paths that are not added: the folder of the template's that is not there any more
    """

    changes: Changes = field(default_factory=Changes)
    base: Tree = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)

    def paths(self, outcome: str) -> list[str]:
        """The paths that fare so."""
        return [path for path, found in self.outcomes.items() if found == outcome]


def plan(project: Path, last: Record, theirs: Tree, restore: str = "", unmerged: Collection[str] = frozenset()) -> Plan:
    """Merge what the template writes now into the project, given the record of the last run.

    restore is a path, or a folder's, where deleted files of the template come back; "." is all of them. unmerged are
    the paths whose merge is not settled in git. Raises UnsettledError, with the paths, if that would merge into open
    conflicts.
    """
    paths = sorted(last.base.keys() | theirs.keys())
    result, unsettled = Plan(Changes(seen={path: look(project, path) for path in paths})), []
    folders = removed_folders(project, last.base, result.changes.seen)
    for path in paths:
        there, base, now = result.changes.seen[path], last.base.get(path), theirs.get(path)
        if isinstance(there, Obstacle):
            if now is not None and now != base:
                put_beside(result, project, path, now, there)
            applied = now is not None
        elif there is None:
            applied = settle_absent(result, path, base, now, folders, wanted=is_below(path, restore))
        elif now is None:
            applied = settle_dropped(result, path, base, there)
        elif needs_merge(base, there, now) and (
            path in unmerged or (path in last.conflicts and has_open_conflict(there, base))
        ):
            unsettled.append(path)
            continue
        else:
            applied = settle(result, project, path, base, there, now)
        if (delivered := now if applied else base) is not None:
            result.base[path] = delivered
    if unsettled:
        raise UnsettledError(*unsettled)
    return result


def is_below(path: str, folder: str) -> bool:
    """Whether a path is this one, or below it."""
    wanted = folder.removeprefix("./").rstrip("/")
    return wanted == "." or path == wanted or (wanted != "" and path.startswith(f"{wanted}/"))


def removed_folders(project: Path, base: Tree, seen: dict[str, bytes | Obstacle | None]) -> set[str]:
    """The folders that the template has filled and the user has deleted, moved or emptied."""
    filled = {folder.as_posix() for path in base for folder in Path(path).parents[:-1]}
    left = {folder.as_posix() for path in base if seen[path] is not None for folder in Path(path).parents}
    return {folder for folder in filled - left if not in_use(project / folder)}


def in_use(folder: Path) -> bool:
    """Whether anything is in a folder but what tools leave behind."""
    inside = [folder] if folder.is_dir() else []
    while inside:
        for entry in inside.pop().iterdir():
            if entry.name in LEFT_BY_TOOLS:
                continue
            if entry.is_symlink() or not entry.is_dir():
                return True
            inside.append(entry)
    return False


def settle_absent(
    result: Plan, path: str, base: bytes | None, now: bytes | None, removed: set[str], wanted: bool
) -> bool:
    """A path that is not in the project: new, or deleted by the user; whether the template's version comes there."""
    if now is None:
        return False
    gone = [folder.as_posix() for folder in Path(path).parents[:-1] if folder.as_posix() in removed]
    if wanted or (base is None and not gone):
        result.changes.writes[path], result.outcomes[path] = now, ADDED
        return True
    result.outcomes[path] = STAYS_DELETED if base is not None else NOT_ADDED
    if base is None:
        result.gone[path] = gone[-1]
    return False


def settle_dropped(result: Plan, path: str, base: bytes, there: bytes) -> bool:
    """A path that the template has no more: it goes, unless the user has changed it; whether it goes."""
    if not merging.same_text(there, base):
        result.outcomes[path] = KEPT
        return False
    result.changes.writes[path], result.outcomes[path] = None, REMOVED
    return True


def needs_merge(base: bytes | None, there: bytes, now: bytes) -> bool:
    """Whether both the user and the template have changed a file, and differently."""
    same = merging.same_text
    return not same(there, now) and (base is None or not (same(now, base) or same(there, base)))


def has_open_conflict(there: bytes, base: bytes | None) -> bool:
    """Whether a file holds more conflict marks than the template itself put there, in a text about them."""
    return merging.conflicts_in(there) > (merging.conflicts_in(base) if base else 0)


def settle(result: Plan, project: Path, path: str, base: bytes | None, there: bytes, now: bytes) -> bool:
    """A path that is in the project and in the template; whether the template's version comes there, which it does."""
    data, outcome = there, UPDATED
    if needs_merge(base, there, now):
        merged = merging.merge(path, base or b"", there, now)
        if merged is None:
            put_beside(result, project, path, now, Obstacle(path, "not to be merged line by line"))
        else:
            data, outcome = merged[0], CONFLICT if merged[1] else MERGED
    elif not merging.same_text(there, now) and not merging.same_text(now, base):
        data = merging.with_line_ends_of(there, now)
    if data != there:
        result.changes.writes[path], result.outcomes[path] = data, outcome
    return True


def put_beside(result: Plan, project: Path, path: str, now: bytes, obstacle: Obstacle) -> None:
    """Leave what the user has, and put the template's version beside it, under a name that nothing runs."""
    rest = path.removeprefix(obstacle.path)
    for name in beside_names(obstacle.path):
        there = look(project, name + rest)
        if there is None:
            result.changes.writes[name + rest], result.changes.seen[name + rest] = now, None
        if there in (None, now):
            result.outcomes[path], result.beside[path] = ASIDE, name + rest
            return


def beside_names(path: str) -> Iterable[str]:
    """Names to try, until one is free."""
    yield path + BESIDE
    number = 2
    while True:
        yield f"{path}{BESIDE}-{number}"
        number += 1
