"""Whoever wants to know what was answered, such as a log of predictions: found in other parts, in the way of no answer.

A part observes by a module `observer` with a function of this name, which is given the environment of the server, the
only thing that a container can be told, and returns what is to be called with the answers, or None.
"""

import gc
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from ..core.checking import Columns, rows_of
from ..core.record import Record
from ..discovery import modules
from . import metrics
from .batching import joined

logger = logging.getLogger("mlserver")  # which prints what it is told
MOST_ROWS_WAITING = 100_000
MOST_ROWS_TOLD = 10_000  # at once, unless a single request has more
SECONDS_TOGETHER = 5  # in which what was answered is told at once: who writes it down writes few files
SECONDS_TO_END = 20  # a store far away is to be reached; whoever ends the server may end it sooner


@dataclass(frozen=True)
class Answered:
    """Rows that one model has answered, in the order of the answers: columns of values, all of the same length.

    sha256, record: of the model; `as_table` of the core makes tables of features and key by the types in its record.
    requests: of each row the `id` of its request, by its client or by MLServer, its place `row` in the request, `at`,
    when it was asked, in seconds since 1970, and `seconds`, how long the answer took. features: what was asked. key:
    who or what each row is about, one column or none. answers: what `predict` says.
    """

    sha256: str
    record: Record
    requests: Columns
    features: Columns
    key: Columns
    answers: Columns


# The answer to one request while it waits: id, at, seconds, and the values of features, key and answers. Tuples, as
# thousands of them wait, and Python's collector looks through everything else again and again.
Told = tuple[str, float, float, tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]
Observer = Callable[[Answered], None]


def found() -> list[Observer]:
    """The observers of the parts that are present. One that cannot begin is logged, and the model served without it."""
    observers = []
    for name in modules("observer"):
        try:
            observers.append(import_module(name).observer(os.environ))
        except Exception as error:  # whatever is wrong with it: the model is what people wait for
            logger.error(f"{name} does not observe: {type(error).__name__}: {error}")
    return [observer for observer in observers if observer is not None]


def together(sha256: str, record: Record, names: Sequence[str], told: Sequence[Told]) -> Answered:
    """The rows of these requests to a model, one after the other. names: of the columns of answers."""
    ids, at, seconds, features, keys, answers = zip(*told, strict=True)
    sizes = [len(first) for first, *_ in answers]
    requests: Columns = {
        "id": [one for one, size in zip(ids, sizes, strict=True) for _ in range(size)],
        "row": np.concatenate([np.arange(size) for size in sizes]),
        "at": np.repeat(at, sizes),
        "seconds": np.repeat(seconds, sizes),
    }
    sent = [key or ([None] * size,) for key, size in zip(keys, sizes, strict=True)] if record.key else ()
    return Answered(
        sha256,
        record,
        requests,
        features=joined_columns(record.features, features),
        key=joined_columns(record.key, sent),
        answers=joined_columns(names, answers),
    )


def joined_columns(names: Iterable[str], parts: Sequence[tuple[Any, ...]]) -> Columns:
    """The columns of several requests, each with its values in the order of these names."""
    return {name: joined([part[at] for part in parts]) for at, name in enumerate(names)}


class Observers:
    """Tells observers what was answered, in a thread of its own. What they are too slow for, or fail at, is counted."""

    def __init__(self, observers: Sequence[Observer], sha256: str, record: Record) -> None:
        """observers: each is called again and again, never twice at once. sha256, record: the model that answers."""
        self._observers, self._sha256, self._record = observers, sha256, record
        self._rows, self._lock = 0, threading.Lock()
        self._told: queue.SimpleQueue[Told | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="observers", daemon=True)
        if observers:
            self._thread.start()

    def tell(self, id: str, at: float, seconds: float, features: Columns, key: Columns, answers: Columns) -> None:
        """Let them know soon of the answer to a request, unless too much waits already. What it is: see `Answered`."""
        if not self._observers:
            return
        rows = rows_of(answers)
        with self._lock:
            if self._rows + rows > MOST_ROWS_WAITING:
                metrics.UNOBSERVED.inc(rows)
                return
            self._rows += rows
        self._names = list(answers)
        self._told.put((id, at, seconds, as_tuples(features), as_tuples(key), as_tuples(answers)))

    def _work(self) -> None:
        """Call the observers until the end."""
        more, first = True, True
        while more:
            answers, more = self._next_answers()
            if not answers:
                continue
            self._observe(answers)
            if first:
                gc.freeze()  # what they have loaded by then, the client of a store for one, stays
                first = False

    def _observe(self, answers: Sequence[Told]) -> None:
        """Tell each of them."""
        rows = sum(len(first) for *_, (first, *_) in answers)
        for observer in self._observers:
            try:
                observer(together(self._sha256, self._record, self._names, answers))
            except Exception as error:  # of somebody else's code, which must not end the others
                logger.error(f"{rows} rows could not be observed: {type(error).__name__}: {error}")
                metrics.UNOBSERVED.inc(rows)
        with self._lock:
            self._rows -= rows

    def _next_answers(self) -> tuple[list[Told], bool]:
        """What was answered within some seconds, from the next answer on; whether there may be more."""
        answers: list[Told] = []
        rows, end = 0, None
        while rows < MOST_ROWS_TOLD:
            try:
                answer = self._told.get(timeout=None if end is None else max(0, end - time.monotonic()))
            except queue.Empty:
                break
            if answer is None:
                return answers, False
            answers.append(answer)
            rows += len(answer[-1][0])
            end = end or time.monotonic() + SECONDS_TOGETHER
        return answers, True

    def close(self) -> None:
        """Let them hear of what was told, for a moment."""
        if self._thread.is_alive():
            self._told.put(None)
            self._thread.join(SECONDS_TO_END)
            if self._rows:
                logger.error(f"{self._rows} rows were answered that nobody could be told of before the end")


def as_tuples(columns: Columns) -> tuple[Any, ...]:
    """The values of each column, without lists."""
    return tuple(tuple(values) if isinstance(values, list) else values for values in columns.values())
