"""What git knows of a project; nothing, where there is no git or no repository."""

import os
import subprocess
from pathlib import Path

FAILURES = (OSError, subprocess.CalledProcessError)


def git(project: Path, *words: str, given: bytes | None = None) -> bytes:
    """What git prints; OSError without git, CalledProcessError where it refuses.

    Which repository it is follows from the folder alone. Git's own hooks and managers of dotfiles set variables that
    name another.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(["git", *words], cwd=project, env=own, input=given, capture_output=True, check=True).stdout


def listed(project: Path, *words: str, given: bytes | None = None) -> list[str]:
    """The paths that a command of git prints, separated by zero bytes; none where git has nothing to say."""
    try:
        return os.fsdecode(git(project, *words, given=given)).split("\0")[:-1]
    except FAILURES:
        return []


def tracked(project: Path, *paths: str) -> list[str]:
    """Which files at or below these paths are under version control."""
    return listed(project, "ls-files", "-z", "--", *paths)


def unmerged(project: Path, *paths: str) -> list[str]:
    """Which files at or below these paths wait for a merge to be settled."""
    lines = listed(project, "ls-files", "--unmerged", "-z", "--", *paths) if paths else []
    return sorted({line.partition("\t")[2] for line in lines})


def ignored(project: Path, *paths: str) -> list[str]:
    """Which of these paths are not under version control, and would be left out by `git add`."""
    return listed(project, "check-ignore", "--stdin", "-z", given=os.fsencode("\0".join(paths)))
