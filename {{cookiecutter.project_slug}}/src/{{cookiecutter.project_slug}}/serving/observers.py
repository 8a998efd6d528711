"""Whoever wants to know what was answered, such as a log of predictions: found in other parts, in the way of no answer.

A part observes by a module `observer` with a function of this name, which is given the environment of the server, the
only thing that a container can be told, and returns what is to be called with each answer, or None.
"""

import os
import pkgutil
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, util

import pandas as pd
from mlserver.logging import logger

from .. import __name__ as package
from .. import __path__ as folders
from ..core.checking import Columns, as_table
from ..core.record import Record
from . import metrics

MOST_ROWS_WAITING = 100_000
SECONDS_TO_END = 5


@dataclass(frozen=True)
class Answered:
    """A request that was answered, row by row in the same order: the row at place n has the id `<id>/<n>`.

    id: the request's, by its client or by MLServer. sha256: the model that answered. at: seconds since 1970.
    seconds: how long it took. features: what was asked. key: who or what each row is about, one column or none.
    answers: what `predict` says.
    """

    id: str
    sha256: str
    at: float
    seconds: float
    features: pd.DataFrame
    key: pd.DataFrame
    answers: pd.DataFrame

    @classmethod
    def read(cls, id: str, sha256: str, at: float, seconds: float, record: Record, *said: Columns) -> "Answered":
        """The same from values as they are in a request. said: features, key and answers."""
        features, key, answers = said
        tables = as_table(features, record.features), as_table(key, record.key), pd.DataFrame(answers)
        return cls(id, sha256, at, seconds, *tables)


Observer = Callable[[Answered], None]


def found() -> list[Observer]:
    """The observers of the parts that are present. One that cannot begin is logged, and the model served without it."""
    observers = []
    for part in pkgutil.iter_modules(folders):
        name = f"{package}.{part.name}.observer"
        if part.ispkg and util.find_spec(name):
            try:
                observers.append(import_module(name).observer(os.environ))
            except Exception:  # whatever is wrong with it: the model is what people wait for
                logger.exception(f"{name} does not observe")
    return [observer for observer in observers if observer is not None]


class Observers:
    """Tells observers of each answer, in a thread of its own. What they are too slow for, or fail at, is counted."""

    def __init__(self, observers: list[Observer]) -> None:
        """observers: each is called with one answer after the other, never twice at once."""
        self._observers, self._rows, self._lock = observers, 0, threading.Lock()
        self._told: queue.SimpleQueue[tuple[int, Callable[[], Answered]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="observers", daemon=True)
        if observers:
            self._thread.start()

    def tell(self, rows: int, answered: Callable[[], Answered]) -> None:
        """Let them know soon, unless too much waits already.

        rows: how many. answered: makes what each is told, in their thread.
        """
        if not self._observers:
            return
        with self._lock:
            if self._rows + rows > MOST_ROWS_WAITING:
                metrics.UNOBSERVED.inc(rows)
                return
            self._rows += rows
        self._told.put((rows, answered))

    def _work(self) -> None:
        """Call the observers until the end."""
        while (told := self._told.get()) is not None:
            rows, answered = told
            for observer in self._observers:
                try:
                    observer(answered())
                except Exception:  # of somebody else's code, which must not end the others
                    logger.exception("An observer has failed")
                    metrics.UNOBSERVED.inc(rows)
            with self._lock:
                self._rows -= rows

    def close(self) -> None:
        """Let them hear of what was told, for a moment."""
        self._told.put(None)
        if self._observers:
            self._thread.join(SECONDS_TO_END)
