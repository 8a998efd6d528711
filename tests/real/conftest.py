"""What the real tests share: projects of the levels, installed and run, and copies of them to change."""

import shutil
import sys
from pathlib import Path

import pytest
from support import ROOT, commands, execute, files_below, keep_few_tests, private_settings, run, tool


@pytest.fixture(scope="session")
def newcomer(tmp_path_factory) -> Path:
    """A project made in an empty folder beside a clone with the README's command, then run as its own README says."""
    tool("uv")
    beside = tmp_path_factory.mktemp("a folder with spaces")
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".pytest_cache", ".ruff_cache", ".hypothesis")
    shutil.copytree(ROOT, beside / "mlops-template", ignore=ignored)
    asking, given = (line for line in commands(ROOT / "README.md") if "./mlops-template" in line)
    run(sys.executable, "-m", "venv", "fresh", cwd=beside)
    path = f"{beside / 'fresh' / 'bin'}:/usr/local/bin:/usr/bin:/bin"
    run("bash", "-c", asking, cwd=beside, typed="Churn\n" + "\n" * 6, PATH=path, **private_settings(beside))
    project = (beside / "churn").rename(beside / "asked")
    run("bash", "-c", given, cwd=beside, PATH=path, **private_settings(beside))
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
def workshop(tmp_path_factory) -> Path:
    """Where the copies are made: always here, so that what they install is installed and compiled once."""
    return tmp_path_factory.mktemp("workshop") / "my_ml_project"


@pytest.fixture
def copied(newcomer_1, workshop) -> Path:
    """A copy of that project to change."""
    for path in workshop.glob("*"):
        if path.is_dir() and path.name != ".venv":
            shutil.rmtree(path)
        elif not path.is_dir():
            path.unlink()
    leave = shutil.ignore_patterns(".venv", ".*_cache")
    return Path(shutil.copytree(newcomer_1, workshop, ignore=leave, dirs_exist_ok=True))


@pytest.fixture
def quick(copied) -> Path:
    """The same with few tests of its own."""
    keep_few_tests(copied)
    return copied
