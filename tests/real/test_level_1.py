"""Level 1, run for real: its own tasks and tests, own data, and the same predictions as level 0."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import yaml
from support import OWN_DATA, files_below, private_settings, project_command, run, use_own_data

pytestmark = pytest.mark.real


def verdicts(project: Path) -> dict[str, str]:
    """The verdict on each criterion, as `make maturity` has written it."""
    found = json.loads((project / "reports/maturity.json").read_text("utf-8"))
    return {row["command"] or row["criterion"]: row["verdict"] for row in found["criteria"]}


def test_the_level_is_proved_and_the_next_is_shown(quick):
    for made in ("models", "releases"):
        shutil.rmtree(quick / made)
    (quick / "deploy/release.yaml").unlink()
    run("make", "maturity", cwd=quick)
    found = json.loads((quick / "reports/maturity.json").read_text("utf-8"))
    declared = yaml.safe_load((quick / "maturity.yaml").read_text("utf-8"))["levels"]
    assert found["met"] and found["level"] == 1
    assert [row["criterion"] for row in found["criteria"]] == [row["says"] for row in declared[1]["criteria"]]
    for row, criterion in zip(found["criteria"], declared[1]["criteria"], strict=True):
        expected = "ASK" if "ask" in criterion else "SIMULATED" if "simulated" in criterion else "PASS"
        assert row["verdict"] == expected, row
    assert found["next"]["missing"] == [row["says"] for row in declared[2]["criteria"]]


def break_the_data(project: Path) -> None:
    schema = project / "data/schema.yaml"
    schema.write_text(schema.read_text("utf-8").replace("east, ", ""), encoding="utf-8")


def break_the_style(project: Path) -> None:
    with (project / "src/my_ml_project/errors.py").open("a") as module:
        module.write("import os\n")


def break_a_type(project: Path) -> None:
    with (project / "src/my_ml_project/errors.py").open("a") as module:
        module.write("\nLONGEST: int = str(80)\n")


def break_a_unit(project: Path) -> None:
    path = project / "src/my_ml_project/core/data.py"
    source = path.read_text("utf-8")
    assert source.count("FEWEST_OF_A_CLASS = 16, 8") == 1
    path.write_text(source.replace("FEWEST_OF_A_CLASS = 16, 8", "FEWEST_OF_A_CLASS = 16, 0"), encoding="utf-8")


def break_the_whole(project: Path) -> None:
    """The parts are fine, but what they make of the project's own data is not kept."""
    path = project / "tests/integration/test_own_data.py"
    source = path.read_text("utf-8")
    assert source.count('("data", "train")') == 1
    path.write_text(source.replace('("data", "train")', '("train",)'), encoding="utf-8")


def break_the_model(project: Path) -> None:
    (project / "models" / (project / "models/latest").read_text().strip() / "model.skops").write_bytes(b"cut off")


def break_the_release(project: Path) -> None:
    (record,) = project.glob("releases/*/release.json")
    record.write_text(record.read_text("utf-8") + "\n", encoding="utf-8")


def leave_out_the_demo(project: Path) -> None:
    """Take the criterion that runs the whole demo out: it has tests of its own."""
    path = project / "maturity.yaml"
    declaration = yaml.safe_load(path.read_text("utf-8"))
    rows = declaration["levels"][1]["criteria"]
    declaration["levels"][1]["criteria"] = [row for row in rows if row.get("simulated") != "make demo"]
    path.write_text(yaml.safe_dump(declaration), encoding="utf-8")


PROOFS = {
    break_the_data: "make data",
    break_the_style: "make lint",
    break_a_type: "make lint",
    break_a_unit: "uv run pytest -q -n auto --cov --ignore tests/integration",
    break_the_whole: "uv run pytest -q tests/integration",
    break_the_model: "make evaluate",
    break_the_release: "make released",
}


@pytest.mark.parametrize(
    "sabotages",
    [
        (break_the_data, break_a_unit, break_the_release),
        (break_the_style, break_the_whole),
        (break_a_type, break_the_model),
    ],
    ids=lambda sabotages: " and ".join(one.__name__ for one in sabotages),
)
def test_what_is_broken_fails_its_own_proof_and_no_other(quick, sabotages):
    leave_out_the_demo(quick)
    for sabotage in sabotages:
        sabotage(quick)
    assert project_command(quick, "maturity", check=False).returncode == 1
    assert {row for row, verdict in verdicts(quick).items() if verdict == "FAIL"} == {PROOFS[one] for one in sabotages}


def test_notebook_and_commands_predict_the_same_for_every_row(newcomer, copied, tmp_path):
    show = (
        "import pandas as pd; from skops.io import load;"
        "rows = pd.read_csv('data/customers.csv'); model = load('models/model.skops', trusted=['numpy.dtype']);"
        "print(*map(repr, model.predict_proba(rows)[:, 1].tolist()), sep='\\n')"
    )
    by_notebook = run("uv", "run", "python", "-c", show, cwd=newcomer).stdout.split()
    project_command(copied, "predict", "data/customers.csv", "--out", tmp_path / "answers.csv")
    with (tmp_path / "answers.csv").open(encoding="utf-8") as lines:
        by_command = [row["probability of yes"] for row in csv.DictReader(lines)]
    assert len(by_command) == 4000 and by_command == by_notebook


@pytest.mark.parametrize("name", sorted(set(OWN_DATA) - {"houses", "wine"}))  # which go through the whole demo
def test_own_data_needs_only_the_settings(copied, name):
    use_own_data(copied, name)
    unchanged = {path: path.read_bytes() for path in (copied / "src").rglob("*.py")}
    for words in (["data"], ["train"], ["evaluate"], ["predict", "data/my table.csv"]):
        project_command(copied, *words)
    assert unchanged == {path: path.read_bytes() for path in (copied / "src").rglob("*.py")}
    with (copied / "predictions.csv").open(encoding="utf-8") as lines:
        assert all(row["prediction"] for row in csv.DictReader(lines))


def test_the_notebook_of_the_level_runs(copied):
    run("uv", "run", "jupyter", "execute", "--inplace", "notebooks/explore.ipynb", cwd=copied)
    cells = json.loads((copied / "notebooks/explore.ipynb").read_text("utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 4
    assert not [output for output in outputs if output.get("name") == "stderr" or output["output_type"] == "error"]


def test_a_folder_that_cannot_be_made_is_one_sentence(copied):
    shutil.rmtree(copied / "models")
    (copied / "models").write_text("a file in the way")
    done = project_command(copied, "train", check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr and "models" in done.stderr


def test_a_commit_is_checked_first(copied):
    run("git", "init", "-q", cwd=copied)
    run("make", "setup", cwd=copied)
    run("git", "add", "-A", cwd=copied)
    commit = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "first"]
    run(*commit, cwd=copied)
    break_the_style(copied)
    refused = run(*commit, "-a", cwd=copied, check=False)
    assert refused.returncode != 0 and "ruff" in refused.stderr


def test_the_wheel_holds_the_package_and_nothing_of_the_workshop(copied):
    import zipfile

    run("uv", "build", "--wheel", "-o", "dist", cwd=copied)
    (wheel,) = (copied / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "my_ml_project/core/model.py" in names
    assert not [name for name in names if not name.startswith("my_ml_project")]


def test_clean_removes_what_can_be_made_again_and_nothing_else(copied):
    before = set(files_below(copied))
    made_again = (".coverage", ".mypy_cache/", ".venv/", "build/", "demo/workspace/", "dist/", "predictions.csv")
    for folder in ("build", "demo/workspace", "dist"):
        (copied / folder).mkdir(exist_ok=True)
        (copied / folder / "made").touch()
    run("make", "clean", cwd=copied)
    kept = {path for path in before if not path.startswith(made_again) and "__pycache__" not in path}
    assert set(files_below(copied)) == kept and "models/latest" in kept


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "Where is the template? For example: make upgrade template=../mlops-template"),
        (["level=2", "template=../nowhere"], "nowhere"),
        (["level=2", "template=.", "dryrun=yes"], "Unknown: dryrun. make upgrade knows: level dry_run"),
        (["maturity_level=2", "template=."], "Unknown: maturity_level."),
        (["template=../`touch made` it"], "`touch made` it"),
        (["level=0", "template={template}"], "add _down=yes"),
        (["dry_run", "template={template}"], "Unknown: dry_run."),
        (["dry_run=", "template={template}"], "_dry_run '' must be one of: no, yes"),
    ],
)
def test_make_upgrade_asks_for_what_it_lacks(copied, template, tmp_path, given, said):
    before = files_below(copied)
    words = [word.format(template=template) for word in given]
    done = run("make", "upgrade", *words, cwd=copied, check=False, **private_settings(tmp_path))
    assert done.returncode != 0 and said in done.stdout + done.stderr and files_below(copied) == before


def test_make_takes_no_wish_from_the_environment(copied, template, tmp_path):
    before = files_below(copied)
    stray = {"level": "2", "restore": "nowhere", "checkout": "v9"} | private_settings(tmp_path)
    done = run("make", "upgrade", f"template={template}", cwd=copied, **stray)
    assert "level 1 → 1" in done.stdout and files_below(copied) == before
    refused = run("make", "undo", "level=0", f"template={template}", cwd=copied, check=False)
    assert refused.returncode != 0 and "Unknown: level. make undo knows: dry_run template" in refused.stdout
    nowhere = run("make", "upgrade", cwd=copied, check=False, template=str(template))
    assert nowhere.returncode != 0 and "Where is the template?" in nowhere.stdout


def test_make_upgrade_moves_the_project(copied, template, tmp_path):
    command = ("make", "upgrade", "level=0", "down=yes", f"template={template}")
    renamed = shutil.copytree(copied, tmp_path / "renamed", ignore=shutil.ignore_patterns(".venv"))
    refused = run(*command, cwd=renamed, check=False)
    assert refused.returncode != 0 and "must be called my_ml_project" in refused.stdout
    before = files_below(copied)
    assert "level 1 → 0" in run(*command, "dry_run=yes", cwd=copied, **private_settings(tmp_path)).stdout
    assert files_below(copied) == before
    deleted = copied / "mk/delivery.mk"
    deleted.unlink()
    back = ("make", "upgrade", f"template={template}", "restore=mk")
    assert "level 1 → 1" in run(*back, cwd=copied, **private_settings(tmp_path)).stdout and deleted.is_file()
    run("make", "undo", f"template={template}", cwd=copied, **private_settings(tmp_path))
    assert not deleted.exists()
    run(*command, cwd=copied, **private_settings(tmp_path))
    assert not (copied / "Makefile").exists() and (copied / "models/latest").exists()
