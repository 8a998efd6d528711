"""What the real tests of all levels share: a newcomer's project of level 0, installed and run."""

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
    """A project of level 1 whose README was followed: its first command, the proofs of the level, a model in use."""
    for name in ("uv", "make"):
        tool(name)
    project = shutil.copytree(baked(maturity_level="1"), tmp_path_factory.mktemp("with spaces") / "my_ml_project")
    first, *_ = commands(project / "README.md")
    done = run(*first.split(), cwd=project)
    (project.parent / "log.txt").write_text(done.stdout, encoding="utf-8")
    run("make", "maturity", cwd=project)
    shutil.copy(project / "reports/maturity.json", project.parent / "first maturity.json")
    run("make", "train", "predict", "publish", cwd=project)
    return project


@pytest.fixture
def copied(newcomer_1, tmp_path) -> Path:
    """A copy of that project, without its environment, to change."""
    leave = shutil.ignore_patterns(".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", "workspace")
    return Path(shutil.copytree(newcomer_1, tmp_path / "my_ml_project", ignore=leave))


@pytest.fixture
def quick(copied) -> Path:
    """The same with few tests of its own."""
    keep_few_tests(copied)
    return copied
