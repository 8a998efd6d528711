"""One project and its owner's work, from a notebook up the levels with the README's commands."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import verdict_1
import verdict_2
import yaml
from PIL import Image
from support import as_the_readme_says, commands, files_below, keep_few_tests, run

pytestmark = pytest.mark.real
BLUE, ORANGE, GREEN, RED, GREY = (31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (127, 127, 127)


@pytest.fixture(scope="module")
def at_1(newcomer, tmp_path_factory) -> Path:
    """A project of level 0 after its owner's work, brought to level 1; then its first command."""
    project = beside_a_clone(newcomer, newcomer, tmp_path_factory.mktemp("risen to 1"))
    work_in_level_0(project)
    raise_to("1", project)
    keep_both(project / "pyproject.toml")
    first, *_ = commands(project / "README.md")
    assert first == "make setup demo"
    run(*first.split(), cwd=project)
    return project


@pytest.fixture(scope="module")
def at_2(newcomer, at_1, tmp_path_factory) -> Path:
    """That project after more work, brought to level 2; then its first commands, while its tracking server is away."""
    project = beside_a_clone(newcomer, at_1, tmp_path_factory.mktemp("risen to 2"))
    work_in_level_1(project)
    raise_to("2", project)
    first, second, *_ = commands(project / "README.md")
    assert (first, second) == ("make setup demo", "make check")
    for command in (first, second):
        run(*command.split(), cwd=project, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    return project


def beside_a_clone(newcomer: Path, project: Path, beside: Path) -> Path:
    """A copy of a project, beside the clone and the Python that the newcomer has."""
    for name in ("mlops-template", "fresh"):
        (beside / name).symlink_to(newcomer.parent / name)
    return Path(shutil.copytree(project, beside / "churn", ignore=shutil.ignore_patterns(".venv", "workspace")))


def raise_to(level: str, project: Path) -> None:
    """Move a project to a level with the README's command; what that says is kept beside it."""
    said = as_the_readme_says("raising", project.parent, level=level)
    (project.parent / "said.txt").write_text(said, encoding="utf-8")


def said_of(project: Path) -> str:
    """What was said when the project was raised, on one line."""
    return " ".join((project.parent / "said.txt").read_text("utf-8").split())


def keep_both(path: Path) -> None:
    """Settle the conflicts in a file as a person may: take what either side has, and delete the marks."""
    lines = path.read_text("utf-8").splitlines()
    assert lines.count("<<<<<<< yours") == lines.count(">>>>>>> template, now") == 1
    marks = ("<<<<<<< yours", "||||||| template, last time", "=======", ">>>>>>> template, now")
    path.write_text("".join(f"{line}\n" for line in lines if line not in marks), encoding="utf-8")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) == 1, path
    path.write_text(text.replace(old, new), encoding="utf-8")


def work_in_level_0(project: Path) -> None:
    """What an owner does to a young project: words, another package, a note, notebooks, and a page less."""
    replace(project / "README.md", "# Churn", "# Churn of the sales team")
    replace(project / "notebooks/model.ipynb", "NOTE = ", "NOTE = 'with care' # ")
    shutil.copy(project / "notebooks/model.ipynb", project / "notebooks/second try.ipynb")
    run("uv", "add", "--no-sync", "tabulate", cwd=project)
    (project / "notes.md").write_text("Ask sales what `plan` means.\n", encoding="utf-8")
    (project / "data/README.md").unlink()


def work_in_level_1(project: Path) -> None:
    """What an owner does with a package: a setting, a default, a test and a command of their own, and a release."""
    replace(project / "params.yaml", "seed: 0 ", "seed: 7 ")
    replace(project / "src/churn/core/model.py", '"max_iter": 1000', '"max_iter": 2000')
    (project / "tests/core/test_ours.py").write_text("def test_ours():\n    assert 1 + 1 == 2\n", encoding="utf-8")
    (project / "mk/ours.mk").write_text(".PHONY: hello\nhello: ## say hello\n\t@echo hello\n", encoding="utf-8")
    (project / "docs/jenkins.md").unlink()
    run("make", "train", "publish", cwd=project)


def colors_of(picture: Path, pixels: int) -> set[tuple[int, int, int]]:
    """The colours of which a picture has more than so many pixels."""
    counted = Image.open(picture).convert("RGB").getcolors(maxcolors=2**24)
    return {color for count, color in counted if count > pixels}


def test_at_level_1_the_verdict_is_what_the_stores_say(at_1):
    verdict_1.check_verdict(at_1)


def test_at_level_1_the_picture_shows_both_releases(at_1):
    assert {BLUE, ORANGE} <= colors_of(at_1 / "reports/demo.png", 100)  # the two, in both axes


def test_at_level_1_the_work_of_level_0_is_all_there(at_1):
    for outcome in ("merged README.md", "conflict pyproject.toml", "kept notebooks/model.ipynb"):
        assert outcome in said_of(at_1)
    assert (at_1 / "README.md").read_text("utf-8").startswith("# Churn of the sales team\n")
    assert '"tabulate' in (at_1 / "pyproject.toml").read_text("utf-8")
    assert "with care" in (at_1 / "notebooks/model.ipynb").read_text("utf-8")
    assert (at_1 / "notebooks/second try.ipynb").exists() and (at_1 / "notes.md").exists()
    assert not (at_1 / "data/README.md").exists()
    assert (at_1 / "reports/score_history.csv").exists()


def test_at_level_1_the_demo_leaves_the_project_itself_alone(at_1):
    assert {path.name for path in (at_1 / "models").iterdir()} == {"model.skops", "example.csv"}  # of the notebook
    assert not (at_1 / "releases").exists() and not (at_1 / "deploy/release.yaml").exists()


def test_at_level_2_the_verdict_is_what_mlflow_and_the_stores_say(at_2):
    verdict_2.check_verdict(at_2)


def test_at_level_2_the_picture_shows_both_versions_and_what_became_of_the_data(at_2):
    assert {BLUE, ORANGE, GREEN, RED, GREY} <= colors_of(at_2 / "reports/demo.png", 50)


def test_at_level_2_the_work_of_both_levels_is_all_there(at_2):
    assert "conflict" not in said_of(at_2) and "merged README.md" in said_of(at_2)
    assert (at_2 / "README.md").read_text("utf-8").startswith("# Churn of the sales team\n")
    assert '"tabulate' in (at_2 / "pyproject.toml").read_text("utf-8")
    assert "seed: 7 " in (at_2 / "params.yaml").read_text("utf-8")
    assert '"max_iter": 2000' in (at_2 / "src/churn/core/model.py").read_text("utf-8")
    assert not (at_2 / "data/README.md").exists() and not (at_2 / "docs/jenkins.md").exists()
    assert run("make", "hello", cwd=at_2).stdout == "hello\n" and (at_2 / "tests/core/test_ours.py").exists()
    assert "is what is released already" in run("make", "publish", cwd=at_2).stdout


def test_at_level_2_the_demo_leaves_the_project_itself_alone(at_1, at_2):
    assert not (at_2 / "mlflow.db").exists() and not (at_2 / "mlartifacts").exists()
    added = 8 + 2  # the files of the model that it trained, the pointer at it, the lock
    assert len(files_below(at_2 / "models")) == len(files_below(at_1 / "models")) + added


def test_notebook_and_pipeline_predict_the_same_for_every_row(newcomer, at_2, tmp_path):
    replace(at_2 / "params.yaml", "seed: 7 ", "seed: 0 ")
    replace(at_2 / "src/churn/core/model.py", '"max_iter": 2000', '"max_iter": 1000')
    run("make", "train", cwd=at_2)
    show = (
        "import pandas as pd; from skops.io import load;"
        "rows = pd.read_csv('data/customers.csv'); model = load('models/model.skops', trusted=['numpy.dtype']);"
        "print(*map(repr, model.predict_proba(rows)[:, 1].tolist()), sep='\\n')"
    )
    by_notebook = run("uv", "run", "python", "-c", show, cwd=newcomer).stdout.split()
    run("uv", "run", "churn", "predict", "data/customers.csv", "--out", tmp_path / "answers.csv", cwd=at_2)
    with (tmp_path / "answers.csv").open(encoding="utf-8") as lines:
        by_pipeline = [row["probability of yes"] for row in csv.DictReader(lines)]
    assert len(by_pipeline) == 4000 and by_pipeline == by_notebook


def test_level_2_is_proved(at_2):
    """After a training of its own: what the demo stood in for, the project shows itself now."""
    one_of_each_proof = ("test_steps.py", "test_registry.py", "test_answers.py", "test_comparison.py")
    keep_few_tests(at_2, *one_of_each_proof)
    path = at_2 / "maturity.yaml"
    declared = yaml.safe_load(path.read_text("utf-8"))
    rows = [row for row in declared["levels"][2]["criteria"] if row.get("simulated") != "make demo"]
    declared["levels"][2]["criteria"] = rows
    path.write_text(yaml.safe_dump(declared), encoding="utf-8")
    run("make", "maturity", cwd=at_2)
    found = json.loads((at_2 / "reports/maturity.json").read_text("utf-8"))
    assert found["met"] and found["level"] == 2
    assert [row["verdict"] for row in found["criteria"]] == ["ASK" if "ask" in row else "PASS" for row in rows]
    assert found["next"]["missing"] == [row["says"] for row in declared["levels"][3]["criteria"]]
