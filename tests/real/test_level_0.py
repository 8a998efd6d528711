"""Level 0, run for real: generated, installed and executed with the commands of the READMEs alone."""

import re
import shlex
import shutil
import tempfile
from pathlib import Path

import pytest
import yaml
from support import INSIDE, commands, edit_parameters, execute, run

pytestmark = pytest.mark.real
OWN_DATA = {
    "cancer": {"TARGET": "target", "TASK": "binary", "POSITIVE": 0, "THRESHOLD": 0.9, "TIME": None, "DROP": []},
    "wine": {"TARGET": "target", "TASK": "multiclass", "POSITIVE": None, "TIME": None, "DROP": []},
    "diabetes": {"TARGET": "target", "TASK": "regression", "POSITIVE": None, "TIME": None, "DROP": []},
    "houses": {"TARGET": "price", "TASK": "regression", "POSITIVE": None, "TIME": "sold", "DROP": []},
    "orders": {
        **{"TARGET": "returned", "TASK": "binary", "POSITIVE": 1, "TIME": "placed", "DROP": ["order no"]},
        "READ": {"dtype": {"zip": "str"}, "parse_dates": ["placed", "born"]},
    },
    "sheds": {
        **{"TARGET": "sold", "TASK": "binary", "POSITIVE": True, "TIME": "seen", "DROP": []},
        "READ": {"keep_default_na": False},
    },
}


def check_inside(project: Path, tests: str, **variables: str) -> None:
    """Run our tests of this level in the project's own environment, away from the settings of this repository."""
    copy = shutil.copytree(INSIDE, Path(tempfile.mkdtemp()) / "inside")
    run(
        "uv",
        "run",
        "--with",
        "pytest",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        copy / tests,
        cwd=project,
        **variables,
    )


def test_the_notebook_runs_and_leaves_what_the_readme_says(newcomer):
    check_inside(newcomer, "test_results.py")
    table = [line for line in (newcomer / "README.md").read_text("utf-8").splitlines() if line.startswith("| `")]
    for pattern in re.findall(r"^\| `((?:models|reports)/[^`]+)`", "\n".join(table), flags=re.M):
        assert list(newcomer.glob(pattern)), pattern


def test_the_functions_do_what_they_say(newcomer):
    check_inside(newcomer, "test_functions.py")


def test_jupyter_lab_of_the_readme_is_installed(newcomer):
    (start,) = [line for line in commands(newcomer / "README.md") if "jupyter lab" in line]
    run(*shlex.split(start), "--version", cwd=newcomer)


def test_nothing_else_appears_in_the_project_and_git_sees_no_model(newcomer):
    there = {path.name for path in newcomer.iterdir()}
    assert there - {".git"} == {
        *(".gitignore", ".mlops-template", ".venv", "MATURITY.md", "README.md", "data", "maturity.yaml", "models"),
        *("notebooks", "pyproject.toml", "reports", "uv.lock"),
    }
    run("git", "init", "-q", cwd=newcomer)
    untracked = run("git", "ls-files", "-o", "--exclude-standard", cwd=newcomer).stdout
    assert "reports/score_history.csv" in untracked
    assert "models/" not in untracked and ".venv" not in untracked


def test_a_second_run_gives_the_same_scores_and_one_more_line(newcomer, tmp_path):
    project = shutil.copytree(newcomer, tmp_path / "again", ignore=shutil.ignore_patterns(".venv"))
    history = project / "reports" / "score_history.csv"
    before = history.read_text(encoding="utf-8")
    execute(project, UV_PROJECT_ENVIRONMENT=str(newcomer / ".venv"))
    after = history.read_text(encoding="utf-8")
    assert after.startswith(before)
    first, second = (line.split(",", 1)[1] for line in after.splitlines()[1:])
    assert first == second
    assert (project / "models" / "model.skops").is_file()


@pytest.mark.parametrize("name", OWN_DATA)
def test_own_data_needs_only_the_parameter_cell(newcomer, tmp_path, name):
    project = tmp_path / name
    shutil.copytree(newcomer, project, ignore=shutil.ignore_patterns(".venv", "models", "reports", ".git"))
    environment = {"UV_PROJECT_ENVIRONMENT": str(newcomer / ".venv")}
    run("uv", "run", "python", INSIDE / "own_tables.py", name, "data/my table.csv", cwd=project, **environment)
    edit_parameters(project, OWN_DATA[name] | {"DATA": "../data/my table.csv", "NOTE": "own data, 'quoted'"})
    execute(project, **environment)
    check_inside(project, "test_results.py", **environment)


def test_the_proofs_of_the_level_hold_and_a_broken_notebook_breaks_them(newcomer, tmp_path):
    project = shutil.copytree(newcomer, tmp_path / "proofs", ignore=shutil.ignore_patterns(".venv"))
    environment = {"UV_PROJECT_ENVIRONMENT": str(newcomer / ".venv")}
    criteria = yaml.safe_load((project / "maturity.yaml").read_text("utf-8"))["levels"][0]["criteria"]
    runs, leaves, installs = [row["proof"] for row in criteria if "proof" in row]
    for proof in (runs, leaves, installs):
        run(*shlex.split(proof), cwd=project, **environment)

    def fails(proof: str) -> bool:
        return run(*shlex.split(proof), cwd=project, check=False, **environment).returncode != 0

    (project / "models" / "model.skops").unlink()
    assert fails(leaves)
    edit_parameters(project, {"TARGET": "absent"})
    assert fails(runs)
    (project / "pyproject.toml").write_text(
        (project / "pyproject.toml").read_text("utf-8").replace('"skops', '"no-such-package-of-this-name'), "utf-8"
    )
    assert fails(installs)
