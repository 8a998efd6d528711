"""What a fitted model says of rows."""

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator  # takes seconds to import


def predict(model: "BaseEstimator", rows: pd.DataFrame) -> pd.DataFrame:
    """A column `prediction`, and for classes a column `probability of <class>` each; one line per row, same index."""
    answers = pd.DataFrame({"prediction": model.predict(rows)}, index=rows.index)
    if hasattr(model, "predict_proba"):
        names = [f"probability of {one}" for one in model.classes_]
        answers[names] = model.predict_proba(rows)
    return answers
