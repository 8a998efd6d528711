"""Fit a model, and judge it on rows it has not seen: as a whole, by slice, and against what was asked of it."""

from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline, make_pipeline

from ..errors import ProjectError
from ..settings import Settings
from .features import prepare_columns
from .model import build, score
from .predict import model_input, predict

FEWEST_IN_A_SLICE = 30


def fit(X: pd.DataFrame, y: pd.Series, params: Settings) -> Pipeline:
    """The preparation of the columns and the estimator as one fitted model."""
    X = model_input(X)
    return make_pipeline(prepare_columns(X), build(params)).fit(X, y)


def evaluate(model: BaseEstimator, X: pd.DataFrame, y: pd.Series, params: Settings) -> dict[str, float]:
    """The scores of the model on these rows."""
    return score(y, predict(model, X), params)


def evaluate_slices(
    model: BaseEstimator, rows: pd.DataFrame, X: pd.DataFrame, y: pd.Series, params: Settings
) -> pd.DataFrame:
    """The scores by the values of the columns under evaluation.slices, with the number of rows.

    rows: the table that X and y were taken from, with the same index. A slice with few rows, or in which a class of the
    target does not occur, has no scores worth the name and is left out.
    """
    fewest_values = 2 if params.target.task == "regression" else y.nunique()
    lines = []
    for column in params.evaluation.slices:
        for value, index in rows.groupby(column, dropna=False).groups.items():
            if len(index) < FEWEST_IN_A_SLICE or y[index].nunique() < fewest_values:
                continue
            scores = evaluate(model, X.loc[index], y[index], params)
            lines.append({"slice": column, "value": name_of(value), "rows": len(index)} | scores)
    return pd.DataFrame(lines, columns=None if lines else ["slice", "value", "rows"])


def name_of(value: Any) -> str:
    """What a slice of the rows with this value is called."""
    if pd.isna(value):
        return "(missing)"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def shortfalls(scores: dict[str, float], params: Settings) -> list[str]:
    """One line for each score that misses evaluation.at_least or at_most. Raises ProjectError on a wrong name."""
    wanted = params.evaluation.at_least.keys() | params.evaluation.at_most.keys()
    if unknown := sorted(wanted - scores.keys()):
        raise ProjectError(f"params.yaml asks for the scores {unknown}, which there are not: {list(scores)}.")
    low = [f"{n} is {scores[n]:.4f}, not at least {v}" for n, v in params.evaluation.at_least.items() if scores[n] < v]
    high = [f"{n} is {scores[n]:.4f}, not at most {v}" for n, v in params.evaluation.at_most.items() if scores[n] > v]
    return low + high
