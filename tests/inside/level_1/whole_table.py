"""Take a table through a project of level 1, as params.yaml says, and look at each row: whole_table.py."""

import csv
import json
import sys
from pathlib import Path

import pandas as pd
from mlserver.types import InferenceRequest
from my_ml_project.cli import app
from my_ml_project.core.kept_models import latest_model
from my_ml_project.core.predict import predict
from my_ml_project.core.schema_file import read_schema
from my_ml_project.core.tables import SCHEMA, accept, checked_rows
from my_ml_project.serving.protocol import to_request
from my_ml_project.serving.tensors import MOST_ROWS, to_tables
from my_ml_project.settings import load_settings

WRITTEN = Path("predictions.csv")
# What says how the cells of a file are told apart; all else says what they mean.
SHAPE = {"sep", "encoding", "quotechar", "quoting", "skipinitialspace", "skiprows", "header", "names", "usecols"}


def use(source: str) -> None:
    """Fetch, train and predict, in one process: to import what they need takes longer than what they do."""
    for words in (["data"], ["train"], ["predict", source]):
        app(words, standalone_mode=False)


def check_cells(source: str) -> None:
    """Every cell of the table, read by pandas, stands as text in what was written, and every row has its answer."""
    settings = load_settings()
    how = {name: value for name, value in settings.data.read if name in SHAPE & settings.data.read.model_fields_set}
    came = pd.read_csv(source, dtype=str, na_filter=False, **how)
    went = pd.read_csv(WRITTEN, dtype=str, na_filter=False)
    pd.testing.assert_frame_equal(went[list(came)], came)
    assert list(went)[: len(came.columns)] == list(came) and (went["prediction"] != "").all()


def check_requests(source: str) -> None:
    """What was written is what the model says of the typed rows, of the rows that were kept, and of requests."""
    settings, folder = load_settings(), latest_model(Path(load_settings().state.models))
    model, features = folder.load(), folder.record.features
    table, _ = accept(Path(source).read_bytes(), settings, read_schema(SCHEMA))
    by_file = predict(model, table[list(features)])
    parts = [table.iloc[at : at + MOST_ROWS] for at in range(0, len(table), MOST_ROWS)]
    bodies = [InferenceRequest.model_validate_json(json.dumps(to_request(part, features))) for part in parts]
    asked = pd.concat([to_tables(body, features, {})[0] for body in bodies], ignore_index=True)
    pd.testing.assert_frame_equal(asked, table[list(features)])
    pd.testing.assert_frame_equal(predict(model, asked), by_file)
    kept, _ = checked_rows(settings)
    pd.testing.assert_frame_equal(predict(model, kept[list(features)]), by_file.loc[kept.index])
    with WRITTEN.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for name, column in by_file.items():
        assert [row[name] for row in rows] == [str(value) for value in column.tolist()], name


if __name__ == "__main__":
    use(sys.argv[1])
    check_cells(sys.argv[1])
    check_requests(sys.argv[1])
