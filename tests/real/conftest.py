"""What the real tests share: projects of the levels, installed and run, and copies of them to change."""

import shutil
import sys
from pathlib import Path

import pytest
from support import ROOT, as_the_readme_says, execute, files_below, keep_few_tests, run, tool


@pytest.fixture(scope="session")
def newcomer(tmp_path_factory) -> Path:
    """A project made in an empty folder beside a clone with the README's command, then run as its own README says."""
    tool("uv")
    beside = tmp_path_factory.mktemp("a folder with spaces")
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".pytest_cache", ".ruff_cache", ".hypothesis")
    shutil.copytree(ROOT, beside / "mlops-template", ignore=ignored)
    run(sys.executable, "-m", "venv", "fresh", cwd=beside)
    as_the_readme_says("asking", beside, typed="Churn\n" + "\n" * 6)
    project = (beside / "churn").rename(beside / "asked")
    as_the_readme_says("given", beside)
    assert files_below(project) == files_below(beside / "churn")
    execute(beside / "churn")
    return beside / "churn"


@pytest.fixture(scope="session")
def newcomer_1(baked, tmp_path_factory) -> Path:
    """A project of level 1 in use: set up, and with a model that was trained, asked and released."""
    for name in ("uv", "make"):
        tool(name)
    project = Path(shutil.copytree(baked(maturity_level="1"), tmp_path_factory.mktemp("with spaces") / "my_ml_project"))
    run("make", "setup", "data", "train", "predict", "publish", cwd=project)
    return project


@pytest.fixture(scope="session")
def newcomer_2(baked, tmp_path_factory) -> Path:
    """A project of level 2, set up and not used yet."""
    for name in ("uv", "make"):
        tool(name)
    project = Path(shutil.copytree(baked(maturity_level="2"), tmp_path_factory.mktemp("with spaces") / "my_ml_project"))
    run("make", "setup", cwd=project)
    return project


@pytest.fixture(scope="session")
def workshop(tmp_path_factory) -> Path:
    """Where the copies are made, by level: always here, so that what they install is installed and compiled once."""
    return tmp_path_factory.mktemp("workshop")


def copy_to(place: Path, project: Path) -> Path:
    """A copy of a project to change, without what it has installed, in place of the one before."""
    for path in place.glob("*"):
        if path.is_dir() and path.name != ".venv":
            shutil.rmtree(path)
        elif not path.is_dir():
            path.unlink()
    leave = shutil.ignore_patterns(".venv", ".*_cache")
    return Path(shutil.copytree(project, place, ignore=leave, dirs_exist_ok=True))


@pytest.fixture
def copied(newcomer_1, workshop) -> Path:
    """A copy of the project of level 1 to change."""
    return copy_to(workshop / "1" / newcomer_1.name, newcomer_1)


@pytest.fixture
def copied_2(newcomer_2, workshop) -> Path:
    """A copy of the project of level 2 to change."""
    return copy_to(workshop / "2" / newcomer_2.name, newcomer_2)


@pytest.fixture
def quick(copied) -> Path:
    """The same of level 1 with few tests of its own."""
    keep_few_tests(copied)
    return copied
