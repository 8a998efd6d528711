"""The rows by the values of some columns: for whom a model is better, and for whom worse."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ..settings import Settings
from .bootstrap import FEWEST
from .model import score


def slices_of(rows: pd.DataFrame, params: Settings) -> Iterator[tuple[dict[str, Any], pd.Index]]:
    """Each slice by the columns under evaluation.slices, its column, value and number of rows, and where these are.

    A slice with few rows, or in which a class of the target does not occur, has no scores worth the name and is left
    out.
    """
    y = rows[params.target.column]
    fewest_values = 2 if params.target.task == "regression" else y.nunique()
    for column in params.evaluation.slices:
        for value, index in rows.groupby(column, dropna=False).groups.items():
            if len(index) >= FEWEST and y[index].nunique() >= fewest_values:
                yield {"slice": column, "value": name_of(value), "rows": len(index)}, index


def evaluate_slices(answers: pd.DataFrame, rows: pd.DataFrame, params: Settings) -> pd.DataFrame:
    """The scores by slice. answers: what `predict` says of these rows, with the same index."""
    y = rows[params.target.column]
    lines = [about | score(y[index], answers.loc[index], params) for about, index in slices_of(rows, params)]
    return pd.DataFrame(lines, columns=None if lines else ["slice", "value", "rows"])


def name_of(value: Any) -> str:
    """What a slice of the rows with this value is called."""
    if pd.isna(value):
        return "(missing)"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
