"""What level 1's demo says of itself, recomputed from the store of releases and from the models alone."""

import hashlib
import itertools
import json
from pathlib import Path

import yaml
from support import demo_record, releases_in, run

# Asks a released model itself, without a server, about the example rows; run in the project's environment.
ASK_THE_MODEL = """
import json, sys
from importlib import import_module
from pathlib import Path
predict = import_module(f"{sys.argv[3]}.core.predict").predict
read_table = import_module(f"{sys.argv[3]}.core.storage").read_table
open_folder = import_module(f"{sys.argv[3]}.core.model_folder").open_folder
folder = open_folder(Path(sys.argv[1]), beside=["model-settings.json"])
print(json.dumps(predict(folder.load(), read_table(Path(sys.argv[2]), folder.record.features)).to_dict("list")))
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
