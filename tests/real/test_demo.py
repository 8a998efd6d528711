"""Level 1's `make demo`: its verdict is recomputed from what it left, and it fails when any part of it is broken."""

import hashlib
import itertools
import json
from pathlib import Path

import pytest
import yaml
from PIL import Image
from support import demo, demo_record, edit, releases_in, run, use_own_data

pytestmark = pytest.mark.real
# Asks a released model itself, without a server, about the example rows; run in the project's environment.
ASK_THE_MODEL = """
import json, sys
from importlib import import_module
from pathlib import Path
predict = import_module(f"{sys.argv[3]}.core.predict").predict
storage = import_module(f"{sys.argv[3]}.core.storage")
place = Path(sys.argv[1])
model, record = storage.read_model(place)
print(json.dumps(predict(model, storage.read_table(Path(sys.argv[2]), record["features"])).to_dict("list")))
"""


def check_verdict(project: Path) -> None:
    """Recompute from the store and the models what the demo says of itself."""
    record, workspace = demo_record(project), project / "demo/workspace"
    first, second = releases_in(workspace / "releases")
    assert record["kept"] and all(step["done"] for step in record["steps"])
    assert first["model"]["sha256"] != second["model"]["sha256"]
    assert first["previous"] is None and second["previous"]["record"] == first["path"]
    assert second["previous"]["sha256"] == hashlib.sha256(Path(first["path"]).read_bytes()).hexdigest()
    pointer = yaml.safe_load((workspace / "deploy/release.yaml").read_text("utf-8"))
    assert pointer == second["previous"]  # rolled back
    assert [served["sha256"] for served in record["served"]] == [
        release["model"]["sha256"] for release in (first, second, first)
    ]
    example = Path(first["path"]).parent / "model/example.csv"
    for served, release in zip(record["served"], (first, second, first), strict=True):
        place = Path(release["path"]).parent / "model"
        said = run("uv", "run", "python", "-c", ASK_THE_MODEL, place, example, project.name, cwd=project).stdout
        assert served["answers"] == json.loads(said)
    answering = (period["sha256"] for period in record["periods"] if period["sha256"])
    assert [model for model, _ in itertools.groupby(answering)] == [
        release["model"]["sha256"] for release in (first, second, first)
    ]
    assert list((workspace / "dist").glob("*.whl"))


def test_the_verdict_is_what_the_stores_say(risen):
    check_verdict(risen)


def test_what_its_owner_did_before_the_level_was_raised_is_all_there(risen):
    said = " ".join((risen.parent / "said.txt").read_text("utf-8").split())
    for outcome in ("merged README.md", "conflict pyproject.toml", "kept notebooks/model.ipynb"):
        assert outcome in said
    assert (risen / "README.md").read_text("utf-8").startswith("# Churn of the sales team\n")
    assert '"tabulate' in (risen / "pyproject.toml").read_text("utf-8")
    assert "with care" in (risen / "notebooks/model.ipynb").read_text("utf-8")
    assert (risen / "notebooks/second try.ipynb").exists() and (risen / "notes.md").exists()
    assert not (risen / "data/README.md").exists()
    assert (risen / "reports/score_history.csv").exists()


def test_the_picture_shows_both_releases(risen):
    colors = Image.open(risen / "reports/demo.png").convert("RGB").getcolors(maxcolors=2**24)
    seen = {color for count, color in colors if count > 100}
    assert {(31, 119, 180), (255, 127, 14)} <= seen  # the colours of the two, in both axes


def test_the_project_itself_trains_and_releases_nothing(risen):
    assert {path.name for path in (risen / "models").iterdir()} == {"model.skops", "example.csv"}  # of the notebook
    assert not (risen / "releases").exists() and not (risen / "deploy/release.yaml").exists()


def stop_the_server(project: Path) -> None:
    edit(project / "src/my_ml_project/serving/server.py", "    mlserver([", "    return\n    mlserver([")


def answer_with_another_digest(project: Path) -> None:
    edit(
        project / "src/my_ml_project/serving/runtime.py",
        "            parameters=Parameters(sha256=self._sha256),",
        '            parameters=Parameters(sha256="0" * 64),',
    )


def answer_wrongly(project: Path) -> None:
    edit(
        project / "src/my_ml_project/serving/runtime.py",
        "predict(self._model, table)",
        "predict(self._model, table[::-1])",
    )


def change_the_schema(project: Path) -> None:
    edit(project / "data/schema.yaml", "east, ", "")


def break_a_test(project: Path) -> None:
    (project / "tests/integration/test_broken.py").write_text("def test_broken():\n    assert False\n", "utf-8")


def lose_the_rollback(project: Path) -> None:
    edit(project / "src/my_ml_project/releases/commands.py", "    write_pointer(release.previous)\n", "")


@pytest.mark.parametrize(
    ("sabotage", "failed_step"),
    [
        (stop_the_server, "serve the first release"),
        (answer_with_another_digest, "predict over HTTP, smoke test"),
        (answer_wrongly, "predict over HTTP, smoke test"),
        (change_the_schema, "fetch and check the table"),
        (break_a_test, "run the tests"),
        (lose_the_rollback, "predict over HTTP, smoke test"),
    ],
)
def test_one_part_broken_fails_the_demo_at_its_step(quick, sabotage, failed_step):
    sabotage(quick)
    done = demo(quick, check=False)
    assert done.returncode != 0 and "The promise was not kept" in done.stderr
    record = demo_record(quick)
    assert not record["kept"] and record["problem"]
    assert [step["step"] for step in record["steps"] if not step["done"]] == [failed_step]
    assert not (quick / "reports/demo.png").exists()


@pytest.mark.parametrize("name", ["wine", "houses"])  # several classes; a number, with times, texts and gaps
def test_own_data_goes_through_the_demo_with_the_settings_changed_alone(quick, name):
    use_own_data(quick, name)
    demo(quick)
    check_verdict(quick)
