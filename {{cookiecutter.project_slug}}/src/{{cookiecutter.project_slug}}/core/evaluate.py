"""Judge a model on rows it has not seen: as a whole, by slice, and beside one that knows nothing."""

from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor

from ..settings import Settings
from .bootstrap import interval, sample, scores_of_draws, too_few
from .data import features_and_target
from .fitting import with_threshold
from .model import score
from .predict import predict
from .record import Scores
from .requirements import shortfalls
from .slices import evaluate_slices

SPREAD_DRAWS = 200


def evaluate(model: BaseEstimator, X: pd.DataFrame, y: pd.Series, params: Settings) -> Scores:
    """The scores of the model on these rows."""
    return score(y, predict(model, X), params)


def baseline(train_rows: pd.DataFrame, test_rows: pd.DataFrame, params: Settings) -> Scores:
    """The scores on test_rows of always answering the same: the shares of the classes in train_rows, or their mean."""
    X, y = features_and_target(train_rows, params)
    dummy = DummyRegressor() if params.target.task == "regression" else DummyClassifier(strategy="prior")
    model = dummy.fit(X, y)
    model = with_threshold(model, X, y, params) if params.target.task == "binary" else model
    return evaluate(model, *features_and_target(test_rows, params), params)


def judge(
    model: BaseEstimator, train_rows: pd.DataFrame, test_rows: pd.DataFrame, params: Settings, seed: int
) -> dict[str, Any]:
    """What the record says of how good a model is: scores, spread, baseline, slices, and what it misses.

    seed: of all that is drawn at random.
    """
    X, y = features_and_target(test_rows, params)
    answers, without = predict(model, X), baseline(train_rows, test_rows, params)
    scores, drawn, some = score(y, answers, params), pd.DataFrame(), sample(test_rows, params, seed)
    if not too_few(some, params):
        drawn = scores_of_draws(answers, some, params, seed, SPREAD_DRAWS)
    return {
        "scores": scores,
        "spread": {name: interval(drawn[name]) if name in drawn else None for name in scores},
        "baseline": without,
        "slices": evaluate_slices(answers, test_rows, params).to_dict("records"),
        "missed": shortfalls(answers, test_rows, without, params, seed),
    }
