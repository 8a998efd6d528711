"""A candidate and the champion are asked about the same rows, and one sentence says which is better."""

from dataclasses import replace

import pytest
from conftest import make_settings

from {{cookiecutter.project_slug}}.candidates import comparison
from {{cookiecutter.project_slug}}.candidates.comparison import compare, read_comparison
from {{cookiecutter.project_slug}}.core.data import features_and_target
from {{cookiecutter.project_slug}}.core.evaluate import evaluate, fit
from {{cookiecutter.project_slug}}.core.kept_models import write_model
from {{cookiecutter.project_slug}}.core.model_folder import EXAMPLE
from {{cookiecutter.project_slug}}.core.schema import Category, Number


@pytest.fixture
def rows(orders):
    """Rows to ask about, as `make_model` trains on such."""
    return orders.assign(gift=orders["days"] > 7)


def settings(task="binary", **evaluation):
    return make_settings(task, data={"drop": ["order", "day"]}, evaluation={"slices": ["shop"]} | evaluation)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_both_are_scored_on_all_rows_and_by_slice(make_model, rows, tmp_path, task):
    champion, candidate = make_model(task, rows=100), make_model(task)
    found = compare(candidate, champion, rows, settings(task), tmp_path / "out")
    X, y = features_and_target(rows, settings(task))
    for folder, judged in ((candidate, found.candidate), (champion, found.champion)):
        assert judged.sha256 == folder.sha256
        assert judged.scores == evaluate(folder.load(), X, y, settings(task))
        assert {line["value"] for line in judged.slices} == {"web", "mail", "store"}
    assert (found.changed is None) == (task == "regression") and found.rows == len(rows)
    score = next(iter(found.candidate.scores))
    better = found.candidate.scores[score] > found.champion.scores[score]
    assert found.verdict.startswith(f"Its {score} is ") and ("better than" in found.verdict) == better
    assert read_comparison(tmp_path / "out") == found
    assert (tmp_path / "out" / comparison.PICTURE).read_bytes().startswith(b"\x89PNG")
    shown = comparison.as_table(found).splitlines()
    assert len(shown) == 1 + len(found.candidate.scores) + len(found.candidate.slices)
    assert "champion" in shown[0]


def test_a_model_beside_itself_is_the_same(make_model, rows, tmp_path):
    folder = make_model()
    found = compare(folder, folder, rows, settings(), tmp_path)
    assert found.changed == 0 and "the same as the champion's" in found.verdict


def test_why_there_is_no_champion_is_said(make_model, rows, tmp_path):
    found = compare(make_model(), None, rows, settings(), tmp_path, absent="its files are gone")
    assert found.verdict.endswith("; its files are gone.")


def test_without_a_champion_the_candidate_stands_alone(make_model, rows, tmp_path):
    found = compare(make_model(), None, rows, settings(), tmp_path)
    assert found.champion is None and found.changed is None and comparison.NO_CHAMPION in found.verdict
    assert "champion" not in comparison.as_table(found).splitlines()[0]


@pytest.mark.parametrize(
    "change",
    [
        {"target": {"column": "size"}},
        {"features": {"gone": Number(missing=False)}},
        {"features": {"days": Category(values=["1"], missing=False)}},
    ],
)
def test_a_champion_that_answers_another_question_is_not_asked(make_model, rows, tmp_path, change):
    candidate, champion = make_model(), make_model(rows=100)
    record = champion.record
    known = {"settings": record.settings | {"target": change.get("target", record.settings["target"])}}
    known |= {"features": record.features | change.get("features", {})}
    other = replace(champion, record=record.model_copy(update=known))
    found = compare(candidate, other, rows, settings(), tmp_path)
    assert found.champion is None and comparison.STRANGE_CHAMPION in found.verdict


def test_a_champion_that_does_not_know_a_class_is_not_asked(make_model, rows, tmp_path):
    candidate, asked = make_model("multiclass"), settings("multiclass")
    known = fit(*features_and_target(rows[rows["size"] != "medium"], asked), asked)
    champion = write_model(known, candidate.record, {EXAMPLE: b""}, tmp_path / "of two classes")
    found = compare(candidate, champion, rows, asked, tmp_path)
    assert found.champion is None and comparison.STRANGE_CHAMPION in found.verdict


def test_what_is_asked_of_a_model_decides_before_the_champion_does(make_model, rows, tmp_path):
    found = compare(make_model(), None, rows, settings(at_least={"roc_auc": 1.0}), tmp_path)
    assert len(found.missed) == 1 and found.verdict.startswith("It misses what params.yaml asks for: roc_auc")
