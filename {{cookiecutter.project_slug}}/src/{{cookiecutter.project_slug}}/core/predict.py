"""What a fitted model says of rows."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator  # takes seconds to import

# In microseconds: in the finer unit that pandas takes by itself there is no room for a day in the year 9999.
EPOCH, DAY = np.datetime64(0, "us"), np.timedelta64(1, "D")


def model_input(rows: pd.DataFrame) -> pd.DataFrame:
    """The features as every model is given them, to learn and to predict: whole numbers as floats, dates as days.

    The days are those since 1970. Truths that may be missing stay in pandas' own type, which scikit-learn knows.
    """
    changed: dict[str, pd.Series] = {}
    for name, column in ((str(name), column) for name, column in rows.items()):
        if pd.api.types.is_datetime64_dtype(column):
            changed[name] = (column - EPOCH) / DAY
        elif pd.api.types.is_integer_dtype(column):
            changed[name] = column.astype("float64")
    return rows.assign(**changed) if changed else rows


def predict(model: "BaseEstimator", rows: pd.DataFrame) -> pd.DataFrame:
    """A column `prediction`, and for classes a column `probability of <class>` each; one line per row, same index."""
    rows = model_input(rows)
    answers = pd.DataFrame({"prediction": model.predict(rows)}, index=rows.index)
    if hasattr(model, "predict_proba"):
        names = [f"probability of {one}" for one in model.classes_]
        answers[names] = model.predict_proba(rows)
    return answers


def kind_of(column: pd.Series) -> str:
    """What a column of a table or of answers holds: `boolean`, `date`, `number` or `text`."""
    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    if pd.api.types.is_datetime64_dtype(column):
        return "date"
    return "number" if pd.api.types.is_numeric_dtype(column) else "text"
