"""How much of a score is chance, held against scipy's own bootstrap and against theory."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_settings
from scipy import stats
from sklearn import metrics

from {{cookiecutter.project_slug}}.core import bootstrap
from {{cookiecutter.project_slug}}.core.bootstrap import draws, interval, sample, scores_of_draws, too_few


def said(truth: np.ndarray, noise: float, seed: int = 0) -> pd.DataFrame:
    """Answers to the question whether orders come back: the truth with so much noise."""
    probability = 1 / (1 + np.exp(-(truth - 0.5 + np.random.default_rng(seed).normal(0, noise, len(truth)))))
    answers = pd.DataFrame({"prediction": np.where(probability >= 0.5, "yes", "no")})
    return answers.assign(**{"probability of no": 1 - probability, "probability of yes": probability})


def rows_of(truth: np.ndarray, **columns) -> pd.DataFrame:
    return pd.DataFrame({"returned": np.where(truth == 1, "yes", "no")} | columns)


TRUTH = (np.arange(400) % 4 == 0).astype(int)


def test_the_interval_is_that_of_scipy():
    truth = np.random.default_rng(1).normal(size=150)
    rows, answers = pd.DataFrame({"price": truth}), pd.DataFrame({"prediction": truth * 0.8 + 0.1})
    drawn = scores_of_draws(answers, rows, make_settings("regression"), 0, 1500)
    known = stats.bootstrap(
        (truth, answers["prediction"].to_numpy()),
        metrics.mean_absolute_error,
        vectorized=False,
        paired=True,
        n_resamples=3000,
        method="percentile",
        rng=np.random.default_rng(2),
    )
    error = known.standard_error
    assert drawn["mean_absolute_error"].std() == pytest.approx(error, rel=0.05)
    assert interval(drawn["mean_absolute_error"]) == pytest.approx(tuple(known.confidence_interval), abs=error / 4)


def delong(truth: np.ndarray, one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """The difference of two AUCs on the same rows and its standard error (DeLong et al., 1988)."""
    above = [np.sign(scores[truth == 1][:, None] - scores[truth == 0][None, :]) / 2 + 0.5 for scores in (one, other)]
    gap = above[0] - above[1]
    variance = gap.mean(axis=1).var(ddof=1) / gap.shape[0] + gap.mean(axis=0).var(ddof=1) / gap.shape[1]
    return gap.mean(), np.sqrt(variance)


def test_the_paired_difference_of_two_aucs_spreads_as_delong_says():
    one, other = said(TRUTH, 1.0), said(TRUTH, 1.3)
    both = [scores_of_draws(answers, rows_of(TRUTH), make_settings(), 0, 400)["roc_auc"] for answers in (one, other)]
    value, error = delong(TRUTH, *(answers["probability of yes"].to_numpy() for answers in (one, other)))
    gaps = both[0] - both[1]
    assert gaps.std() == pytest.approx(error, rel=0.15) and gaps.mean() == pytest.approx(value, abs=error / 5)


def test_the_same_seed_draws_the_same_rows_and_another_seed_others():
    first, again, other = (next(draws(rows_of(TRUTH), make_settings(), seed, 1)) for seed in (1, 1, 2))
    assert first.tolist() == again.tolist() != other.tolist()


def test_each_draw_has_as_many_rows_of_each_class():
    rows = rows_of(np.array([1, 1] + [0] * 98))
    for drawn in draws(rows, make_settings(), 0, 50):
        assert len(drawn) == 100 and (rows["returned"].iloc[drawn] == "yes").sum() == 2


def test_rows_of_one_key_are_drawn_together():
    keys = np.repeat(np.arange(40), [1, 2, 3, 4] * 10)
    rows = rows_of(np.arange(100) % 3 == 0, order=keys)
    settings = make_settings(data={"key": "order"})
    for drawn in draws(rows, settings, 0, 20):
        times = pd.Series(drawn).value_counts()
        assert (times.groupby(keys[times.index]).nunique() == 1).all()
        assert all(set(np.flatnonzero(keys == key)) <= set(drawn) for key in set(keys[drawn]))


def test_copies_of_rows_under_one_key_make_nothing_more_certain():
    rows = rows_of(TRUTH).assign(order=range(400))
    answers = said(TRUTH, 1.0)
    copies, copied = pd.concat([rows] * 10, ignore_index=True), pd.concat([answers] * 10, ignore_index=True)
    by_key = make_settings(data={"key": "order"})
    alone, together, ignored = (
        scores_of_draws(said, table, settings, 0, 300)["roc_auc"].std()
        for said, table, settings in (
            (answers, rows, by_key),
            (copied, copies, by_key),
            (copied, copies, make_settings()),
        )
    )
    assert together == pytest.approx(alone, rel=0.15) and ignored < alone / 2


def test_of_many_rows_a_sample_is_drawn_from_with_all_rows_of_each_key(monkeypatch):
    monkeypatch.setattr(bootstrap, "MOST_ROWS", 100)
    monkeypatch.setattr(bootstrap, "MOST_FOR_RARE", 120)
    keys = np.arange(400) // 2
    rows = rows_of(TRUTH, order=keys)
    some = sample(rows, make_settings(data={"key": "order"}), 0)
    assert 110 < len(some) < 130 and (some["order"].value_counts() == 2).all()
    assert some.index.tolist() != list(range(len(some)))  # and not the first ones
    shares = sample(rows, make_settings(), 0)["returned"].value_counts(normalize=True)
    assert shares["yes"] == pytest.approx(0.25, abs=0.01)
    assert len(sample(rows.head(100), make_settings(), 0)) == 100


def test_one_key_does_not_make_up_the_sample(monkeypatch):
    monkeypatch.setattr(bootstrap, "MOST_ROWS", 90)
    keys = np.concatenate([np.zeros(300), np.arange(1, 101)]).astype(int)
    settings = make_settings("regression", data={"key": "order"})
    for seed in range(5):
        some = sample(pd.DataFrame({"price": 1.0, "order": keys}), settings, seed)
        assert len(some) <= 95 and (some["order"] == 0).sum() <= 3 and some["order"].nunique() > 80


def test_where_a_class_is_rare_more_rows_are_drawn_from_up_to_a_limit():
    rows = rows_of(np.arange(300_000) % 1000 == 0)
    some = sample(rows, make_settings(), 0)
    assert len(some) == pytest.approx(20_000, abs=5) and (some["returned"] == "yes").sum() == pytest.approx(20, abs=1)
    assert len(sample(rows_of(np.arange(30_000) % 4 == 0), make_settings(), 0)) == pytest.approx(10_000, abs=5)


def test_keys_are_drawn_by_the_rarest_class_that_they_have():
    rows = rows_of(np.isin(np.arange(200), [0, 40, 80, 120, 160]), order=np.arange(200) // 4)
    settings = make_settings(data={"key": "order"})
    for drawn in draws(rows, settings, 0, 50):
        assert (rows["returned"].iloc[drawn] == "yes").sum() == 5


def test_what_is_undefined_in_too_many_draws_has_no_interval():
    numbers = pd.Series(np.arange(100.0))
    assert interval(numbers) == pytest.approx((2.475, 96.525))
    assert interval(numbers.where(numbers >= 5)) is not None and interval(numbers.where(numbers >= 6)) is None
    assert interval(pd.Series(dtype=float)) is None and interval(numbers.replace(0, np.inf)) is not None
    assert interval(numbers.where(numbers >= 6, np.inf)) is None


def test_a_class_that_is_not_there_at_all_is_too_few():
    rows = rows_of(np.zeros(50))
    assert too_few(rows, make_settings(), {"no", "yes"}) == "0 rows with 'returned' yes, fewer than 5,"
    assert too_few(rows, make_settings()) is None


def test_scores_that_go_by_the_labels_of_rows_are_right(monkeypatch):
    def of_the_surest(y, answers, settings):
        surest = answers["probability of yes"].nlargest(50).index
        return {"precision at 50": float((y.loc[surest] == "yes").mean()), "rows": float(len(y.loc[surest]))}

    monkeypatch.setattr(bootstrap, "score", of_the_surest)
    drawn = scores_of_draws(said(TRUTH, 1.0), rows_of(TRUTH), make_settings(), 0, 20)
    assert (drawn["rows"] == 50).all()


def test_a_score_that_cannot_be_told_on_a_draw_is_left_out_not_guessed(monkeypatch):
    def score(y, answers, settings):
        if len(calls) % 2:
            calls.append("raised")
            raise ValueError("one class")
        calls.append("told")
        return {"roc_auc": 0.5}

    calls: list[str] = []
    monkeypatch.setattr(bootstrap, "score", score)
    drawn = scores_of_draws(said(TRUTH, 1.0), rows_of(TRUTH), make_settings(), 0, 10)
    assert drawn["roc_auc"].isna().sum() == 5 and interval(drawn["roc_auc"]) is None


@pytest.mark.parametrize(
    ("truth", "data", "few"),
    [
        ([0, 1] * 14, {}, "28 rows, fewer than 30,"),
        ([0] * 40 + [1] * 4, {}, "4 rows with 'returned' yes, fewer than 5,"),
        ([0, 1] * 50, {"key": "order"}, "20 different 'order', fewer than 30,"),
        ([0] * 95 + [1] * 5, {}, None),
        ([0] * 80 + [1] * 20, {"key": "twins"}, "1 different 'twins' with 'returned' yes, fewer than 5,"),
    ],
)
def test_too_few_rows_or_keys_tell_nothing(truth, data, few):
    twins = np.where(np.array(truth) == 1, 0, np.arange(len(truth)))
    rows = rows_of(np.array(truth), order=np.arange(len(truth)) % 20, twins=twins)
    assert too_few(rows, make_settings(data=data)) == few
