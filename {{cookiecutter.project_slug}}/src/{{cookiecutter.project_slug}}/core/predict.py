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


def predict(model: "BaseEstimator", rows: pd.DataFrame, by_probabilities: bool = False) -> pd.DataFrame:
    """A column `prediction`, and for classes a column `probability of <class>` each; one line per row, same index.

    by_probabilities: whether the classes of this model are known to be those of `classes_by`, so that it is asked once.
    """
    rows = model_input(rows)
    if not hasattr(model, "predict_proba"):
        return pd.DataFrame({"prediction": model.predict(rows)}, index=rows.index)
    probabilities = (without_threshold(model) if by_probabilities else model).predict_proba(rows)
    prediction = classes_by(probabilities, model) if by_probabilities else np.ravel(model.predict(rows))
    answers = pd.DataFrame({"prediction": prediction}, index=rows.index)
    if len(model.classes_) > 2:  # some have only the seven digits of 32 bits, and are less than one by that
        probabilities = probabilities / probabilities.sum(axis=1, keepdims=True, dtype="float64")
    answers[[f"probability of {one}" for one in model.classes_]] = probabilities.astype("float64")
    return answers


def without_threshold(model: "BaseEstimator") -> "BaseEstimator":
    """What is inside a model that knows a threshold: it gives the same probabilities, sooner. Any other as it is."""
    return getattr(getattr(model, "estimator_", None), "estimator", model)


def classes_by(probabilities: np.ndarray, model: "BaseEstimator") -> np.ndarray:
    """The class of each row by its probabilities: the most probable or, where there is one, by the threshold."""
    classes = np.asarray(model.classes_)
    if not hasattr(model, "threshold"):
        at = probabilities.argmax(axis=1)
    else:
        positive = classes.tolist().index(model.pos_label)
        at = np.where(probabilities[:, positive] >= model.threshold, positive, 1 - positive)
    found: np.ndarray = classes[at]
    return found


def kind_of(column: pd.Series) -> str:
    """What a column of a table or of answers holds: `boolean`, `date`, `number` or `text`."""
    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    if pd.api.types.is_datetime64_dtype(column):
        return "date"
    return "number" if pd.api.types.is_numeric_dtype(column) else "text"
