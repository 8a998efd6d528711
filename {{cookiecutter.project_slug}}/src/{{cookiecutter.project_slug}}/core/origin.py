"""Where a model comes from: when, with which code and libraries, and from what data it is made."""

import importlib.metadata
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..settings import Settings
from . import storage

LIBRARIES = ["scikit-learn", "skops", "pandas", "numpy"]
LOCK = Path("uv.lock")
# What decides how a model turns out. Reports and notebooks may differ from the last commit.
MADE_BY = ["src", "params.yaml", "pyproject.toml", "uv.lock", "data/schema.yaml"]


def describe_origin(settings: Settings, note: str, table: bytes, project: dict[str, Any]) -> dict[str, Any]:
    """When, with what and from what a model is made, as fields of its record.

    table: the file that it learns from. project: what `describe_project` says where the project is.
    """
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return project | {
        "trained": datetime.now(UTC).isoformat(timespec="seconds"),
        "note": note,
        "data": {"uri": settings.data.uri, "sha256": storage.sha256(table)},
        "settings": settings.model_dump(),
        "versions": {"python": platform.python_version()} | versions,
    }


def describe_project() -> dict[str, Any]:
    """The code and the locked environment of the project in the current folder."""
    return {"code": describe_code(), "lock": storage.sha256(LOCK.read_bytes()) if LOCK.exists() else None}


def describe_code() -> dict[str, Any]:
    """The commit that is checked out, and whether what makes a model differs from it; None for both without git."""
    commit = ask_git("rev-parse", "--verify", "HEAD")
    if commit is None:
        return {"commit": None, "changed": None}
    there = [path for path in MADE_BY if Path(path).exists()]
    return {"commit": commit, "changed": bool(ask_git("status", "--porcelain", "--", *there))}


def ask_git(*words: str) -> str | None:
    """What git answers; None where there is no git, no repository or no commit."""
    try:
        done = subprocess.run(["git", *words], capture_output=True, encoding="utf-8", errors="replace")
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
