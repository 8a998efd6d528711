"""One table, one meaning: the functions of the notebook of level 0, of the commands, of the steps and of a request."""

import ast
import io
import json
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from kinds import Table, tables
from mlserver.types import InferenceRequest
from my_ml_project.core import storage
from my_ml_project.core.checking import Findings, as_table, typed_table
from my_ml_project.core.csv_files import read_cells
from my_ml_project.core.data import features_and_target, known_rows
from my_ml_project.core.fitting import fit
from my_ml_project.core.predict import predict
from my_ml_project.core.tables import accept
from my_ml_project.core.values import InFile
from my_ml_project.pipelines import steps
from my_ml_project.serving.protocol import to_request
from my_ml_project.serving.tensors import to_columns
from my_ml_project.settings import Settings

matplotlib.use("agg")
EXAMPLES = int(os.environ["EXAMPLES"])
PARTS = ast.Import | ast.ImportFrom | ast.FunctionDef  # of a cell: what it defines


def functions_of_the_notebook() -> SimpleNamespace:
    """The functions of the notebook of level 0."""
    names: dict = {}
    for cell in json.loads(Path(os.environ["NOTEBOOK"]).read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and not source.startswith("%%"):
            parts = [
                one for one in ast.parse(source).body if isinstance(one, PARTS) and "IPython" not in ast.unparse(one)
            ]
            exec(compile(ast.Module(parts, []), "notebook", "exec"), names)
    names["MAIN_SCORE"] = {"binary": "", "multiclass": "", "regression": ""}
    return SimpleNamespace(**names)


notebook = functions_of_the_notebook()


def settings_of(table: Table) -> Settings:
    data = {"uri": "t.csv", "read": table.read}
    target = {"column": "y", "task": table.task, "positive": table.positive}
    return Settings.model_validate({"data": data, "target": target})


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=tables())
def test_every_way_into_a_model_is_the_same(table):
    ours = settings_of(table)
    accepted, schema = accept(table.content, ours, None)
    again, _ = accept(table.content, ours, schema)
    pd.testing.assert_frame_equal(again, accepted)
    with tempfile.TemporaryDirectory() as folder:
        steps.write_rows(accepted, schema, Path(folder) / "rows")
        stepped, read_schema = steps.read_rows(Path(folder) / "rows")
        (Path(folder) / "t.csv").write_bytes(table.content)
        theirs = notebook.load(Path(folder) / "t.csv", "y", **table.read)
    pd.testing.assert_frame_equal(stepped, accepted)
    assert read_schema == schema
    pd.testing.assert_frame_equal(storage.read_table(io.BytesIO(storage.as_csv(accepted)), schema), accepted)

    X, y = features_and_target(known_rows(accepted, ours), ours)
    features = {name: schema[name] for name in X}
    request = InferenceRequest.model_validate(json.loads(json.dumps(to_request(X, features))))
    pd.testing.assert_frame_equal(as_table(to_columns(request, features, {})[0], features), X.reset_index(drop=True))
    (cells,) = read_cells(io.BytesIO(table.content), ours.data.read, "t.csv")
    raw = {name: cells.columns[name] for name in X}
    scored = typed_table(raw, cells.lines, features, InFile(ours.data.read), Findings())
    pd.testing.assert_frame_equal(scored.loc[X.index], X)

    model = fit(X, y, ours)
    answers = predict(model, X)
    notebook.check(theirs, "y", table.task, table.positive)
    parts = notebook.prepare(theirs, "y", table.task)
    their_X, their_y = pd.concat(parts[::2]).sort_index(), pd.concat(parts[1::2]).sort_index()
    assert their_X.index.equals(X.index) and (their_y == y).all()
    their_model, _ = notebook.train(their_X, their_y, table.task, table.positive)
    said = predict(their_model, their_X)
    assert list(said) == list(answers) and said["prediction"].dtype == answers["prediction"].dtype
    for name in answers:
        if answers[name].dtype == "float64":
            np.testing.assert_allclose(said[name], answers[name], rtol=1e-6, atol=1e-9)
        else:
            assert said[name].tolist() == answers[name].tolist()
