"""How the rows that a model learned from were distributed: what later rows are compared with."""

import numpy as np
import pandas as pd

from .predict import kind_of, model_input
from .record import Numbers, Reference, Values
from .schema import Schema

BINS, MOST_VALUES = 10, 50
NUMBERS = ("number", "integer", "date")  # types that a model is given as numbers: dates as days since 1970
FEW = 20  # numbers that are so few are counted one by one: bins would hide how often each occurs


def reference(rows: pd.DataFrame, answers: pd.DataFrame, features: Schema) -> Reference:
    """The distribution of each feature, and of each column of the answers to the same rows.

    rows: what the model has learned from, with the columns of `features`. answers: what `predict` says of them.
    """
    given = model_input(rows[list(features)])
    return Reference(
        features={name: distribution(given[name], rules.type) for name, rules in features.items()},
        answers={str(name): distribution(column, answer_type(column)) for name, column in answers.items()},
    )


def distribution(column: pd.Series, kind: str) -> Numbers | Values:
    """Many numbers in bins between their deciles, everything else by its values. kind: the schema's type."""
    known, missing = column.dropna(), int(column.isna().sum())
    is_number = kind in NUMBERS
    if is_number and known.nunique() > FEW:
        numbers = known.to_numpy(dtype="float64")
        edges = np.unique(np.quantile(numbers, np.linspace(0, 1, BINS + 1)))
        return Numbers(edges=edges.tolist(), counts=np.histogram(numbers, edges)[0].tolist(), missing=missing)
    known = known.astype("float64") if is_number else known  # 1 and 1.0 are one number
    counted = known.astype(str).value_counts()
    listed = counted.head(MOST_VALUES) if kind != "text" else counted.head(0)  # text is seldom the same twice
    return Values(
        counts={str(value): int(count) for value, count in sorted(listed.items())},
        other=int(counted.sum() - listed.sum()),
        missing=missing,
    )


def answer_type(column: pd.Series) -> str:
    """The type of a column of answers: its texts are classes."""
    kind = kind_of(column)
    return "category" if kind == "text" else kind
