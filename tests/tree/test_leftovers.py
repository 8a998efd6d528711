"""What tools have left in a clone of the template is in no project, and keeps nobody from making one."""

import json
import shutil
import sys
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

import pytest
from support import QUESTIONS, TREE, files_below, generate, load_hook, private_settings, run
from upgrading import everything

POST = load_hook("post_gen_project", _copy_without_render=QUESTIONS["_copy_without_render"])
PACKAGE = "src/{{cookiecutter.project_slug}}"
UNRENDERABLE = b"{{ broken\n{% extends 'nowhere' %}\n${{ secrets.TOKEN }}\n"
LEFTOVERS = {
    ".DS_Store": b"\0\0\0\1Bud1",
    "data/.DS_Store": b"\0\0\0\1Bud1",
    "data/._customers.csv": b"\0\5\x16\7",
    "data/Thumbs.db": b"\xd0\xcf\x11\xe0",
    "data/desktop.ini": b"[.ShellClassInfo]\r\n",
    f"{PACKAGE}/core/.directory": b"[Dolphin]\n",
    "README.md~": UNRENDERABLE,
    ".README.md.swp": b"b0VIM 9.0\0",
    "#README.md#": UNRENDERABLE,
    ".#README.md": UNRENDERABLE,
    f"{PACKAGE}/core/model.py~": UNRENDERABLE,
    f"{PACKAGE}/core/.model.py.swo": UNRENDERABLE,
    f"{PACKAGE}/core/#model.py#": UNRENDERABLE,
    f"{PACKAGE}/core/model.py.orig": UNRENDERABLE,
    "data/README.md.bak": UNRENDERABLE,
    "data/customers.csv.tmp": UNRENDERABLE,
    ".github/workflows/ci.yml~": UNRENDERABLE,
    "notebooks/.ipynb_checkpoints/model-checkpoint.ipynb": UNRENDERABLE,
    "data/.ipynb_checkpoints/look-checkpoint.ipynb": UNRENDERABLE,
    f"{PACKAGE}/core/__pycache__/model.cpython-311.pyc": b"\xa7\r\r\n\0\0",
    "tests/core/__pycache__/test_model.cpython-311-pytest.pyc": b"\xa7\r\r\n\0\0",
    ".idea/workspace.xml": UNRENDERABLE,
    ".vscode/settings.json": UNRENDERABLE,
    ".venv/pyvenv.cfg": b"home = /usr/bin\n",
    ".venv/lib/python3.11/site-packages/nbconvert/templates/page.html.j2": UNRENDERABLE,
    ".pytest_cache/v/cache/nodeids": UNRENDERABLE,
    "tests/core/.pytest_cache/README.md": b"# pytest cache directory\n",
    ".ruff_cache/0.17.6/1234": b"\0\1",
    ".mypy_cache/3.11/model.data.json": UNRENDERABLE,
    "data/.hypothesis/unicode_data/15.0.0/codec-utf-8.json.gz": b"\x1f\x8b\0",
    # no leftover by its name, but no row claims it either
    "notes.txt": b"To do: everything.\n",
    "scratch/ideas/one.md": b"One.\n",
}


@pytest.fixture(scope="module")
def littered(template, tmp_path_factory) -> Path:
    """The template with all of them."""
    copy = Path(shutil.copytree(template, tmp_path_factory.mktemp("littered") / "mlops-template"))
    for path, data in LEFTOVERS.items():
        (copy / TREE.name / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / TREE.name / path).write_bytes(data)
    (copy / TREE.name / "data" / "nothing" / "in it").mkdir(parents=True)
    return copy


def check_same(made: dict[str, bytes], plain: dict[str, bytes]) -> None:
    """The names first: they say what is wrong, at once."""
    assert sorted(made) == sorted(plain)
    assert made == plain


def empty_folders(project: Path) -> list[Path]:
    return [folder for folder in project.rglob("*") if folder.is_dir() and not any(folder.iterdir())]


@pytest.mark.parametrize("level", ["0", "1"])
def test_leftovers_change_nothing_about_a_new_project(baked, littered, tmp_path, level):
    generate(littered, tmp_path, "--no-input", maturity_level=level)
    check_same(files_below(tmp_path / "my_ml_project"), files_below(baked(maturity_level=level)))
    assert empty_folders(tmp_path) == []


def test_leftovers_change_nothing_about_an_upgrade(project, littered, baked, tmp_path):
    generate(littered, project().parent, "-f", "--no-input", maturity_level="1")
    check_same(everything(tmp_path / "my_ml_project"), files_below(baked(maturity_level="1")))


def test_leftovers_that_were_committed_change_nothing_about_a_project_of_cruft(baked, littered, tmp_path):
    repository = Path(shutil.copytree(littered, tmp_path / "mlops-template"))
    run("git", "init", "-q", cwd=repository)
    run("git", "add", "-A", "-f", cwd=repository)
    run("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "template", cwd=repository)
    words = ("--no-input", "--output-dir", tmp_path, "--extra-context", json.dumps({"maturity_level": "1"}))
    run(sys.executable, "-m", "cruft", "create", repository, *words, cwd=tmp_path, **private_settings(tmp_path))
    made = files_below(tmp_path / "my_ml_project")
    assert made.pop(".cruft.json")
    plain = files_below(baked(maturity_level="1"))
    check_same(made, {path: data for path, data in plain.items() if not path.startswith(".mlops-template/")})
    assert empty_folders(tmp_path / "my_ml_project") == []


@pytest.mark.parametrize(
    ("row", "message"), [("data/x.csv", "data/x.csv is claimed by 2 rows"), ("gone", "lists what is not there: gone")]
)
def test_a_declaration_that_is_wrong_in_itself_is_refused_all_the_same(tmp_path, row, message):
    (tmp_path / "data").mkdir()
    for path in ("data/x.csv", "data/.DS_Store", "notes.txt"):
        (tmp_path / path).touch()
    rows = [{"path": "data/"}, {"path": row}]
    with pytest.raises(ValueError, match=message):
        POST.strip(tmp_path, {"project": {"level": "0"}, "levels": {0: {"paths": rows}}})


def test_there_is_a_leftover_for_every_pattern():
    patterns = QUESTIONS["_copy_without_render"]
    for pattern in patterns[patterns.index("leftovers:") + 1 :]:
        assert any(fnmatch(path, pattern) for path in LEFTOVERS), pattern


def test_no_file_or_folder_of_the_template_passes_for_a_leftover():
    """Cookiecutter would not render the file, and would put the folder in the place of one that is there."""
    listed = [path.read_text(encoding="utf-8") for path in (Path(__file__).parent / "expected").glob("*.txt")]
    files = "\n".join(listed).replace("src/my_ml_project", PACKAGE).split()
    folders = {folder.as_posix() for path in files for folder in PurePosixPath(path).parents}
    assert f"{PACKAGE}/core" in folders
    assert [path for path in {*files, *folders} if POST.is_leftover(path)] == []
