"""What the real tests of all levels share: a newcomer's project of level 0, installed and run."""

import shutil
import sys
from pathlib import Path

import pytest
from support import ROOT, commands, execute, files_below, private_settings, run, tool


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
    """A project in which the README's command, from installing to the proofs of the level, has gone well."""
    tool("uv")
    tool("make")
    project = shutil.copytree(baked(maturity_level="1"), tmp_path_factory.mktemp("with spaces") / "my_ml_project")
    (command,) = commands(project / "README.md")
    done = run(*command.split(), cwd=project)
    (project.parent / "log.txt").write_text(done.stdout, encoding="utf-8")
    return project
