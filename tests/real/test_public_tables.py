"""Tables of other people, through levels 0 to 2 by their parameters alone: each row, and the same score everywhere."""

import csv
import gzip
import json
import shutil
from pathlib import Path

import pytest
import yaml
from support import configure, edit_parameters, execute, project_command, run, tool, volume

pytestmark = pytest.mark.real
TABLES = yaml.safe_load(Path(__file__).with_name("tables.yaml").read_text("utf-8"))
WHOLE_TABLE = Path(__file__).parents[1] / "inside" / "level_1" / "whole_table.py"
TABLE = "data/my table.csv"
SCORES = {"binary": "roc_auc", "multiclass": "balanced_accuracy", "regression": "r2"}
# The levels that each table goes through beside level 1. At each change two tables, which between them have dates as
# features and as time, day first and month first, gaps, padded texts and odd names.
CHOSEN = dict.fromkeys(TABLES, (0, 2)) if volume(1) > 1 else {"lymph_nodes": (0, 2), "collisions": ()}


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """packages(requirement): the folder that this package alone is installed into, once."""
    tool("uv")
    folder = tmp_path_factory.mktemp("packages")

    def install(requirement: str) -> Path:
        place = folder / requirement
        if not place.exists():
            command = ["uv", "pip", "install", "--no-deps", "--python-version", "3.11", "--target", place, requirement]
            run(*command, cwd=folder)
        return place

    return install


def bring(project: Path, name: str, packages) -> None:
    """Bring a table into a project as it is in its package, without the compression."""
    path = packages(TABLES[name]["package"]) / TABLES[name]["file"]
    content = path.read_bytes()
    (project / TABLE).write_bytes(gzip.decompress(content) if path.suffix == ".gz" else content)


def use(project: Path, name: str, packages) -> None:
    """Bring a table into a project of level 1 or higher that may have run with the sample, and change params.yaml."""
    shutil.rmtree(project / "reports", ignore_errors=True)
    (project / "data/schema.yaml").unlink(missing_ok=True)
    bring(project, name, packages)
    row = TABLES[name]
    evaluation = row.get("evaluation", {})
    configure(project, data={"uri": TABLE} | row.get("data", {}), target=row["target"], evaluation=evaluation)


def score_by_notebook(newcomer: Path, project: Path, name: str, packages) -> float:
    """The score that the notebook has written down, its parameter cell changed and nothing else."""
    shutil.copytree(newcomer, project, ignore=shutil.ignore_patterns(".venv", "models", "reports", ".git"))
    bring(project, name, packages)
    data, target = {"read": {}, "time": None, "drop": []} | TABLES[name].get("data", {}), TABLES[name]["target"]
    values = {"DATA": f"../{TABLE}", "READ": data["read"], "TIME": data["time"], "DROP": data["drop"]}
    values |= {"TARGET": target["column"], "TASK": target["task"], "POSITIVE": target.get("positive")}
    edit_parameters(project, values | TABLES[name].get("notebook", {}))
    execute(project, UV_PROJECT_ENVIRONMENT=str(newcomer / ".venv"))
    with (project / "reports/score_history.csv").open(encoding="utf-8") as lines:
        return float(list(csv.DictReader(lines))[-1][SCORES[target["task"]]])


def score_of_latest(project: Path, name: str) -> float:
    """The score in the record of the latest model."""
    latest = (project / "models/latest").read_text().strip()
    record = json.loads((project / "models" / latest / "model.json").read_text("utf-8"))
    return record["scores"][SCORES[TABLES[name]["target"]["task"]]]


@pytest.mark.parametrize("name", CHOSEN)
def test_each_row_is_answered_alike_in_a_file_and_in_a_request_and_each_level_scores_the_same(
    newcomer, copied, copied_2, packages, tmp_path, name
):
    use(copied, name, packages)
    run("uv", "run", "python", WHOLE_TABLE, TABLE, cwd=copied)
    score = score_of_latest(copied, name)
    if 2 in CHOSEN[name]:
        use(copied_2, name, packages)
        project_command(copied_2, "train")
        project_command(copied_2, "reproduce")
        assert score_of_latest(copied_2, name) == score
    if 0 in CHOSEN[name]:
        by_hand = score_by_notebook(newcomer, tmp_path / name, name, packages)
        if "time" in TABLES[name].get("data", {}):
            assert by_hand == pytest.approx(score, abs=1e-6)
        else:  # the notebook draws the rows that it holds out, the package goes by a hash of each
            assert by_hand == pytest.approx(score, abs=0.2)
