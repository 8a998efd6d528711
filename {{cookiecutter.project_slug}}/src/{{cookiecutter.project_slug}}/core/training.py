"""What is kept of a model beside the model itself, whatever trains it: its record, its card and its pictures."""

from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator

from ..settings import Settings
from . import pictures
from .card import model_card
from .data import features_and_target, moments
from .evaluate import judge
from .model_folder import EXAMPLE
from .predict import kind_of, predict
from .record import Learned, Record, seed_from
from .reference import reference
from .schema import Schema, of_any_value
from .schema_file import as_yaml
from .storage import as_csv, sha256

EXAMPLES = 5


def describe(
    model: BaseEstimator,
    train_rows: pd.DataFrame,
    test_rows: pd.DataFrame,
    schema: Schema,
    settings: Settings,
    origin: dict[str, Any],
) -> Record:
    """The record of a fitted model: where it comes from, what it takes and answers, how good it is on test_rows.

    schema: that of both tables. origin: as `describe_origin` says; what is drawn at random follows from its data.
    """
    X, _ = features_and_target(train_rows, settings)
    features = {str(name): schema[str(name)] for name in X}
    answers = predict(model, X)
    known: dict[str, Any] = {
        "rows": {"train": len(train_rows), "test": len(test_rows)},
        "features": features,
        "key": {name: of_any_value(schema[name]) for name in [settings.data.key] if name},
        "schema_sha256": sha256(as_yaml(schema)),
        "answers": {str(name): kind_of(column) for name, column in answers.items()},
        "learned": learned_from(train_rows, settings),
        "reference": reference(train_rows, answers, features),
        "threshold": settings.target.threshold if settings.target.task == "binary" else None,
        "classes_follow": answers.equals(predict(model, X, by_probabilities=True)),
    }
    return Record(
        **origin, **known, **judge(model, train_rows, test_rows, settings, seed_from(origin["data"]["sha256"]))
    )


def learned_from(rows: pd.DataFrame, settings: Settings) -> Learned:
    """Which rows a model has learned from: those until the newest time in these, or those on one side of a hash."""
    data = settings.data
    if data.time is None:
        columns = {name: kind_of(rows[name]) for name in ([data.key] if data.key else map(str, rows))}
        return Learned(key=data.key, columns=columns, held_out=settings.evaluation.held_out)
    newest = moments(rows[data.time]).max()
    return Learned(time=newest.tz_localize("UTC").isoformat() if isinstance(newest, pd.Timestamp) else float(newest))


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
