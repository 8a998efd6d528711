"""A candidate and the champion are asked about the same rows, and one sentence says which is better."""

from dataclasses import replace

import pandas as pd
import pytest
from conftest import make_settings

from {{cookiecutter.project_slug}}.candidates import comparison
from {{cookiecutter.project_slug}}.candidates.comparison import Comparison, compare, read_comparison
from {{cookiecutter.project_slug}}.candidates.picture import side_by_side
from {{cookiecutter.project_slug}}.core.data import features_and_target, known_rows
from {{cookiecutter.project_slug}}.core.evaluate import evaluate
from {{cookiecutter.project_slug}}.core.fitting import fit
from {{cookiecutter.project_slug}}.core.kept_models import write_model
from {{cookiecutter.project_slug}}.core.model_folder import EXAMPLE, ModelFolder
from {{cookiecutter.project_slug}}.core.pictures import as_png
from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.core.record import Learned
from {{cookiecutter.project_slug}}.core.schema import Category, Number
from {{cookiecutter.project_slug}}.core.split import split


def settings(task="binary", **evaluation):
    known = {"slices": ["shop"], "held_out": 0.6}
    return make_settings(task, data={"drop": ["order", "day"]}, evaluation=known | evaluation)


@pytest.fixture
def table(orders) -> pd.DataFrame:
    """The rows that a candidate is made from, as `make_model` trains on such."""
    return known_rows(orders.assign(gift=orders["days"] > 7), settings())


@pytest.fixture
def held_out(table) -> pd.DataFrame:
    """Those of them that it is judged on."""
    return split(table, settings())[1]


def fair(folder: ModelFolder, **known) -> ModelFolder:
    """The model, as if it had learned from none of the rows that are held out."""
    learned = folder.record.learned.model_copy(update={"held_out": 0.6})
    return replace(folder, record=folder.record.model_copy(update={"learned": learned} | known))


@pytest.fixture
def compared(table, tmp_path):
    """compared(candidate, champion): their comparison, which is kept in tmp_path/out."""

    def call(candidate: ModelFolder, champion: ModelFolder | None, task: str = "binary", **more) -> Comparison:
        return compare(
            candidate, champion, table, settings(task), tmp_path / "out", **{"absent": comparison.NO_CHAMPION} | more
        )

    return call


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_both_are_scored_on_all_rows_held_out_and_by_slice(make_model, held_out, compared, tmp_path, task):
    champion, candidate = fair(make_model(task, rows=100)), make_model(task)
    found = compared(candidate, champion, task)
    X, y = features_and_target(held_out, settings(task))
    for folder, judged in ((candidate, found.candidate), (champion, found.champion)):
        assert judged.sha256 == folder.sha256
        assert judged.scores == evaluate(folder.load(), X, y, settings(task))
        assert {line["value"] for line in judged.slices} <= {"web", "mail", "store"}
    assert (found.changed is None) == (task == "regression") and found.rows == len(held_out) and not found.learned
    score = next(iter(found.candidate.scores))
    value = found.candidate.scores[score] - found.champion.scores[score]
    assert found.difference.value == pytest.approx(value) and found.difference.score == score
    assert (
        found.difference.low <= value <= found.difference.high
        and f"{value:+.4f} (95 %: " in found.verdict
        and f"on {len(held_out)} rows" in found.verdict
    )
    assert found.metrics()["difference/low"] == found.difference.low
    assert read_comparison(tmp_path / "out") == found
    assert (tmp_path / "out" / comparison.PICTURE).read_bytes().startswith(b"\x89PNG")
    shown = comparison.as_table(found).splitlines()
    assert len(shown) == 1 + len(found.candidate.scores) + len(found.candidate.slices)
    assert "champion" in shown[0]


def test_a_model_beside_itself_is_not_worse_and_not_better(make_model, compared):
    found = compared(make_model(), fair(make_model()))
    assert found.changed == 0 and found.outcome == "not worse"
    assert (found.difference.low, found.difference.value, found.difference.high) == (0, 0, 0)


def test_the_same_data_give_the_same_verdict(make_model, compared):
    models = make_model(rows=100), fair(make_model())
    assert compared(*models) == compared(*models)


def test_rows_that_the_champion_has_learned_are_left_out_and_counted(make_model, held_out, compared):
    days = sorted(held_out["day"])
    learned = Learned(time=f"{days[39]}T00:00:00+00:00")
    champion = fair(make_model(rows=100))
    known = {"learned": learned, "settings": champion.record.settings | {"data": {"time": "day"}}}
    found = compared(make_model(), replace(champion, record=champion.record.model_copy(update=known)))
    assert found.learned == 40 and found.rows == found.difference.rows == len(days) - 40
    assert "40 rows held out are left out" in found.verdict


def test_on_too_few_rows_nothing_is_judged_but_both_are_shown(make_model, held_out, compared):
    days = sorted(held_out["day"])
    champion = fair(make_model(rows=100))
    known = {"learned": Learned(time=days[-10]), "settings": champion.record.settings | {"data": {"time": "day"}}}
    found = compared(make_model(), replace(champion, record=champion.record.model_copy(update=known)))
    assert found.outcome == "not judged" and found.difference is None and found.metrics() == {}
    assert "9 rows, fewer than 30, are left" in found.verdict and found.champion and found.rows == len(days)


@pytest.mark.parametrize("learned", [None, Learned()])
def test_the_first_comparison_after_an_upgrade_is_not_judged(make_model, compared, learned):
    found = compared(make_model(), fair(make_model(rows=100), learned=learned))
    assert found.outcome == "not judged" and "does not say which rows it has learned from" in found.verdict
    assert found.champion and "the champion's" in found.verdict


def test_the_draws_follow_from_the_data_of_the_candidate(make_model, compared):
    champion, candidate = fair(make_model(rows=100)), make_model()
    data = candidate.record.data.model_copy(update={"sha256": "f" * 64})
    other = replace(candidate, record=candidate.record.model_copy(update={"data": data}))
    one, two = (compared(model, champion).difference for model in (candidate, other))
    assert one.value == two.value and (one.low, one.high) != (two.low, two.high)


def test_why_there_is_no_champion_is_said(make_model, compared):
    found = compared(make_model(), None, absent="its files are gone")
    assert found.verdict.endswith("; its files are gone.") and found.why == "its files are gone"


def test_without_a_champion_the_candidate_stands_alone(make_model, compared):
    found = compared(make_model(), None)
    assert found.champion is None and found.changed is None and comparison.NO_CHAMPION in found.verdict
    assert "champion" not in comparison.as_table(found).splitlines()[0]


@pytest.mark.parametrize(
    "change",
    [
        {"target": {"column": "size"}},
        {"target": {"column": "returned", "task": "binary", "positive": True}},
        {"features": {"gone": Number(missing=False)}},
        {"features": {"days": Category(values=["1"], missing=False)}},
    ],
)
def test_a_champion_that_answers_another_question_is_not_asked(make_model, compared, change):
    champion = make_model(rows=100)
    record = champion.record
    known = {"settings": record.settings | {"target": change.get("target", record.settings["target"])}}
    known |= {"features": record.features | change.get("features", {})}
    found = compared(make_model(), fair(champion, **known))
    assert found.champion is None and comparison.STRANGE_CHAMPION in found.verdict and found.outcome == "not judged"


def test_another_threshold_is_no_other_question(make_model, compared):
    champion = make_model(rows=100)
    target = {name: value for name, value in champion.record.settings["target"].items() if name != "threshold"}
    found = compared(make_model(), fair(champion, settings=champion.record.settings | {"target": target}))
    assert found.champion is not None


def test_a_champion_that_does_not_know_a_class_is_not_asked(make_model, orders, compared, tmp_path):
    candidate, asked = make_model("multiclass"), settings("multiclass")
    rows = orders.assign(gift=orders["days"] > 7)
    known = fit(*features_and_target(rows[rows["size"] != "medium"], asked), asked)
    champion = write_model(known, candidate.record, {EXAMPLE: b""}, tmp_path / "of two classes")
    found = compared(candidate, champion, "multiclass")
    assert found.champion is None and comparison.STRANGE_CHAMPION in found.verdict


def test_a_champion_is_asked_about_a_column_that_the_candidate_does_without(make_model, table, compared, tmp_path):
    champion, asked = fair(make_model(rows=100)), make_settings(data={"drop": ["order", "day", "days", "gift"]})
    features = {name: champion.record.features[name] for name in features_and_target(table, asked)[0]}
    record = champion.record.model_copy(update={"features": features})
    known = fit(*features_and_target(table, asked), asked)
    candidate = write_model(known, record, {EXAMPLE: b""}, tmp_path / "of fewer columns")
    assert "days" not in features and compared(candidate, champion).champion is not None


def test_a_score_that_is_not_known_is_drawn_as_a_gap(make_model, held_out, compared):
    model = make_model()
    found = compared(model, None).model_dump()
    found["candidate"] |= {"scores": {"roc_auc": float("nan")}, "slices": []}
    answers = {"candidate": predict(model.load(), held_out[list(model.record.features)])}
    assert as_png(side_by_side(found, answers))
