"""What stands around an estimator where it cannot be kept, or fitted, as `build` gives it."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone


def without_search(estimator: BaseEstimator) -> BaseEstimator:
    """A fitted search as the estimator that it has found; any other as it is.

    What it searched in, and judged by, is not needed to answer, and scipy's distributions would run code
    when they are loaded.
    """
    return getattr(estimator, "best_estimator_", estimator)


class Labelled(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Classes as the user wrote them, around a classifier that wants them counted from 0, as XGBoost does."""

    def __init__(self, estimator: BaseEstimator) -> None:
        """estimator: the unfitted classifier."""
        self.estimator = estimator

    def fit(self, X: pd.DataFrame, y: pd.Series) -> "Labelled":
        """Fit the classifier to the places of the classes in their order."""
        self.classes_, places = np.unique(y, return_inverse=True)
        self.estimator_ = without_search(clone(self.estimator).fit(X, places))
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """The class of each row."""
        answers: np.ndarray = self.classes_[np.asarray(self.estimator_.predict(X), dtype="int64")]
        return answers

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """The probability of each class, in the order of `classes_`."""
        answers: np.ndarray = self.estimator_.predict_proba(X)
        return answers
