"""What the tests of runs over an existing project share: small trees, and how a project looks."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import journal
from recorded_base import Tree
from support import files_below, private_settings


def text(*lines: str) -> bytes:
    """A file of these lines."""
    return "".join(f"{line}\n" for line in lines).encode()


def write(folder: Path, tree: Tree) -> Path:
    """Write a tree of files below a folder."""
    for path, data in tree.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


def everything(project: Path) -> dict[str, bytes]:
    """Every file of a project but those that a run keeps for undoing it, or has put aside while it works."""
    aside = (".mlops-template/recovery/", ".mlops-template/render/")
    return {path: data for path, data in files_below(project).items() if not path.startswith(aside)}


def times(project: Path) -> dict[str, int]:
    """When each file and folder of a project was changed."""
    return {path.relative_to(project).as_posix(): path.lstat().st_mtime_ns for path in project.rglob("*")}


def kept_before(project: Path) -> dict[str, bytes]:
    """The files as they were before the last run that changed any."""
    *_, last = sorted((project / ".mlops-template/recovery").iterdir())
    return files_below(last / "before")


def start(template: Path, out: Path, level: str) -> subprocess.Popen:
    """The command, with its processes in a group of their own."""
    return subprocess.Popen(
        [sys.executable, "-m", "cookiecutter", template, "-f", "--no-input", "-o", out, f"maturity_level={level}"],
        cwd=out,
        env=os.environ | private_settings(Path(tempfile.mkdtemp())),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_until_it_writes(process: subprocess.Popen, project: Path) -> None:
    """Return once the run has its journal in place, or has ended: few kills fall into that short time by chance."""
    while not (project / journal.JOURNAL).exists() and process.poll() is None:
        time.sleep(0.001)
