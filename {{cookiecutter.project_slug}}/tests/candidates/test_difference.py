"""Whether a difference is real, on all rows and in each slice."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_settings

from {{cookiecutter.project_slug}}.candidates import difference as differences
from {{cookiecutter.project_slug}}.candidates.comparison import Difference
from {{cookiecutter.project_slug}}.candidates.difference import difference
from {{cookiecutter.project_slug}}.core import bootstrap
from {{cookiecutter.project_slug}}.errors import ProjectError

RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.normal(size=400)
ROWS = pd.DataFrame({"price": TRUTH, "shop": ["web"] * 300 + ["mail"] * 100})


def said(noise: float, in_mail: float = 0.0, seed: int = 0) -> pd.DataFrame:
    """Answers that are off by so much, in mail by more."""
    off = np.random.default_rng(seed).normal(size=400)
    return pd.DataFrame({"prediction": TRUTH + off * np.where(ROWS["shop"] == "mail", noise + in_mail, noise)})


def judged(candidate: pd.DataFrame, champion: pd.DataFrame, **evaluation) -> Difference:
    settings = make_settings("regression", evaluation={"slices": ["shop"]} | evaluation)
    return difference(candidate, champion, ROWS, settings, 0)


@pytest.mark.parametrize(
    ("low", "high", "margin", "outcome"),
    [
        (0.01, 0.03, 0.01, "better"),
        (-0.005, 0.03, 0.01, "not worse"),
        (-0.005, -0.001, 0.01, "not worse"),
        (0.0, 0.0, 0.0, "not worse"),
        (-0.02, -0.001, 0.01, "worse"),
        (-0.02, 0.03, 0.01, "cannot be told apart"),
        (-0.02, 0.0, 0.01, "cannot be told apart"),
    ],
)
def test_the_interval_and_the_margin_decide(low, high, margin, outcome):
    found = Difference(score="r2", value=(low + high) / 2, low=low, high=high, rows=100, worse_slices=[])
    assert found.outcome(margin) == outcome
    assert found.model_copy(update={"worse_slices": ["shop mail"]}).outcome(margin) == "worse"


def test_a_model_that_is_truly_better_is_and_the_other_way_round_is_worse():
    assert judged(said(0.3), said(0.5)).outcome(0.01) == "better"
    assert judged(said(0.5), said(0.3)).outcome(0.01) == "worse"


def test_two_models_of_one_kind_cannot_be_told_apart_on_few_rows():
    assert judged(said(0.6, seed=3), said(0.6, seed=4)).outcome(0.001) == "cannot be told apart"


def test_a_slice_in_which_it_is_worse_is_named_with_its_size_though_all_in_all_it_is_better():
    found = judged(said(0.3, in_mail=0.5), said(0.6))
    assert found.value > 0
    (line,) = found.worse_slices
    assert line.startswith("shop mail (-0.") and line.endswith(" on 100 rows)")


def test_a_slice_of_few_keys_is_not_judged():
    rows = ROWS.assign(order=np.where(ROWS["shop"] == "mail", np.arange(400) % 20, np.arange(400) + 20))
    evaluation = {"slices": ["shop"]}
    by_key = make_settings("regression", data={"key": "order"}, evaluation=evaluation)
    alone = make_settings("regression", evaluation=evaluation)
    both = said(0.3, in_mail=0.5), said(0.6)
    assert difference(*both, rows, by_key, 0).worse_slices == [] != difference(*both, rows, alone, 0).worse_slices


def test_a_slice_may_be_worse_by_the_margin():
    assert judged(said(0.3, in_mail=0.5), said(0.6)).worse_slices
    assert judged(said(0.3, in_mail=0.5), said(0.6), margin=1.0).worse_slices == []


def test_a_few_rows_on_which_two_models_differ_make_no_slice_worse():
    rows = pd.DataFrame(
        {"returned": ["yes"] * 20 + ["no"] * 100 + ["yes"] * 20 + ["no"] * 100, "shop": ["a"] * 120 + ["b"] * 120}
    )
    right = pd.DataFrame(
        {"prediction": rows["returned"], "probability of yes": np.where(rows["returned"] == "yes", 0.9, 0.1)}
    )
    settings = make_settings(evaluation={"slices": ["shop"], "margin": 0})
    for wrong, worse in ((4, 0), (12, 1)):
        other = right.copy()
        other.loc[other.index[:wrong], ["prediction", "probability of yes"]] = ["no", 0.01]
        with pytest.MonkeyPatch.context() as patch:
            recall = lambda y, answers, _: {"recall": float((answers["prediction"][y == "yes"] == "yes").mean())}  # noqa: E731
            patch.setattr(differences, "score", recall)
            patch.setattr(bootstrap, "score", recall)
            assert len(difference(other, right, rows, settings, 0).worse_slices) == worse


def test_slices_that_differ_by_chance_alone_are_seldom_called_worse():
    settings = make_settings("regression", evaluation={"slices": ["shop"], "margin": 0})
    wrong = 0
    for seed in range(8):
        rows = ROWS.assign(shop=np.random.default_rng(seed).choice(list("abcdefgh"), 400))
        one, other = said(0.6, seed=2 * seed + 1), said(0.6, seed=2 * seed + 2)
        wrong += bool(difference(one, other, rows, settings, 0).worse_slices)
    assert wrong <= 1


def test_a_score_that_is_not_known_is_not_judged(monkeypatch):
    monkeypatch.setattr(differences, "score", lambda *_: {"r2": float("nan")})
    with pytest.raises(ProjectError, match="r2 cannot be told"):
        judged(said(0.3), said(0.5))


def test_of_one_row_too_few_nothing_is_judged():
    settings = make_settings("regression")
    difference(said(0.3).head(30), said(0.5).head(30), ROWS.head(30), settings, 0)
    with pytest.raises(ProjectError, match="29 rows, fewer than 30, are left to judge by"):
        difference(said(0.3).head(29), said(0.5).head(29), ROWS.head(29), settings, 0)
