"""How the rows that a model learned from were distributed: what later rows are compared with."""

import numpy as np
import pandas as pd

from .record import Numbers, Reference, Values
from .schema import Schema, type_of

BINS, MOST_VALUES = 10, 50


def reference(rows: pd.DataFrame, answers: pd.DataFrame, features: Schema) -> Reference:
    """The distribution of each feature, and of each column of the answers to the same rows.

    rows: what the model has learned from, with the columns of `features`. answers: what `predict` says of them.
    """
    return Reference(
        features={name: distribution(rows[name], rules["type"]) for name, rules in features.items()},
        answers={str(name): distribution(column, type_of(column)) for name, column in answers.items()},
    )


def distribution(column: pd.Series, kind: str) -> Numbers | Values:
    """Numbers in bins that hold a tenth of them each, everything else by its values. kind: the schema's type."""
    known, missing = column.dropna(), int(column.isna().sum())
    if kind == "number":
        numbers = known.to_numpy(dtype="float64")
        edges = np.unique(np.quantile(numbers, np.linspace(0, 1, BINS + 1))) if len(numbers) else np.array([])
        if len(edges) == 1:  # all the same: a bin of no width
            edges = np.repeat(edges, 2)
        counts, _ = np.histogram(numbers, edges) if len(edges) else (np.array([], int), None)
        return Numbers(edges=edges.tolist(), counts=counts.tolist(), missing=missing)
    counted = known.astype(str).value_counts()
    listed = counted.head(MOST_VALUES) if kind != "text" else counted.head(0)  # text is seldom the same twice
    return Values(
        counts={str(value): int(count) for value, count in sorted(listed.items())},
        other=int(counted.sum() - listed.sum()),
        missing=missing,
    )
