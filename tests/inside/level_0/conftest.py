"""What the notebook of the project in the current folder defines and has left behind."""

import ast
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import matplotlib.pyplot as plt
import pytest

matplotlib.use("agg")
NOTEBOOK = Path("notebooks/model.ipynb")


def cells() -> dict[str, str]:
    """The source of each cell by its id."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}


def definitions(source: str) -> ast.Module:
    """Only what a cell defines: imports, functions and constants, nothing that runs the analysis."""
    kept = []
    for node in ast.parse(source).body:
        constant = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).isupper()
        if constant or isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef):
            kept.append(node)
    return ast.Module(kept, [])


@pytest.fixture
def notebook(tmp_path, monkeypatch) -> Iterator[SimpleNamespace]:
    """The notebook's functions and parameters, in a working folder of their own; its figures gather in `drawn`."""
    names = {"drawn": {}}
    for source in cells().values():
        if not source.startswith(("%%script", "#")):
            exec(compile(definitions(source), str(NOTEBOOK), "exec"), names)
    names["show"] = lambda figure, name: names["drawn"].update({name: figure})
    names["MODEL"], names["HISTORY"] = tmp_path / "models" / "model.skops", tmp_path / "reports" / "history.csv"
    names["REPORTS"], names["EXAMPLE"] = tmp_path / "reports", tmp_path / "models" / "example.csv"
    monkeypatch.chdir("notebooks")
    yield SimpleNamespace(**names)
    plt.close("all")


@pytest.fixture(scope="session")
def history() -> list[dict[str, str]]:
    """The score history that runs have left, one row each."""
    with Path("reports/score_history.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
