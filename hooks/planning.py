"""Decide, file by file, what a run over a project does: whose change stands, and what a person has to see."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import merging
from recorded_base import File, Record, Tree, read_file

BESIDE = ".template-new"  # tools that look for code, tests or workflows by their names pass over it
ADDED, UPDATED, REMOVED = "added", "updated", "removed"
MERGED, CONFLICT, ASIDE, KEPT, STAYS_DELETED = "merged", "conflict", "left as it is", "kept", "stays deleted"


class UnsettledError(Exception):
    """Files in which the conflicts of the last run are still open, and which would have to be merged again."""


@dataclass(frozen=True)
class Obstacle:
    """What is at a path, or above it, where only a regular file could be merged."""

    path: str
    kind: str


@dataclass
class Plan:
    """What a run will do: the new content of each path, None to remove it, and what to say about each.

    seen     what was at each path when that was decided
    beside   the user's path: where the template's version is put
    deleted  the paths that the user has deleted
    """

    writes: dict[str, File | None] = field(default_factory=dict)
    seen: dict[str, File | Obstacle | None] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)

    def paths(self, outcome: str) -> list[str]:
        """The paths that fare so."""
        return [path for path, found in self.outcomes.items() if found == outcome]


def look(project: Path, path: str) -> File | Obstacle | None:
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
    return read_file(there) if there.is_file() else Obstacle(path, "no regular file")


def plan(project: Path, last: Record, theirs: Tree) -> Plan:
    """Merge what the template writes now into the project, given the record of the last run.

    Raises UnsettledError, with the paths, if that would merge into open conflicts.
    """
    result, unsettled = Plan(), []
    for path in sorted(last.base.keys() | theirs.keys() | set(last.deleted)):
        there, base, now = look(project, path), last.base.get(path), theirs.get(path)
        result.seen[path] = there
        if isinstance(there, Obstacle):
            if now is not None and now != base:
                put_beside(result, project, path, now, there)
        elif there is None:
            settle_absent(result, path, base, now, declined=path in last.deleted)
        elif now is None:
            settle_dropped(result, path, base, there)
        elif path in last.conflicts and has_open_conflict(there, base) and needs_merge(path, base, there, now):
            unsettled.append(path)
        else:
            settle(result, project, path, base, there, now)
    if unsettled:
        raise UnsettledError(*unsettled)
    return result


def settle_absent(result: Plan, path: str, base: File | None, now: File | None, declined: bool) -> None:
    """A path that is not in the project: new, or deleted by the user, which is remembered."""
    if base is None and not declined:
        result.writes[path], result.outcomes[path] = now, ADDED
        return
    result.deleted.append(path)
    if now is not None and now != base:
        result.outcomes[path] = STAYS_DELETED


def settle_dropped(result: Plan, path: str, base: File | None, there: File) -> None:
    """A path that the template has no more: it goes, unless the user has changed it or made it."""
    if base is None:
        return
    if merging.same_content(path, there.data, base.data):
        result.writes[path], result.outcomes[path] = None, REMOVED
    else:
        result.outcomes[path] = KEPT


def needs_merge(path: str, base: File | None, there: File, now: File) -> bool:
    """Whether both the user and the template have changed a file, and differently."""
    if merging.same_content(path, there.data, now.data):
        return False
    return base is None or not (
        merging.same_text(now.data, base.data) or merging.same_content(path, there.data, base.data)
    )


def has_open_conflict(there: File, base: File | None) -> bool:
    """Whether a file holds more conflict marks than the template itself put there, in a text about them."""
    return merging.conflicts_in(there.data) > (merging.conflicts_in(base.data) if base else 0)


def settle(result: Plan, project: Path, path: str, base: File | None, there: File, now: File) -> None:
    """A path that is in the project and in the template."""
    data, outcome = there.data, None
    if needs_merge(path, base, there, now):
        merged = merging.merge(path, base.data if base else b"", there.data, now.data)
        if merged is None:
            put_beside(result, project, path, now, Obstacle(path, "not to be merged line by line"))
        else:
            data, outcome = merged[0], CONFLICT if merged[1] else MERGED
    elif not merging.same_content(path, there.data, now.data) and not merging.same_text(now.data, base.data):
        data, outcome = merging.with_line_ends_of(there.data, now.data), UPDATED
    executable = now.executable if base is None or there.executable == base.executable else there.executable
    if os.name == "nt":  # where no such bit is kept
        executable = there.executable
    if (data, executable) != there:
        result.writes[path] = File(data, executable)
        result.outcomes[path] = outcome or result.outcomes.get(path, UPDATED)


def put_beside(result: Plan, project: Path, path: str, now: File, obstacle: Obstacle) -> None:
    """Leave what the user has, and put the template's version beside it, under a name that nothing runs."""
    rest = path.removeprefix(obstacle.path)
    for name in beside_names(obstacle.path):
        there = look(project, name + rest)
        if there is None:
            result.writes[name + rest], result.seen[name + rest] = now, None
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
