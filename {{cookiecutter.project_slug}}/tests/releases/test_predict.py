"""Each row of a table comes back with what a model says of it, and otherwise as it came."""

import csv
import io
from pathlib import Path

import fsspec
import pandas as pd
import pytest
from conftest import write_params

from {{cookiecutter.project_slug}}.core import csv_files
from {{cookiecutter.project_slug}}.core.checking import as_table
from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.releases import observing

# Columns that the model does not know, and that pandas would change.
BESIDE = {
    "zip": "00123",
    "id": "123456789012345678",
    "note": "NA",
    "said": 'he said "no, not\nnow"',
    "old": "a\rb",
    "share": "1e-3",
}


@pytest.fixture
def table(run, make_model):
    """The rows of a table as texts, and the model that answers them."""
    write_params()
    folder = make_model()
    rows = folder.example()
    return pd.concat([rows.assign(**BESIDE)] * 3, ignore_index=True), folder


def written(path="predictions.csv") -> pd.DataFrame:
    """The cells of a file, as they are."""
    with fsspec.open(path, "r", newline="") as file:
        header, *rows = csv.reader(file)
    return pd.DataFrame(rows, columns=header)


def as_given(table: pd.DataFrame, **options) -> str:
    return table.to_csv(index=False, quoting=csv.QUOTE_ALL, **options)


@pytest.mark.parametrize("rows_at_once", [1, 4, 5000])
def test_rows_come_back_as_they_came_with_the_answers_of_the_model(run, table, rows_at_once, monkeypatch):
    rows, folder = table
    monkeypatch.setattr(csv_files.read_cells, "__defaults__", (rows_at_once,))
    Path("my rows.csv").write_text(as_given(rows), newline="")
    assert f"15 rows with the predictions of model {folder.sha256[:12]}" in run("predict", "my rows.csv")
    answers, said = written(), predict(folder.load(), rows[list(folder.record.features)])
    (given,) = [pd.read_csv(io.StringIO(as_given(rows)), dtype="str", keep_default_na=False)]
    assert list(answers) == [*rows, *said, "model_sha256"]
    pd.testing.assert_frame_equal(answers[list(rows)], given, check_dtype=False)
    assert answers["prediction"].tolist() == said["prediction"].tolist()
    assert answers["probability of yes"].astype(float).tolist() == pytest.approx(said["probability of yes"].tolist())
    assert set(answers["model_sha256"]) == {folder.sha256}


@pytest.mark.parametrize(
    "read",
    [
        {"sep": ";", "decimal": ",", "encoding": "utf-16"},
        {"delimiter": "|", "quotechar": "'"},
        {"skiprows": 2, "comment": "#"},
        {"skipfooter": 1, "header": None},
        {"keep_default_na": False, "thousands": " "},
    ],
)
def test_the_checked_table_is_predicted_for_however_the_table_was_written(run, table, read):
    rows, _ = table
    write_params(data={"uri": "x.csv", "read": read})
    checked = Path("data/checked/table.csv")
    checked.parent.mkdir(parents=True)
    rows.drop(columns=["old", "said"]).to_csv(checked, index=False)
    for words in ([], [str(checked)]):
        assert "15 rows" in run("predict", *words)
        assert len(written()) == 15


def test_a_table_goes_from_an_address_to_another(run, table):
    rows, folder = table
    with fsspec.open("memory://rows.csv", "w") as file:
        file.write(as_given(rows))
    assert "15 rows" in run("predict", "memory://rows.csv", "--out", "memory://answers/today.csv")
    assert set(written("memory://answers/today.csv")["model_sha256"]) == {folder.sha256}


@pytest.mark.parametrize("out", ["predictions.csv", "memory://answers/never.csv"])
def test_where_rows_do_not_fit_all_are_named_and_nothing_is_written(run, table, out, monkeypatch):
    rows, _ = table
    monkeypatch.setattr(csv_files.read_cells, "__defaults__", (2,))
    rows = rows.astype({"days": object})
    rows.loc[[3, 14], "days"] = ["soon", 900]
    Path("rows.csv").write_text(as_given(rows.drop(columns=["said", "old"])), newline="")
    said = run("predict", "rows.csv", "--out", out)
    assert "column days: 1 rows, the first in line 5: is not a number: 'soon'" in said
    assert "column days: 1 rows, the first in line 16: is outside 0 to" in said
    assert not fsspec.core.url_to_fs(out)[0].exists(fsspec.core.url_to_fs(out)[1])
    assert not list(Path().glob(".writing-*"))


def test_an_address_that_cannot_be_written_is_named(run, table):
    rows, _ = table
    Path("rows.csv").write_text(as_given(rows), newline="")
    assert "nosuch://x cannot be written" in run("predict", "rows.csv", "--out", "nosuch://x")
    assert "memory://none.csv cannot be read" in run("predict", "memory://none.csv")


def test_the_released_model_answers_if_it_is_asked(run, table, make_model):
    rows, released = table
    run("publish")
    latest = make_model(rows=150)
    Path("rows.csv").write_text(as_given(rows), newline="")
    run("predict", "rows.csv")
    assert set(written()["model_sha256"]) == {latest.sha256} != {released.sha256}
    assert released.sha256[:12] in run("predict", "rows.csv", "--released", "--out", "released.csv")
    assert set(written("released.csv")["model_sha256"]) == {released.sha256}


def test_whoever_observes_is_told_of_all_rows_that_the_released_model_answers_or_of_none(run, make_model, monkeypatch):
    heard = []
    monkeypatch.setattr(observing, "found", lambda: [lambda answered: 1 / 0, heard.append])
    monkeypatch.setattr(csv_files.read_cells, "__defaults__", (2,))
    write_params()
    folder = make_model(key="order")
    run("publish")
    rows = folder.example().assign(order=["A1", "A2", "", "A4", "A5"])
    Path("rows.csv").write_text(as_given(rows), newline="")
    assert "5 rows" in run("predict", "rows.csv", "--released")
    ids = written()["prediction_id"].tolist()
    told = pd.concat([pd.DataFrame(one.requests) for one in heard])
    assert ids == [f"{one}/{row}" for one, row in zip(told["id"], told["row"], strict=True)] and len(set(ids)) == 5
    assert {one.sha256 for one in heard} == {folder.sha256}
    assert [one or "" for answered in heard for one in answered.key["order"]] == rows["order"].tolist()
    features = pd.concat([as_table(one.features, one.record.features) for one in heard], ignore_index=True)
    expected = rows[list(folder.record.features)].reset_index(drop=True)
    pd.testing.assert_frame_equal(features, expected, check_dtype=False)
    answers = pd.concat([pd.DataFrame(one.answers) for one in heard], ignore_index=True)
    pd.testing.assert_frame_equal(answers, predict(folder.load(), expected), check_dtype=False)
    heard.clear()
    Path("rows.csv").write_text(as_given(rows.assign(weight=[1, 2, 3, 4, "heavy"])), newline="")
    assert "column weight: 1 rows, the first in line 6" in run("predict", "rows.csv", "--released")
    run("predict", "rows.csv")  # by the latest model, which nobody uses
    assert heard == []


def test_without_a_release_there_is_none_to_ask(run, table):
    Path("rows.csv").write_text(as_given(table[0]), newline="")
    assert "Nothing is released yet" in run("predict", "rows.csv", "--released")
    assert not Path("predictions.csv").exists()
