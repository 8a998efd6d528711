"""Fixtures for runs over a project: in process, with trees in place of a render."""

from pathlib import Path

import private_copy
import pytest
import recorded_base
import regeneration
from recorded_base import Record, Tree
from support import DEFAULTS, ROOT
from upgrading import write


@pytest.fixture
def made(tmp_path):
    """made(tree, level="0", **record): a project as the template wrote it."""

    def make(tree: Tree, level: str = "0", **known: list[str] | str) -> Path:
        record = Record(tree, DEFAULTS | {"maturity_level": level}, **known)
        return write(tmp_path / "my_ml_project", tree | recorded_base.files(record))

    return make


@pytest.fixture
def run_template(monkeypatch):
    """run_template(project, tree, **answers): let the template write this tree now."""

    monkeypatch.setattr(private_copy, "is_older_than", lambda *_: False)  # the repository is no private copy

    def run(project: Path, tree: Tree, **answers: str) -> None:
        monkeypatch.setattr(regeneration, "render", lambda *_: tree)
        project.mkdir(exist_ok=True)
        regeneration.regenerate(project, ROOT, DEFAULTS | {"_dry_run": "no"} | answers, finish=print)

    return run
