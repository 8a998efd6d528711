"""Fixtures of all tiers."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from support import DECLARATION, DEFAULTS, OFFERED, ROOT, TREE, render_level, volume

settings.register_profile("volume", settings.default, max_examples=volume(100))
settings.load_profile("volume")


@pytest.fixture(scope="session", autouse=True)
def temporary_files(tmp_path_factory):
    """Cookiecutter leaves a rendered copy of each hook behind: let that be among the tests' own files."""
    folder = tmp_path_factory.mktemp("temporary")
    before, os.environ["TMPDIR"] = os.environ.get("TMPDIR"), str(folder)
    tempfile.tempdir = None
    yield
    tempfile.tempdir = None
    os.environ.pop("TMPDIR") if before is None else os.environ.update(TMPDIR=before)


@pytest.fixture(scope="session")
def declaration() -> dict:
    """maturity.yaml as the template has it."""
    return DECLARATION


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """A copy of what cookiecutter needs of this repository: it copies all of it at each run."""
    copy = tmp_path_factory.mktemp("template") / "mlops-template"
    copy.mkdir()
    shutil.copy(ROOT / "cookiecutter.json", copy)
    for folder in ("hooks", "templates", TREE.name):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__", ".venv"))
    return copy


@pytest.fixture(scope="session")
def baked(cookies_session, template, tmp_path_factory):
    """bake(**answers): the generated project's folder, made once for the same answers. Read it, change only copies."""
    made: dict[tuple, Path] = {}

    def bake(**answers: str) -> Path:
        key = tuple(sorted((DEFAULTS | answers).items()))
        if key not in made and answers.get("maturity_level", "0") in OFFERED:
            result = cookies_session.bake(extra_context=answers, template=str(template))
            assert result.exception is None, result.exception
            made[key] = result.project_path
        elif key not in made:
            made[key] = render_level(tmp_path_factory.mktemp("level"), template=template, **answers)
        return made[key]

    return bake


@pytest.fixture
def project(baked, tmp_path):
    """project(**answers): a copy of the generated project that the test may change."""

    def copy(**answers: str) -> Path:
        return Path(shutil.copytree(baked(**answers), tmp_path / "my_ml_project"))

    return copy
