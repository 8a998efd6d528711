"""Where a model comes from: when, with which code and libraries, and from what data it is made."""

import getpass
import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import ProjectError
from ..settings import Settings
from . import storage

LIBRARIES = ["scikit-learn", "skops", "pandas", "numpy"]
LOCK = Path("uv.lock")
# What decides how a model turns out. Reports and notebooks may differ from the last commit.
MADE_BY = ["src", "params.yaml", "pyproject.toml", "uv.lock", "data/schema.yaml"]
UNKNOWN: dict[str, Any] = {"commit": None, "changed": None}


def describe_origin(settings: Settings, note: str, table: bytes, project: dict[str, Any]) -> dict[str, Any]:
    """When, with what and from what a model is made, as fields of its record.

    table: the file that it learns from. project: what `describe_project` says where the project is.
    """
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return project | {
        "trained": datetime.now(UTC).isoformat(timespec="seconds"),
        "note": note,
        "data": {"uri": settings.data.uri, "sha256": storage.sha256(table), "bytes": len(table)},
        "settings": settings.model_dump(),
        "versions": {"python": platform.python_version()} | versions,
    }


def describe_project() -> dict[str, Any]:
    """The code and the locked environment of the project in the current folder."""
    return {"code": describe_code(), "lock": storage.sha256(LOCK.read_bytes()) if LOCK.exists() else None}


def describe_code() -> dict[str, Any]:
    """The commit that is checked out, and whether what makes a model differs from it; None for both without git.

    Where there is a repository and no commit can be told, `problem` says why; a warning says what to do.
    """
    there = [path for path in MADE_BY if Path(path).exists()]
    try:
        commit, changed = read_status(run_git("status", "--porcelain=v2", "--branch", "--", *there).splitlines())
    except ProjectError as error:
        if not any(os.path.lexists(folder / ".git") for folder in (Path.cwd(), *Path.cwd().parents)):
            return UNKNOWN
        print(f"Warning: the record will name no commit. {error}", file=sys.stderr)
        return UNKNOWN | {"problem": "git could not be asked"}
    return {"commit": commit, "changed": changed} if commit else UNKNOWN | {"problem": "nothing is committed yet"}


def read_status(lines: list[str]) -> tuple[str | None, bool]:
    """The commit that git's status tells, None before the first, and whether anything differs from it.

    Raises ProjectError where the branch is there and its commit is not.
    """
    about = dict(line.split(maxsplit=2)[1:] for line in lines if line.startswith("# "))
    if about["branch.oid"] == "(initial)":
        if about["branch.head"] == "(unknown)":
            raise ProjectError("git finds no commit where the branch should have one: look at `git fsck`.")
        return None, True
    return about["branch.oid"], len(lines) > len(about)


def run_git(*words: str) -> str:
    """What git answers. Raises ProjectError that says why it does not, and which command mends that."""
    try:
        done = subprocess.run(["git", *words], capture_output=True, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ProjectError(f"git cannot be started: {error.strerror}. Install it.") from None
    if done.returncode:
        mend = re.search("git config --global --add safe.directory .*", done.stderr)
        command = f" If the folder is yours, run `{mend[0]}`." if mend else ""
        raise ProjectError(f"git says: {done.stderr.strip().partition(chr(10))[0]}.{command}")
    return done.stdout.strip()


def ask_git(*words: str) -> str | None:
    """What git answers; None where it does not, for whatever reason."""
    try:
        return run_git(*words)
    except ProjectError:
        return None


def whoever_runs_this() -> str:
    """The person as git knows them, else the name of their account."""
    name, address = ask_git("config", "user.name"), ask_git("config", "user.email")
    return f"{name} <{address}>" if name and address else name or account()


def account() -> str:
    """The name of the account that this runs under; in a container it may have none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
