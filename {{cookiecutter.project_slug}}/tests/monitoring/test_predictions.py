"""The log of predictions holds what was asked and answered, with its types, whatever the store does."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest
from conftest import Clock
from logs import MODEL, NOON, answered, rows_in

from {{cookiecutter.project_slug}}.core.checking import TEXT, as_table
from {{cookiecutter.project_slug}}.core.schema import Boolean, Category, Date, Integer, Number, Text
from {{cookiecutter.project_slug}}.monitoring import observer, predictions
from {{cookiecutter.project_slug}}.monitoring.joined import Window, joined
from {{cookiecutter.project_slug}}.monitoring.parts import Parts
from {{cookiecutter.project_slug}}.monitoring.predictions import PredictionLog
from {{cookiecutter.project_slug}}.settings import PARAMS

SCHEMA = {
    "Age": Number(missing=True),
    "age": Integer(missing=True),
    "kept": Boolean(missing=True),
    "sure": Boolean(missing=False),
    "size": Category(missing=True, values=["s", "m"]),
    "since": Date(missing=True),
    "said": Text(missing=True),
    "prediction": Text(missing=True),
}
NO_TIME = timedelta()


@pytest.fixture
def log(tmp_path) -> PredictionLog:
    return PredictionLog(str(tmp_path / "log"))


@pytest.fixture
def written(tmp_path) -> Parts:
    return Parts(str(tmp_path / "log"))


def read_back(parts: Parts, tmp_path) -> list[pd.DataFrame]:
    with joined(parts, Parts(str(tmp_path / "none")), Window(NOON, NOON + timedelta(days=2)), NO_TIME) as found:
        return list(found.tables())


@pytest.mark.parametrize("empty", [False, True])
def test_every_type_comes_back_as_it_was_whatever_is_missing_and_whatever_the_columns_are_called(
    log, written, tmp_path, empty
):
    values = {
        "Age": [0.1, None],
        "age": [2**53 + 1, None],
        "kept": [True, None],
        "sure": [False, True],
        "size": ["m", None],
        "since": [datetime(2024, 2, 29, 12, 30), None],
        "said": ["ö\n\x00 \U0001f680", None],
        "prediction": ["mine", None],
    }
    if empty:
        values = {name: known if name == "sure" else [None, None] for name, known in values.items()}
    features = as_table(values, SCHEMA)
    log.write(answered("a", "b", schema=SCHEMA, **values))
    (table,) = read_back(written, tmp_path)
    found = table[[f"feature.{name}" for name in SCHEMA]].rename(columns=lambda name: name.removeprefix("feature."))
    pd.testing.assert_frame_equal(found, features, check_dtype=False)
    assert found["age"].dtype == "Int64" and found["said"].dtype == TEXT and found["since"].dtype == "datetime64[us]"
    assert table["answer.prediction"].tolist() == ["no", "no"] and table["model"].tolist() == [MODEL] * 2


def test_keys_are_kept_as_texts_and_may_be_missing(log, written):
    log.write(answered("a", "b", keys=[7, None]))
    log.write(answered("c"))
    assert {row["id"]: row["key"] for row in rows_in(written)} == {"a": "7", "b": None, "c": None}


def test_what_is_no_unicode_takes_nothing_else_with_it(log, written):
    log.write(answered("a", "b", said=["fine", "\ud800!"]))
    assert [row["feature.said"] for row in rows_in(written)] == ["fine", "?!"]


def test_each_row_is_in_the_folder_of_its_day_in_utc(log, written):
    late = datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC)
    both = answered("a", "b")
    both.requests["at"] = [late.timestamp(), late.timestamp() + 2]
    log.write(both)
    assert [day.day for day in written.days()] == [10, 11] and len(rows_in(written)) == 2


def test_columns_that_only_one_release_has_are_absent_in_the_other_and_missing_is_something_else(
    log, written, tmp_path
):
    log.write(answered("a", weight=[None]))
    log.write(answered("b", at=NOON + timedelta(hours=1), model="b" * 64, size=["heavy"], colour=["red"]))
    old, new = sorted(read_back(written, tmp_path), key=lambda table: table["id"][0])
    assert old["feature.weight"].isna().all() and "feature.colour" not in old
    assert new[["feature.size", "feature.colour"]].values.tolist() == [["heavy", "red"]]


@pytest.mark.parametrize("failures", [1, 3, 4])
def test_a_store_that_refuses_is_tried_again_and_nothing_is_written_twice(log, written, monkeypatch, failures):
    monkeypatch.setattr(predictions, "time", Clock())
    add, tries = Parts.add, []

    def refusing(self, day, name, table):
        tries.append(name)
        if len(tries) % 2:
            add(self, day, name, table)  # what looks like a failure may have been written
        if len(tries) <= failures:
            raise ConnectionError

    monkeypatch.setattr(Parts, "add", refusing)
    if failures == 4:
        with pytest.raises(ConnectionError):
            log.write(answered("a"))
    else:
        log.write(answered("a"))
    assert len(set(tries)) == 1 and len(rows_in(written)) == 1


def test_where_it_is_kept_is_said_by_the_environment_or_else_by_params(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    assert observer.observer({}) is None and "PREDICTIONS does not say where" in caplog.text
    observer.observer({"PREDICTIONS": str(tmp_path / "there")})(answered("a"))
    assert len(rows_in(Parts(str(tmp_path / "there")))) == 1
    PARAMS.write_text("data: {uri: a.csv}\ntarget: {column: y, task: regression}\nstate: {predictions: here}")
    observer.observer({})(answered("a", "b"))
    assert len(rows_in(Parts("here"))) == 2


def test_the_log_is_one_table_whatever_was_asked(log, written):
    log.write(answered("a"))
    (part,) = written.of(NOON.date())
    schema = written.open(part).schema_arrow
    assert schema.names == ["id", "row", "at", "seconds", "model", "key", "feature.weight", "answer.prediction"]
    assert schema.field("at").type == pa.timestamp("us", tz="UTC") and schema.field("key").type == pa.string()
