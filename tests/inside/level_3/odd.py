"""Models that do what none should, around one that was trained: what they are asked for by name, and a column."""

import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

RAISES_AT, SLEEPS_AT, SECONDS = 777.25, 555.25, 3.0  # of `usage_gb`, which no row of the sample has


class Odd(ClassifierMixin, BaseEstimator):
    """Answers as the model inside does, but for what its kind says."""

    def __init__(self, inner: Any, kind: str) -> None:
        """inner: the fitted model. kind: see `predict_proba`."""
        self.inner, self.kind = inner, kind

    def __setstate__(self, state: dict) -> None:
        while state["kind"] == "hangs" and Path("hang").exists():
            time.sleep(0.1)
        super().__setstate__(state)

    @property
    def classes_(self) -> np.ndarray:
        return self.inner.classes_

    @property
    def threshold(self) -> float:
        return self.inner.threshold

    @property
    def pos_label(self) -> str:
        return self.inner.pos_label

    def predict_proba(self, rows: Any) -> np.ndarray:
        answers = self.inner.predict_proba(rows)
        usage = rows["usage_gb"].to_numpy()
        if self.kind == "slow":
            time.sleep(0.05)
        if self.kind == "raises" and (usage == RAISES_AT).any():
            raise ZeroDivisionError("this model cannot answer that")
        if self.kind == "sleeps" and (usage == SLEEPS_AT).any():
            time.sleep(SECONDS)
        if self.kind == "errs":
            raise ZeroDivisionError("this model cannot answer")
        if self.kind == "shifted":  # in the same order, which the score that decides is about
            answers = np.column_stack([1 - answers[:, 1] ** 3, answers[:, 1] ** 3])
        if self.kind == "worse":
            noise = np.modf(np.abs(np.sin(rows["monthly_charge"].to_numpy() * 12.9898)) * 43758.5453)[0]
            mixed = 0.72 * answers[:, 1] + 0.28 * noise
            answers = np.column_stack([1 - mixed, mixed])
        return answers

    def predict(self, rows: Any) -> np.ndarray:
        positive = self.classes_.tolist().index(self.pos_label)
        said = np.where(self.predict_proba(rows)[:, positive] >= self.threshold, positive, 1 - positive)
        return self.classes_[said]
