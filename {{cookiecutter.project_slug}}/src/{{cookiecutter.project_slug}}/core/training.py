"""What `train` keeps of a model beside the model itself: its record, card and pictures. The same for any pipeline."""

from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator

from ..settings import Settings
from . import pictures
from .card import model_card
from .data import features_and_target
from .evaluate import evaluate, evaluate_slices
from .schema import Schema
from .storage import as_csv

EXAMPLES = 5


def describe_model(
    model: BaseEstimator,
    train_rows: pd.DataFrame,
    test_rows: pd.DataFrame,
    schema: Schema,
    settings: Settings,
    origin: dict[str, Any],
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The record of a fitted model, and by name the files to keep beside it: its card, pictures and example rows.

    It is judged on test_rows. schema: that of both tables. origin: what `describe_origin` says.
    """
    X, y = features_and_target(test_rows, settings)
    record = origin | {
        "rows": {"train": len(train_rows), "test": len(test_rows)},
        "features": {str(name): schema[str(name)] for name in X},
        "scores": evaluate(model, X, y, settings),
        "slices": evaluate_slices(model, test_rows, X, y, settings).to_dict("records"),
    }
    rows = pd.concat([train_rows, test_rows], ignore_index=True)
    drawn = {
        "target_balance.png": pictures.target_balance(rows[settings.target.column], settings),
        "feature_relations.png": pictures.feature_relations(*features_and_target(rows, settings), settings),
        "evaluation.png": pictures.evaluation(model, X, y, settings),
        "importance.png": pictures.importance(model, X, y, settings),
    }
    files = {name: pictures.as_png(figure) for name, figure in drawn.items()}
    files["card.md"] = model_card(record).encode()
    files["example.csv"] = as_csv(X.tail(EXAMPLES))
    return record, files
