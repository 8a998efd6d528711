"""What stands around an estimator where it cannot be kept, or fitted, as `build` gives it."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from ..errors import ProjectError


def without_search(estimator: BaseEstimator) -> BaseEstimator:
    """A fitted search as the estimator that it has found; any other as it is. Raises ProjectError where it found none.

    What it searched in, and judged by, is not needed to answer, and scipy's distributions would run code
    when they are loaded.
    """
    if not hasattr(estimator, "best_estimator_"):
        return estimator
    if np.isnan(estimator.best_score_):
        raise ProjectError(
            f"{type(estimator).__name__} has found nothing, since none of its scores is a number. What was printed "
            "before says why: scoring='f1', for one, takes 1 for the positive class, while 'roc_auc' takes any."
        )
    return estimator.best_estimator_


class Labelled(ClassifierMixin, BaseEstimator):
    """Classes as the user wrote them, around a classifier that wants them counted from 0, as XGBoost does."""

    def __init__(self, estimator: BaseEstimator, last: Any = None) -> None:
        """estimator: the unfitted classifier. last: the class that counts last, which of two is the positive one."""
        self.estimator, self.last = estimator, last

    def fit(self, X: Any, y: Any) -> "Labelled":
        """Fit the classifier to the places of the classes. X: n rows. y: their n classes.

        A search is replaced by what it has found, also as the parameter: that is written into the file, too.
        """
        classes, places = np.unique(y, return_inverse=True)
        order = np.argsort(classes == self.last, kind="stable")
        self.classes_ = classes[order]
        self.estimator_ = without_search(clone(self.estimator).fit(X, np.argsort(order)[places]))
        self.estimator = clone(self.estimator_)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The class of each of n rows."""
        answers: np.ndarray = self.classes_[self.estimator_.predict(X)]
        return answers

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probabilities of n rows, n by the number of classes, in the order of `classes_`."""
        answers: np.ndarray = self.estimator_.predict_proba(X)
        return answers
