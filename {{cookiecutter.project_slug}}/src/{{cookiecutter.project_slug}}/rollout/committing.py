"""The pointer in version control: committed alone, by a bot where git knows nobody, and pushed.

The push is the lock. Where it is refused, somebody was faster, and what was judged beside the release before counts no
more: nothing is rebased or forced, and the checkout stays as it was.
"""

import os
import subprocess
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from ..core.origin import ask_git, run_git
from ..errors import ProjectError
from ..releases.pointers import POINTER

REMOTE = "origin"
BOT = {"user.name": "mlops bot", "user.email": "mlops-bot@localhost"}


def check_ready(pointer: Path = POINTER) -> None:
    """Raise ProjectError where a release could not be pushed from here. Call it before anything is judged."""
    branch_to_push()
    if run_git("status", "--porcelain", "--untracked-files=all", "--", str(pointer)):
        raise ProjectError(f"{pointer} is not as it was committed: commit it, or bring that back with `git restore`.")


def commit_and_push(message: str, pointer: Path = POINTER) -> str:
    """Commit the pointer as it is now, and nothing else, and push that; the commit.

    Raises ProjectError where git or the remote refuses. Then the pointer is as in the last commit again.
    """
    try:
        branch = branch_to_push()
        commit = commit_alone(pointer, message)
        push(commit, branch)
    except ProjectError as error:
        restore(pointer)
        raise ProjectError(f"Nothing was released, and the next run judges anew. {error}") from None
    except BaseException:  # asked to end
        restore(pointer)
        raise
    git("update-ref", "-m", "release", "HEAD", commit)
    git("add", "--force", "--", str(pointer))
    return commit


def branch_to_push() -> str:
    """The branch whose newest commit is checked out. Raises ProjectError where it is another: that would be pushed too.

    Jenkins checks out a commit and no branch, and says which one it had in mind.
    """
    branch = ask_git("symbolic-ref", "--quiet", "--short", "HEAD")
    branch = branch or os.environ.get("GIT_BRANCH", "").removeprefix(f"{REMOTE}/") or default_branch()
    if run_git("rev-parse", "HEAD") != newest(branch):
        raise ProjectError(f"What is checked out is not what {branch} is at {REMOTE}: get that first.")
    return branch


def default_branch() -> str:
    """The branch that the remote shows to who asks for none."""
    return git("ls-remote", "--symref", REMOTE, "HEAD").partition("\t")[0].removeprefix("ref: refs/heads/")


def newest(branch: str) -> str:
    """The newest commit of a branch at the remote; nothing where there is no such branch."""
    return git("ls-remote", REMOTE, f"refs/heads/{branch}").partition("\t")[0]


def commit_alone(path: Path, message: str) -> str:
    """A commit on top of the one that is checked out, which differs from it by this file; no branch has it yet."""
    with TemporaryDirectory() as folder:
        index = str(Path(folder) / "index")
        git("read-tree", "HEAD", GIT_INDEX_FILE=index)
        git("add", "--force", "--", str(path), GIT_INDEX_FILE=index)
        tree = git("write-tree", GIT_INDEX_FILE=index)
    bot = [("-c", f"{name}={value}") for name, value in BOT.items() if not ask_git("config", name)]
    return git(*chain(*bot), "commit-tree", "-p", "HEAD", "-m", message, tree)


def push(commit: str, branch: str) -> None:
    """Let the branch at the remote have this commit. Raises ProjectError where it has not."""
    try:
        git("push", "--quiet", REMOTE, f"{commit}:refs/heads/{branch}")
    except ProjectError:
        if newest(branch) != commit:  # it has, where only the answer was lost
            raise


def restore(path: Path) -> None:
    """Put a file back as the last commit has it."""
    if ask_git("cat-file", "-e", f"HEAD:./{path.as_posix()}") is None:
        path.unlink(missing_ok=True)
    else:
        git("restore", "--source=HEAD", "--worktree", "--", str(path))


def git(*words: str, **variables: str) -> str:
    """What git answers. Raises ProjectError with all that it says where it refuses, but for its hints."""
    done = subprocess.run(
        ["git", *words], env=os.environ | variables, capture_output=True, encoding="utf-8", errors="replace"
    )
    if done.returncode:
        said = [line.rstrip() for line in done.stderr.splitlines() if not line.startswith("hint:")]
        raise ProjectError("git says: " + "\n".join(said))
    return done.stdout.strip()
