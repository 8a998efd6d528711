"""What is asked of a model is held against it: on all rows, in each slice, and beside always answering the same."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_settings

from {{cookiecutter.project_slug}}.core import requirements
from {{cookiecutter.project_slug}}.core.requirements import chance_of, holm, shortfalls
from {{cookiecutter.project_slug}}.errors import ProjectError

ROWS = pd.DataFrame({"returned": ["no", "yes"] * 200, "shop": ["web"] * 300 + ["mail"] * 100})


def answers(right: float, in_mail: float) -> pd.DataFrame:
    """Answers that are right for these shares of the rows."""
    rng = np.random.default_rng(0)
    is_right = rng.random(400) < np.where(ROWS["shop"] == "mail", in_mail, right)
    said = np.where(is_right, ROWS["returned"], np.where(ROWS["returned"] == "yes", "no", "yes"))
    probability = np.where(said == "yes", 0.9, 0.1)
    table = pd.DataFrame({"prediction": said})
    return table.assign(**{"probability of no": 1 - probability, "probability of yes": probability})


def asked(right: float = 0.9, in_mail: float = 0.9, baseline: float = 0.5, **evaluation) -> list[str]:
    settings = make_settings(evaluation={"slices": ["shop"]} | evaluation)
    return shortfalls(answers(right, in_mail), ROWS, {"roc_auc": baseline}, settings, seed=0)


def test_nothing_is_missed_where_all_is_reached():
    assert asked(at_least={"roc_auc": 0.8}, at_most={"brier_score": 0.2}) == []


def test_what_is_missed_on_all_rows_is_said_with_its_score():
    low, high = asked(at_least={"roc_auc": 0.99}, at_most={"brier_score": 0.01})
    assert low.startswith("roc_auc is 0.8") and low.endswith("not at least 0.99")
    assert high.startswith("brier_score is 0.1") and high.endswith("not at most 0.01")


def test_a_score_that_there_is_not_is_named():
    for where in ("at_least", "at_most", "slices_at_least", "slices_at_most"):
        with pytest.raises(ProjectError, match=r"the scores \['other'\], which there are not"):
            asked(**{where: {"other": 0.5}})


def test_a_score_that_is_not_known_reaches_nothing(monkeypatch):
    monkeypatch.setattr(requirements, "score", lambda *_: {"roc_auc": float("nan")})
    assert len(asked(at_least={"roc_auc": 0.0}, at_most={"roc_auc": 1.0})) == 3


def test_no_better_than_always_answering_the_same_is_missed_unless_that_is_not_asked():
    (said,) = asked(right=0.5, in_mail=0.5, baseline=0.6)
    assert "no better than 0.6000" in said and "beat_baseline" in said
    assert asked(right=0.5, in_mail=0.5, baseline=0.6, beat_baseline=False) == []


def test_a_slice_is_held_against_its_own_limit_with_its_size():
    (said,) = asked(in_mail=0.6, slices_at_least={"roc_auc": 0.8})
    assert said.startswith("roc_auc is 0.") and said.endswith("not at least 0.8, for shop mail (100 rows)")
    (said,) = asked(in_mail=0.6, slices_at_most={"brier_score": 0.2})
    assert said.endswith("not at most 0.2, for shop mail (100 rows)")
    assert asked(in_mail=0.6) == []


def test_a_slice_that_is_below_by_no_more_than_chance_is_not_missed():
    assert asked(in_mail=0.78, slices_at_least={"roc_auc": 0.8}) == []


@pytest.mark.parametrize("slices", [[], ["few"]])
def test_limits_that_no_slice_can_be_held_against_are_not_met(slices):
    rows = ROWS.assign(few=[f"{n // 29}" for n in range(400)])
    settings = make_settings(evaluation={"slices": slices, "slices_at_least": {"roc_auc": 0.1}})
    (said,) = shortfalls(answers(0.9, 0.9), rows, {"roc_auc": 0.5}, settings, seed=0)
    assert "cannot be told" in said


def test_slices_that_are_at_their_limit_are_seldom_found_below_it():
    wrong = 0
    for seed in range(8):
        random = np.random.default_rng(seed)
        rows = pd.DataFrame(
            {"returned": ["no", "no", "no", "yes"] * 200, "shop": np.repeat(list("abcdefghijklmnopqrst"), 40)}
        )
        found = random.random(800) < 0.5  # of those that come back, as many as are asked for
        said = pd.DataFrame({"prediction": np.where(found & (rows["returned"] == "yes"), "yes", "no")})
        said["probability of yes"] = random.random(800)
        settings = make_settings(evaluation={"slices": ["shop"], "slices_at_least": {"recall": 0.5}})
        wrong += any("recall" in line for line in shortfalls(said, rows, {"roc_auc": 0}, settings, seed))
    assert wrong <= 1  # of eight; without a look at how many there are it would be three


def test_a_slice_below_by_what_one_slice_in_twenty_is_by_chance_is_not_short_among_many(monkeypatch):
    monkeypatch.setattr(requirements, "chance_of", lambda *_: 0.04)
    alone = asked(in_mail=0.6, slices_at_least={"roc_auc": 0.8})
    assert len(alone) == 0  # two slices are looked at, one of them is below: 0.04 is read as 0.08
    monkeypatch.setattr(requirements, "chance_of", lambda *_: 0.02)
    assert len(asked(in_mail=0.6, slices_at_least={"roc_auc": 0.8})) == 1


def test_chances_are_adjusted_as_holm_says():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []


def test_the_chance_of_a_gap_follows_from_its_standard_error_and_what_is_unknown_is_no_excuse():
    drawn = pd.Series([-1.0, 1.0] * 50)
    assert chance_of(-1.645 * drawn.std(), drawn) == pytest.approx(0.05, abs=0.001)
    assert chance_of(float("nan"), drawn) == chance_of(-1.0, pd.Series([0.0] * 9)) == chance_of(-1.0, None) == 0.0
    assert chance_of(-1.0, pd.Series([0.0] * 9), least=1.0) == pytest.approx(0.159, abs=0.001)
    assert chance_of(-0.1, drawn, step=0.2) == 0.5
