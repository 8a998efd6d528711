"""Keep cookiecutter from writing into a project, by changing the private copy of the template that it works from.

It walks the tree only after the pre-gen hook has run, and finds there what this module has made of it.
"""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from recorded_base import ANSWERS, BASE, FOLDER

TREE, HELD = "{{cookiecutter.project_slug}}", ".held"
MARK = ".private-copy"  # which the pre-prompt hook makes
RENDERED = f"{FOLDER}/render"  # with a folder for each run
# What is in the folder of a project that is about to begin: a clone of a repository that a host has just made.
BEGINNING = (
    rf"\.git(ignore|attributes)?|{re.escape(FOLDER)}|(README|LICEN[SC]E|COPYING)(\.\w+)?|\.DS_Store|desktop\.ini"
)


def is_new(project: Path) -> bool:
    """Whether nothing is in the folder but what a project begins with."""
    recorded = any((project / path).exists() for path in (BASE, ANSWERS))
    return not recorded and all(re.fullmatch(BEGINNING, entry.name, re.IGNORECASE) for entry in os.scandir(project))


def hold_back(repo: Path, project: Path, to_read: bool) -> None:
    """Let cookiecutter render nothing; into a new folder, all, but aside, which saves the time to do it again.

    to_read: whether this is a run that makes no project, a dry run or an undoing.
    """
    (repo / TREE).rename(repo / HELD)
    (repo / TREE).mkdir()
    if is_new(project) and not to_read:
        aside = rendered(repo / TREE, repo)
        aside.parent.mkdir(parents=True)
        (repo / HELD).rename(aside)


def rendered(project: Path, repo: Path) -> Path:
    """Where cookiecutter renders a new project, of which two may be made at once; below the tree, or the project."""
    return project / RENDERED / repo.parent.name


def clear_away(project: Path, repo: Path) -> None:
    """Remove what cookiecutter has rendered for this run."""
    aside = rendered(project, repo)
    if aside.is_dir():
        shutil.rmtree(aside, ignore_errors=True)
        for folder in (aside.parent, aside.parent.parent):
            with suppress(OSError):  # it holds something else
                folder.rmdir()


def was_held_back(repo: Path) -> bool:
    """Whether cookiecutter has rendered nothing."""
    return (repo / HELD).is_dir()


def is_older_than(project: Path, repo: Path) -> bool:
    """Whether the private copy was there before the folder of the project, which then is new."""
    return (repo / MARK).stat().st_mtime_ns <= project.stat().st_mtime_ns


def bring_back(repo: Path) -> None:
    """Let the whole tree be found again after it was held back."""
    (repo / TREE).rmdir()
    (repo / HELD).rename(repo / TREE)
