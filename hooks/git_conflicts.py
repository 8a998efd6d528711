"""Show conflicts as git shows its own: `UU` in its status, so that every tool that settles merges works."""

from collections.abc import Iterable
from pathlib import Path

import merging
import repository
from recorded_base import Tree
from repository import FAILURES, git


def mark(project: Path, conflicts: list[str], mine: Tree, base: Tree, theirs: Tree) -> list[str]:
    """Put the three versions of each path into git's index, if it is tracked and nothing of it is staged.

    mine, base and theirs are what the user had, what the template wrote last time and what it writes now. Returns the
    paths that git shows now. Outside a repository, without git or where git refuses, the marks in the files must do:
    the run has happened already.
    """
    try:
        if not conflicts or not repository.is_own(project):
            return []
        found = {path: stages(project, path, mine[path], base.get(path), theirs[path]) for path in conflicts}
        if lines := [line for of_path in found.values() for line in of_path]:
            repository.write_index(project, b"\0".join(lines) + b"\0")
    except FAILURES:
        return []
    return [path for path, of_path in found.items() if of_path]


def stages(project: Path, path: str, mine: bytes, base: bytes | None, theirs: bytes) -> list[bytes]:
    """What `git update-index --index-info` wants to hear of a conflict; nothing where the index must stay as it is."""
    tracked = git(project, "ls-files", "--stage", "-z", "--full-name", "--", path).split(b"\0")[:-1]
    if len(tracked) != 1 or git(project, "diff", "--cached", "--name-only", "--", path):
        return []
    info, _, full_name = tracked[0].partition(b"\t")
    mode, blob, _ = info.split()
    lines = [b"0 " + b"0" * len(blob) + b"\t" + full_name]
    for number, version in ((b"1", base), (b"2", mine), (b"3", theirs)):
        if version is not None:
            content = merging.unix_lines(version)  # as a filter of line ends would; others are not run
            stored = git(project, "hash-object", "-w", "--stdin", "--no-filters", given=content).strip()
            lines.append(b" ".join((mode, stored, number)) + b"\t" + full_name)
    return lines


def unmark(project: Path, paths: Iterable[str]) -> None:
    """Take the conflicts of these paths out of git's index, whose files are as they were before."""
    try:
        shown = repository.unmerged(project, *paths)
        if shown and repository.is_own(project):
            committed = git(project, "ls-tree", "-z", "--full-name", "HEAD", "--", *shown)
            repository.write_index(project, committed)  # which replaces the three versions
    except FAILURES:
        return
