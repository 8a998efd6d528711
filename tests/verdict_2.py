"""What level 2's demo says of itself, recomputed from MLflow, the store of releases and the quarantine alone."""

import csv
import hashlib
import json
from pathlib import Path

import yaml
from support import demo_record, releases_in, run

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
read_table = import_module(f"{sys.argv[3]}.core.storage").read_table
open_folder = import_module(f"{sys.argv[3]}.core.model_folder").open_folder
folder = open_folder(Path(sys.argv[1]), beside=["model-settings.json"])
features = folder.record.features
rows = read_table(Path(sys.argv[2]), features)[list(features)]
print(json.dumps([str(one) for one in predict(folder.load(), rows)["prediction"]]))
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
