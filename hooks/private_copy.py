"""Hold the template back, in the private copy that cookiecutter works from, so that cookiecutter renders nothing.

It walks the tree only after the pre-gen hook has run.
"""

from pathlib import Path

TREE, HELD = "{{cookiecutter.project_slug}}", ".held"


def hold_back(repo: Path) -> None:
    """Let cookiecutter find an empty tree."""
    (repo / TREE).rename(repo / HELD)
    (repo / TREE).mkdir()


def bring_back(repo: Path) -> None:
    """Let the tree be found again."""
    (repo / TREE).rmdir()
    (repo / HELD).rename(repo / TREE)
