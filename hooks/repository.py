"""What git knows of a project; nothing, where there is no git or no repository.

The repository may have come from a stranger, with its configuration: nothing that stands there is run.
"""

import os
import subprocess
from pathlib import Path

FAILURES = (OSError, ValueError, subprocess.SubprocessError)
RUN_NOTHING = {"core.fsmonitor": "false", "core.hooksPath": "/dev/null", "safe.bareRepository": "explicit"}
MOST_SECONDS = 60
os.environ["NODEFAULTCURRENTDIRECTORYINEXEPATH"] = "1"  # Windows would take a git.exe of the project's


def git(project: Path, *words: str, given: bytes | None = None, settings: dict[str, str] | None = None) -> bytes:
    """What git prints; OSError without git, SubprocessError where it refuses or does not end.

    Which repository it is follows from the folder alone. Git's own hooks and managers of dotfiles set variables that
    name another.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    switched = [word for key, value in (RUN_NOTHING | (settings or {})).items() for word in ("-c", f"{key}={value}")]
    done = subprocess.run(
        ["git", "--no-optional-locks", *switched, *words],
        cwd=project,
        env=own,
        input=given,
        capture_output=True,
        check=True,
        timeout=MOST_SECONDS,
    )
    return done.stdout


def listed(project: Path, *words: str, given: bytes | None = None) -> list[str]:
    """The paths that a command of git prints, separated by zero bytes; none where git has nothing to say."""
    try:
        return os.fsdecode(git(project, *words, given=given)).split("\0")[:-1]
    except FAILURES:
        return []


def tracked(project: Path, *paths: str) -> list[str]:
    """Which files at or below these paths are under version control."""
    return listed(project, "ls-files", "-z", "--", *paths)


def committed(project: Path, *paths: str) -> list[str]:
    """Which files at or below these paths are in the last commit, checked out or not."""
    return listed(project, "ls-tree", "-r", "-z", "--name-only", "HEAD", "--", *paths)


def unmerged(project: Path, *paths: str) -> list[str]:
    """Which files at or below these paths wait for a merge to be settled."""
    lines = listed(project, "ls-files", "--unmerged", "-z", "--", *paths) if paths else []
    return sorted({line.partition("\t")[2] for line in lines})


def ignored(project: Path, *paths: str) -> list[str]:
    """Which of these paths are not under version control, and would be left out by `git add`."""
    return listed(project, "check-ignore", "--stdin", "-z", given=os.fsencode("\0".join(paths)))


def write_index(project: Path, entries: bytes) -> None:
    """Put these lines of `git update-index --index-info` into the index.

    Git looks once more at files that are as new as the index, through the filters of their content: those are not run.
    """
    keys = listed(project, "config", "-z", "--name-only", "--get-regexp", r"^filter\.")
    if any("=" in key for key in keys):
        raise ValueError("a filter whose name hides it from `git -c`")
    off = {key: "false" if key.endswith(".required") else "" for key in keys}
    git(project, "update-index", "-z", "--index-info", given=entries, settings=off)


def is_own(project: Path) -> bool:
    """Whether the repository keeps its index with the project, or knows of it as a worktree or submodule.

    The `.git` of a stranger could name any repository of this machine. Raises what `git` raises.
    """
    told = git(project, "rev-parse", "--show-toplevel", "--absolute-git-dir").splitlines()
    top, kept = (Path(os.fsdecode(line)) for line in told)
    if (kept / "index").is_symlink():
        return False
    if kept == top / ".git":
        return not kept.is_symlink()
    worktree = kept / "gitdir"
    if worktree.is_file():
        return (kept / worktree.read_text("utf-8").strip()).resolve() == (top / ".git").resolve()
    submodule = git(project, "config", "--get", "core.worktree").strip()
    return (kept / os.fsdecode(submodule)).resolve() == top.resolve()
