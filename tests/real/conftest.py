"""What the real tests share: projects of the levels, installed and run, and copies of them to change."""

import fcntl
import shutil
import sys
from pathlib import Path

import pytest
from emulation import base_image
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
def workshop(tmp_path_factory) -> Path:
    """Where the projects of higher levels are: each level always in the same folder, which is installed once."""
    for name in ("uv", "make"):
        tool(name)
    return tmp_path_factory.mktemp("with spaces")


def put(state: Path, place: Path) -> Path:
    """Bring a project into this state, installed; what it has installed before, and its tools remember, stays there."""
    keep = (".venv", ".mypy_cache")
    for path in place.glob("*") if place.exists() else ():
        if path.is_dir() and path.name not in keep:
            shutil.rmtree(path)
        elif not path.is_dir():
            path.unlink()
    shutil.copytree(state, place, ignore=shutil.ignore_patterns(*keep), dirs_exist_ok=True)
    run("uv", "sync", cwd=place)
    return place


def used(state: Path, place: Path, *tasks: str) -> Path:
    """What a new project becomes by these tasks, to be put into its place as often as wanted."""
    run("make", *tasks, cwd=put(state, place))
    leave = shutil.ignore_patterns(".venv", ".*_cache", "__pycache__")
    return Path(shutil.copytree(place, place.parent / "used" / place.name, ignore=leave))


@pytest.fixture(scope="session")
def newcomer_1(baked, workshop) -> Path:
    """The files of a project of level 1 in use: set up, and with a model that was trained, asked and released."""
    place = workshop / "1" / "my_ml_project"
    return used(baked(maturity_level="1"), place, "setup", "data", "train", "predict", "publish")


@pytest.fixture(scope="session")
def newcomer_2(baked, workshop) -> Path:
    """The files of a project of level 2, set up and not used yet."""
    return used(baked(maturity_level="2"), workshop / "2" / "my_ml_project", "setup")


@pytest.fixture(scope="session")
def newcomer_3(baked, workshop) -> Path:
    """The files of a project of level 3, set up, with a model that was trained and released."""
    return used(baked(maturity_level="3"), workshop / "3" / "my_ml_project", "setup", "data", "train", "publish")


@pytest.fixture
def copied(newcomer_1, workshop) -> Path:
    """The project of level 1, installed, to change."""
    return put(newcomer_1, workshop / "1" / newcomer_1.name)


@pytest.fixture
def copied_2(newcomer_2, workshop) -> Path:
    """The project of level 2, installed, to change."""
    return put(newcomer_2, workshop / "2" / newcomer_2.name)


@pytest.fixture
def copied_3(newcomer_3, workshop) -> Path:
    """The project of level 3, installed, to change."""
    return put(newcomer_3, workshop / "3" / newcomer_3.name)


@pytest.fixture(scope="module")
def in_place_1(newcomer_1, workshop) -> Path:
    """The project of level 1, installed, for all tests of a module, which leave it as it is."""
    return put(newcomer_1, workshop / "1" / newcomer_1.name)


@pytest.fixture(scope="module")
def in_place_2(newcomer_2, workshop) -> Path:
    """The project of level 2, installed, for all tests of a module, which leave it as it is."""
    return put(newcomer_2, workshop / "2" / newcomer_2.name)


@pytest.fixture(scope="module")
def in_place_3(newcomer_3, workshop) -> Path:
    """The project of level 3, installed, for all tests of a module, which leave it as it is."""
    return put(newcomer_3, workshop / "3" / newcomer_3.name)


@pytest.fixture
def quick(copied) -> Path:
    """The same of level 1 with few tests of its own."""
    keep_few_tests(copied, "test_data.py", "test_own_data.py")
    return copied


@pytest.fixture(scope="session")
def base_system(tmp_path_factory, worker_id) -> Path:
    """The file system of the image that ours start from: made by whichever worker of this run needs it first."""
    tool("mmdebstrap")
    of_run = tmp_path_factory.getbasetemp()
    path = (of_run if worker_id == "master" else of_run.parent) / "base.tar"
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            base_image.make_system(path)
    return path
