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
    run(sys.executable, "-m", "venv", "fresh", cwd=beside)
    as_the_readme_says("asking", beside, typed="Churn\n" + "\n" * 6)
    project = (beside / "churn").rename(beside / "asked")
    as_the_readme_says("given", beside)
    assert files_below(project) == files_below(beside / "churn")
    execute(beside / "churn")
    return beside / "churn"


def as_the_readme_says(what: str, beside: Path, typed: str = "") -> str:
    """Run one of the README's commands beside the clone, with the Python that is there; what it prints."""
    lines = [line for line in commands(ROOT / "README.md") if "./mlops-template" in line]
    path = f"{beside / 'fresh' / 'bin'}:/usr/local/bin:/usr/bin:/bin"
    command = dict(zip(("asking", "given", "raising"), lines, strict=True))[what]
    return run("bash", "-c", command, cwd=beside, typed=typed, PATH=path, **private_settings(beside)).stdout


@pytest.fixture(scope="session")
def risen(newcomer, tmp_path_factory) -> Path:
    """That project after its owner's work, brought to level 1 with the README's command; then its own first command."""
    beside = tmp_path_factory.mktemp("risen from level 0")
    for name in ("mlops-template", "fresh"):
        (beside / name).symlink_to(newcomer.parent / name)
    project = Path(shutil.copytree(newcomer, beside / "churn", ignore=shutil.ignore_patterns(".venv")))
    work_in_level_0(project)
    said = as_the_readme_says("raising", beside)
    (beside / "said.txt").write_text(said, encoding="utf-8")
    keep_both(project / "pyproject.toml")
    first, *_ = commands(project / "README.md")
    assert first == "make setup check demo"
    run(*first.split(), cwd=project)
    return project


def keep_both(path: Path) -> None:
    """Settle the conflicts in a file as a person may: take what either side has, and delete the marks."""
    lines = path.read_text("utf-8").splitlines()
    assert lines.count("<<<<<<< yours") == lines.count(">>>>>>> template, now") == 1
    marks = ("<<<<<<< yours", "||||||| template, last time", "=======", ">>>>>>> template, now")
    path.write_text("".join(f"{line}\n" for line in lines if line not in marks), encoding="utf-8")


def work_in_level_0(project: Path) -> None:
    """What an owner does to a young project: words, another package, a note, notebooks, and a page less."""
    for name, old, new in (
        ("README.md", "# Churn", "# Churn of the sales team"),
        ("notebooks/model.ipynb", "NOTE = ", "NOTE = 'with care' # "),
    ):
        text = (project / name).read_text("utf-8")
        assert text.count(old) == 1, name
        (project / name).write_text(text.replace(old, new), encoding="utf-8")
    shutil.copy(project / "notebooks/model.ipynb", project / "notebooks/second try.ipynb")
    run("uv", "add", "--no-sync", "tabulate", cwd=project)
    (project / "notes.md").write_text("Ask sales what `plan` means.\n", encoding="utf-8")
    (project / "data/README.md").unlink()


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
