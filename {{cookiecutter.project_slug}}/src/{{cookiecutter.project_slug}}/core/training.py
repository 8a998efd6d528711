"""What is kept of a model beside the model itself, whatever trains it: its record, its card and its pictures."""

from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator

from ..settings import Settings
from . import pictures
from .card import model_card
from .data import features_and_target, moments
from .evaluate import evaluate, evaluate_slices
from .model_folder import EXAMPLE
from .predict import kind_of, predict
from .record import Learned, Record
from .reference import reference
from .schema import Schema
from .schema_file import as_yaml
from .storage import as_csv, sha256

EXAMPLES = 5


def judge(
    model: BaseEstimator, train_rows: pd.DataFrame, test_rows: pd.DataFrame, schema: Schema, settings: Settings
) -> dict[str, Any]:
    """What the record says of a fitted model itself: its rows, what it takes and answers, its scores on test_rows.

    schema: that of both tables.
    """
    X, y = features_and_target(test_rows, settings)
    features = {str(name): schema[str(name)] for name in X}
    answers = predict(model, train_rows[list(features)])
    return {
        "rows": {"train": len(train_rows), "test": len(test_rows)},
        "features": features,
        "schema_sha256": sha256(as_yaml(schema)),
        "answers": {str(name): kind_of(column) for name, column in answers.items()},
        "scores": evaluate(model, X, y, settings),
        "slices": evaluate_slices(model, test_rows, X, y, settings).to_dict("records"),
        "learned": Learned(time=last_time(train_rows, settings)),
        "reference": reference(train_rows, answers, features),
    }


def last_time(rows: pd.DataFrame, settings: Settings) -> str | float | None:
    """The newest time in these rows, as a number or as an ISO date; None where the settings name no time."""
    if settings.data.time is None:
        return None
    newest = moments(rows[settings.data.time]).max()
    return newest.tz_localize("UTC").isoformat() if isinstance(newest, pd.Timestamp) else float(newest)


def illustrate(
    model: BaseEstimator,
    record: Record,
    train_rows: pd.DataFrame,
    test_rows: pd.DataFrame,
    settings: Settings,
) -> dict[str, bytes]:
    """The files to keep beside a model, by name: its card, its pictures, and some of test_rows to try it on.

    record: what is known of the model.
    """
    rows = pd.concat([train_rows, test_rows], ignore_index=True)
    X, y = features_and_target(test_rows, settings)
    drawn = {
        "target_balance.png": pictures.target_balance(rows[settings.target.column], settings),
        "feature_relations.png": pictures.feature_relations(*features_and_target(rows, settings), settings),
        "evaluation.png": pictures.evaluation(model, X, y, settings),
        "importance.png": pictures.importance(model, X, y, settings),
    }
    files = {name: pictures.as_png(figure) for name, figure in drawn.items()}
    return files | {"card.md": model_card(record).encode(), EXAMPLE: as_csv(X.tail(EXAMPLES))}
