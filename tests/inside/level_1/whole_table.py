"""Take a table through a project of level 1, as params.yaml says, and look at each row: whole_table.py."""

import asyncio
import csv
import json
import shutil
import sys
import tempfile
from pathlib import Path

import pandas as pd
from mlserver import ModelSettings
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest
from my_ml_project.cli import app
from my_ml_project.core.checking import as_table
from my_ml_project.core.kept_models import latest_model
from my_ml_project.core.predict import predict
from my_ml_project.core.schema_file import read_schema
from my_ml_project.core.tables import SCHEMA, accept, checked_rows
from my_ml_project.serving.model_settings import MODEL_SETTINGS, model_settings
from my_ml_project.serving.protocol import from_response, to_request
from my_ml_project.serving.runtime import ModelRuntime
from my_ml_project.serving.tensors import MOST_ROWS, to_columns
from my_ml_project.settings import load_settings

WRITTEN = Path("predictions.csv")
MOST_ASKED = 2_000
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
    asked = pd.concat([as_table(to_columns(body, features, {})[0], features) for body in bodies], ignore_index=True)
    pd.testing.assert_frame_equal(asked, table[list(features)])
    pd.testing.assert_frame_equal(predict(model, asked), by_file)
    kept, _ = checked_rows(settings)
    pd.testing.assert_frame_equal(predict(model, kept[list(features)]), by_file.loc[kept.index])
    with WRITTEN.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for name, column in by_file.items():
        assert [row[name] for row in rows] == [str(value) for value in column.tolist()], name


async def check_answers(source: str, at_once: int) -> None:
    """What is written is what the server says of one to seven rows a request, many at once, wrong ones among them."""
    folder = latest_model(Path(load_settings().state.models))
    table, _ = accept(Path(source).read_bytes(), load_settings(), read_schema(SCHEMA))
    table = table[list(folder.record.features)].head(MOST_ASKED).reset_index(drop=True)
    by_file = predict(folder.load(), table)
    with tempfile.TemporaryDirectory() as name:
        place = Path(shutil.copytree(folder.place, Path(name) / "model"))
        (place / MODEL_SETTINGS).write_bytes(model_settings(folder))
        runtime = ModelRuntime(ModelSettings.parse_file(str(place / MODEL_SETTINGS)))
        await runtime.load()
    turns = asyncio.Semaphore(at_once)

    async def ask(start: int, size: int, number: int) -> None:
        rows = table.iloc[start : start + size]
        body = to_request(rows, folder.record.features) | {"id": f"request-{number}"}
        if wrong := number % 5 == 4:
            body["inputs"][0]["name"] = f"wrong-{number}"
        async with turns:
            try:
                response = await runtime.predict(InferenceRequest.model_validate(body))
            except InferenceError as error:
                assert wrong and f"wrong-{number}" in str(error)
                return
        assert not wrong and response.parameters.sha256 == folder.sha256
        answers, _ = from_response(response.model_dump(mode="json"))
        expected = by_file.iloc[start : start + size].reset_index(drop=True)
        pd.testing.assert_frame_equal(answers, expected, check_dtype=False, rtol=1e-9)

    starts = [(start, 1 + start % 7) for start in range(0, len(table), 3)]
    await asyncio.gather(*(ask(*one, number) for number, one in enumerate(starts)))


if __name__ == "__main__":
    use(sys.argv[1])
    check_cells(sys.argv[1])
    check_requests(sys.argv[1])
    for clients in (1, 32):
        asyncio.run(check_answers(sys.argv[1], clients))
