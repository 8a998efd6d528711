"""Level 2's `make demo`: its verdict is recomputed from MLflow and the files, and it fails when any part is broken."""

import csv
import hashlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from PIL import Image
from support import OWN_VARIABLES, demo, demo_record, edit, releases_in, run, use_own_data

pytestmark = pytest.mark.real
PACKAGE = "src/my_ml_project"
# Asks MLflow itself, without a line of the project, about all that it holds; run in the project's environment.
ASK_MLFLOW = """
import json, sys
import mlflow
client = mlflow.MlflowClient(sys.argv[1])
everywhere = [one.experiment_id for one in client.search_experiments()]
runs = client.search_runs(everywhere, order_by=["attributes.start_time"])
(model,) = client.search_registered_models()
print(json.dumps({
    "runs": [{"id": run.info.run_id, "status": run.info.status, **run.data.to_dictionary()} for run in runs],
    "versions": {one.run_id: str(one.version) for one in client.search_model_versions()},
    "aliases": {alias: str(version) for alias, version in model.aliases.items()},
}))
"""
# Asks a released model itself about the rows of a table; run in the project's environment.
ASK_THE_MODEL = """
import json, sys
from importlib import import_module
from pathlib import Path
predict = import_module(f"{sys.argv[3]}.core.predict").predict
storage = import_module(f"{sys.argv[3]}.core.storage")
model, record = storage.read_model(Path(sys.argv[1]))
rows = storage.read_table(Path(sys.argv[2]), record["features"])[list(record["features"])]
print(json.dumps([str(one) for one in predict(model, rows)["prediction"]]))
"""


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lines_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))


def check_verdict(project: Path, tracking: str | None = None) -> None:
    """Recompute from MLflow, the store and the quarantine what the demo says of itself."""
    record, workspace = demo_record(project), project / "demo/workspace"
    tracking = tracking or f"sqlite:///{workspace / 'mlflow.db'}"
    found = json.loads(run("uv", "run", "python", "-c", ASK_MLFLOW, tracking, cwd=project).stdout)
    assert record["kept"] and all(step["done"] for step in record["steps"]) and record["tracking"] == tracking
    check_runs(record, found, digest(workspace / "received.csv"))
    check_quarantine(record, workspace)
    check_releases(record, found, workspace)
    check_predictions(record, project, workspace)
    assert record["reproduced"] == found["runs"][0]["id"]
    assert not [cwd for cwd in Path("/proc").glob("[0-9]*/cwd") if points_below(cwd, workspace)]  # nothing runs on


def points_below(link: Path, folder: Path) -> bool:
    try:
        return link.readlink().is_relative_to(folder.resolve())
    except OSError:  # another user's process, or one that has ended
        return False


def check_runs(record: dict, found: dict, whole: str) -> None:
    """Two runs, the second for the table that is in place now, none for the same again or for the bad batch."""
    first, second = found["runs"]
    assert [(run["status"], run["tags"]["trigger"]) for run in (first, second)] == [
        ("FINISHED", "by hand"),
        ("FINISHED", "new data"),
    ]
    contents = [run["tags"]["content_sha256"] for run in (first, second)]
    assert contents[1] == whole != contents[0]
    assert [one["content_sha256"] for one in record["arrivals"][:3]] == [contents[0], whole, whole]
    assert record["arrivals"][3]["content_sha256"] not in contents
    assert [[one[key] for key in ("id", "version", "score", "content_sha256")] for one in record["runs"]] == [
        [run["id"], found["versions"][run["id"]], run["metrics"][run["tags"]["main_score"]], content]
        for run, content in zip((first, second), contents, strict=True)
    ]
    assert found["versions"] == {first["id"]: "1", second["id"]: "2"}


def check_quarantine(record: dict, workspace: Path) -> None:
    """The bad batch alone is there, with a report that names what is not as in the table that is in place now."""
    (place,) = (workspace / "data/checked/quarantine").iterdir()
    assert place.samefile(workspace.parent.parent / record["quarantine"])
    assert digest(place / "received.csv") == record["arrivals"][3]["content_sha256"]
    (header, *rows), (known, *good) = lines_of(place / "received.csv"), lines_of(workspace / "received.csv")
    report = (place / "report.txt").read_text("utf-8")
    (unknown,) = set(header) - set(known)
    assert f"column {unknown} is not in the schema" in report
    changed = [
        (line, name)
        for line, (bad, was) in enumerate(zip(rows, good, strict=True), 2)
        for name, one, other in zip(known, bad, was, strict=False)
        if one != other
    ]
    (column,) = {name for _, name in changed}
    lines = ", ".join(str(line) for line, _ in changed)
    assert f"column {column}: {len(changed)} rows, the first in line {lines}: " in report


def check_releases(record: dict, found: dict, workspace: Path) -> None:
    """Both versions were released, one after the other, the second beside the first; it is in use, and champion."""
    first, second = releases_in(workspace / "releases")
    models = [release["model"]["sha256"] for release in (first, second)]
    assert models == [run["tags"]["model_sha256"] for run in found["runs"]] and models[0] != models[1]
    assert models == [release["model"]["sha256"] for release in record["releases"]]
    assert first["previous"] is None and second["previous"]["record"] == first["path"]
    pointer = yaml.safe_load((workspace / "deploy/release.yaml").read_text("utf-8"))
    assert pointer == {"record": second["path"], "sha256": digest(Path(second["path"]))}
    assert found["aliases"] == {"champion": "2"}
    comparison = json.loads((workspace / "reports/comparison.json").read_text("utf-8"))
    assert comparison == record["comparison"]
    assert [comparison[who]["sha256"] for who in ("champion", "candidate")] == models
    assert all((workspace / "reports" / name).exists() for name in ("comparison.png", "performance.png"))


def check_predictions(record: dict, project: Path, workspace: Path) -> None:
    """Each row has the answer of the model that is released."""
    header, *rows = lines_of(workspace / "predictions.csv")
    _, second = releases_in(workspace / "releases")
    place = Path(second["path"]).parent / "model"
    asked = ("uv", "run", "python", "-c", ASK_THE_MODEL, place, workspace / "received.csv", project.name)
    said = json.loads(run(*asked, cwd=project).stdout)
    assert [row[header.index("prediction")] for row in rows] == said
    assert record["predictions"] == len(rows) == len(lines_of(workspace / "received.csv")) - 1


@pytest.fixture(scope="module")
def shown(newcomer_2) -> Path:
    """The project of level 2 after its demo, whose owner tracks runs on a server that is not there now."""
    demo(newcomer_2, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    return newcomer_2


def test_the_verdict_is_what_mlflow_and_the_stores_say(shown):
    check_verdict(shown)


def test_the_picture_shows_both_versions_and_what_became_of_the_data(shown):
    colors = Image.open(shown / "reports/demo.png").convert("RGB").getcolors(maxcolors=2**24)
    seen = {color for count, color in colors if count > 50}
    assert {(31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (127, 127, 127)} <= seen


def test_the_project_itself_tracks_trains_and_releases_nothing(shown):
    made = ("mlflow.db", "mlartifacts", "models", "releases", "deploy/release.yaml", "data/checked", "data/schema.yaml")
    assert not [path for path in made if (shown / path).exists()]
    assert {path.name for path in (shown / "reports").iterdir()} == {"demo.png", "demo.json"}


def register_nothing(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/steps.py", "        if not found.missed:\n", "        if False:\n")


def reproduce_from_other_rows(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/reproduction.py", "train(job, train_rows,", "train(job, test_rows,")


def lose_the_pointer(project: Path) -> None:
    edit(project / PACKAGE / "releases/commands.py", "    write_pointer(pointer)\n", "")


def let_the_champion_be(project: Path) -> None:
    edit(project / PACKAGE / "candidates/commands.py", "        follow(client)\n\n\ndef propose", "\n\ndef propose")


def watch_nothing(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/commands.py", "    from watchfiles", "    return\n    from watchfiles")


def train_on_what_is_known(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/commands.py", '"new data" if if_new else "by hand"', '"by hand"')


def lose_the_bad_batch(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/intake.py", "        write(place / name, content)\n", "")


def report_no_rows(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/intake.py", 'f"{error}\\n".encode()', 'b"It does not fit."')


def check_no_schema(project: Path) -> None:
    edit(project / PACKAGE / "core/data.py", "    check_table(table, schema)\n", "")


@pytest.mark.parametrize(
    ("sabotage", "failed_step"),
    [
        (register_nothing, "train on 3600 rows"),
        (reproduce_from_other_rows, "reproduce the first run"),
        (lose_the_pointer, "release version 1 by hand"),
        (let_the_champion_be, "release version 1 by hand"),
        (watch_nothing, "watch the file from now on: no run"),
        (train_on_what_is_known, "watch the file from now on: no run"),
        (lose_the_bad_batch, "a bad batch: quarantine, no run"),
        (report_no_rows, "a bad batch: quarantine, no run"),
        (check_no_schema, "a bad batch: quarantine, no run"),
    ],
)
def test_one_part_broken_fails_the_demo_at_its_step(copied_2, sabotage, failed_step):
    sabotage(copied_2)
    done = demo(copied_2, check=False)
    assert done.returncode != 0 and "The promise was not kept" in done.stderr
    record = demo_record(copied_2)
    assert not record["kept"] and record["problem"]
    assert [step["step"] for step in record["steps"] if not step["done"]] == [failed_step]
    assert not (copied_2 / "reports/demo.png").exists()


def test_own_data_goes_through_the_demo_with_the_settings_changed_alone(copied_2):
    use_own_data(copied_2, "wine")  # several classes
    demo(copied_2)
    check_verdict(copied_2)


@contextmanager
def mlflow_server(project: Path, folder: Path) -> Iterator[str]:
    """MLflow's own server, of the version that the project names, with its files in this folder; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["uv", "run", "--isolated", "--group", "ui", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", str(port), "--backend-store-uri", f"sqlite:///{folder / 'server.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    variables = {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}
    with (folder / "server.log").open("wb") as out:
        server = subprocess.Popen(
            command, cwd=project, env=variables, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        while not answers(f"http://127.0.0.1:{port}/health"):
            assert server.poll() is None, (folder / "server.log").read_text("utf-8")
            time.sleep(1)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except OSError:
        return False


def test_on_a_real_server_of_mlflow_it_is_the_same_demo(copied_2, tmp_path):
    use_own_data(copied_2, "houses")  # a number, with times, texts and gaps
    with mlflow_server(copied_2, tmp_path) as url:
        edit(
            copied_2 / "demo/level_2/promise.py",
            "self.tracking = f\"{store.SQLITE}{folder.absolute() / 'mlflow.db'}\"",
            f'self.tracking = "{url}"',
        )
        demo(copied_2)
        check_verdict(copied_2, url)
    assert not (copied_2 / "demo/workspace/mlflow.db").exists()
