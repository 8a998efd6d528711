"""The core's commands from end to end, each in a folder of its own: what they leave, what they say when they cannot."""

import json
from pathlib import Path

import pandas as pd
import pytest
import typer
from conftest import as_format_1, write_params

from {{cookiecutter.project_slug}} import cli
from {{cookiecutter.project_slug}}.core import commands
from {{cookiecutter.project_slug}}.core.kept_models import latest_model
from {{cookiecutter.project_slug}}.releases import commands as releases

PARAMS = {
    "data": {"uri": "orders.csv", "drop": ["order"], "time": "day"},
    "target": {"column": "returned", "task": "binary", "positive": "yes"},
    "evaluation": {"held_out": 0.6, "slices": ["shop"], "at_least": {"roc_auc": 0.7}},
}


@pytest.fixture
def run(run, orders, monkeypatch):
    """The same as everywhere, in a folder with a table and settings, and with the commands that each level has."""
    app = typer.Typer()
    app.add_typer(commands.app)  # and not what comes with a pipeline
    app.add_typer(releases.app)
    monkeypatch.setattr(cli, "app", app)
    orders.to_csv("orders.csv", index=False)
    write_params(**PARAMS)
    return run


def files(folder) -> dict[str, bytes]:
    """Every file below the folder and its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_from_data_to_predictions(run, tmp_path):
    assert "data/schema.yaml was written" in run("data")
    assert "always answering the same" in (said := run("train", "--note", "first")) and "roc_auc" in said
    assert "shop" in run("evaluate")
    assert "200 rows" in run("predict", "orders.csv", "--out", "answers.csv")
    answers = pd.read_csv("answers.csv")
    assert set(answers["prediction"]) == {"yes", "no"} and answers["probability of yes"].between(0, 1).all()
    (place,) = [path for path in (tmp_path / "models").iterdir() if path.is_dir()]
    pictures = {f"{name}.png" for name in ("target_balance", "feature_relations", "evaluation", "importance")}
    assert {path.name for path in place.iterdir()} == pictures | {"model.skops", "model.json", "card.md", "example.csv"}
    card = (place / "card.md").read_text()
    assert all(
        word in card for word in ("first", "| shop |", "always answering the same", "from a probability of 0.5 on")
    )
    assert {path.name for path in (tmp_path / "reports").iterdir()} == {"score_history.csv", "score_history.png"}


def test_a_column_of_predictions_is_not_written_over(run, orders):
    for command in ("data", "train"):
        run(command)
    orders.assign(prediction="mine").to_csv("answered before.csv", index=False)
    assert "has columns ['prediction'] already" in run("predict", "answered before.csv")
    assert not Path("predictions.csv").exists()


def test_the_same_again_predicts_the_same_bytes_and_adds_a_line(run):
    run("data")
    for name in ("one", "two"):
        run("train", "--note", name)
        run("predict", "orders.csv", "--out", f"{name}.csv")
    one, two = (pd.read_csv(f"{name}.csv") for name in ("one", "two"))
    assert one.pop("model_sha256").nunique() == two.pop("model_sha256").nunique() == 1
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    assert list(pd.read_csv("reports/score_history.csv")["note"]) == ["one", "two"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": {"uri": "gone.csv"}}, "gone.csv cannot be read"),
        ({"target": {"column": "gone", "task": "binary", "positive": "yes"}}, "no column ['gone']"),
        ({"target": {"column": "returned", "task": "ranking"}}, "target.task"),
        ({"data": PARAMS["data"] | {"sha256": "0" * 64}}, "is not the content"),
        ({"data": PARAMS["data"] | {"max_megabytes": 0.001}}, "is larger than 0.001 MB"),
    ],
)
def test_settings_that_do_not_fit_stop_the_data_and_leave_what_was_there(run, tmp_path, change, message):
    run("data")
    write_params(**PARAMS | change)
    before = files(tmp_path)
    assert message in run("data")
    assert files(tmp_path) == before


def test_a_table_that_breaks_the_schema_stops_and_the_old_one_stays(run, orders, tmp_path):
    run("data")
    kept = (tmp_path / "data/checked/table.csv").read_bytes()
    orders.assign(days=900).to_csv("orders.csv", index=False)
    assert "column days: 200 rows, the first in line 2, 3, 4, 5, 6: is outside" in run("data")
    assert (tmp_path / "data/checked/table.csv").read_bytes() == kept


def test_an_empty_column_and_a_single_class_are_refused(run, orders):
    orders.assign(shop=None).to_csv("orders.csv", index=False)
    assert "['shop'] hold no value" in run("data")
    orders.assign(returned="no").to_csv("orders.csv", index=False)
    assert "has one value, no" in run("data")


def test_training_before_data_and_predicting_before_training_say_what_to_do(run):
    assert "fetch the data first" in run("train")
    assert "train one first" in run("predict", "orders.csv")


def test_a_model_that_misses_what_is_asked_is_not_kept(run, tmp_path):
    run("data")
    write_params(**PARAMS | {"evaluation": {"at_least": {"roc_auc": 0.999}}})
    before = files(tmp_path)
    assert "is not kept: roc_auc is" in run("train")
    assert files(tmp_path) == before


def test_a_model_that_has_learned_nothing_is_not_kept_unless_that_is_asked(run, orders, tmp_path):
    orders.assign(price=orders["price"].sample(frac=1, random_state=0).to_numpy()).to_csv("orders.csv", index=False)
    params = {"data": PARAMS["data"], "target": {"column": "price", "task": "regression"}}
    write_params(**params)
    run("data")
    assert "no better than" in run("train") and not (tmp_path / "models").exists()
    write_params(**params, evaluation={"beat_baseline": False})
    assert "The model is in" in run("train")


def test_the_key_holds_rows_together_and_is_handed_through_but_never_learned(run, orders):
    orders.assign(order=[f"{n % 50:03d}" for n in range(200)]).to_csv("orders.csv", index=False)
    write_params(**PARAMS | {"data": {"uri": "orders.csv", "key": "order", "drop": ["day"]}, "evaluation": {}})
    run("data")
    run("train")
    run("predict", "orders.csv", "--out", "answers.csv")
    answers = pd.read_csv("answers.csv", dtype="str")
    assert list(answers["order"][:2]) == ["000", "001"]
    features = json.loads(next(Path("models").glob("*/model.json")).read_text("utf-8"))["features"]
    assert "order" not in features


def test_a_model_that_misses_what_is_asked_now_fails_its_evaluation(run):
    run("data")
    run("train")
    write_params(**PARAMS | {"evaluation": PARAMS["evaluation"] | {"at_least": {"roc_auc": 0.999}}})
    assert "not at least 0.999" in run("evaluate")


def test_a_model_is_not_evaluated_on_rows_that_it_has_learned_from(run):
    run("data")
    run("train")
    write_params(**PARAMS | {"evaluation": {"held_out": 0.7}})
    assert "20 rows held out are left out, as the model has learned from them" in run("evaluate")
    write_params(**PARAMS | {"data": {"uri": "orders.csv", "drop": ["order", "day"]}})
    assert "rows held out are left out" in run("evaluate")


def test_a_model_from_before_it_was_kept_what_it_has_learned_is_not_evaluated(run, make_model):
    make_model()
    run("data")
    old = as_format_1(latest_model(Path("models")))
    old.place.rename(old.place.with_name(old.sha256[:12]))
    Path("models/latest").write_text(old.sha256[:12])
    assert "The latest model cannot be judged: its record does not say" in run("evaluate")


def test_a_folder_that_cannot_be_written_to_is_named(run, tmp_path):
    (tmp_path / "models").write_text("in the way")
    run("data")
    assert "models" in run("train")
    assert not (tmp_path / "reports").exists()


def test_rows_without_a_feature_cannot_be_predicted(run, orders):
    run("data")
    run("train")
    orders.drop(columns="shop").to_csv("fewer.csv", index=False)
    assert "no column ['shop'], which the model needs" in run("predict", "fewer.csv")
    orders.drop(columns=["returned", "day", "order"]).to_csv("enough.csv", index=False)
    assert "200 rows" in run("predict", "enough.csv")


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_other_tasks_need_other_settings_and_nothing_else(run, task):
    column = {"multiclass": "size", "regression": "price"}[task]
    write_params(**{"data": PARAMS["data"], "target": {"column": column, "task": task}})
    run("data")
    assert "The model is in" in run("train")
    assert "200 rows" in run("predict", "orders.csv")
