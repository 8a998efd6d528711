"""Somebody who calls the service all the time, and writes down which model answers, or that nobody does."""

import itertools
import threading
import time
from dataclasses import dataclass
from typing import Self

import pandas as pd

from {{cookiecutter.project_slug}}.core.schema import Schema
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.serving.client import ask

SECONDS_BETWEEN = 0.1


@dataclass(frozen=True)
class Period:
    """From when to when (in seconds) one model answered, or nobody, and how many calls that was."""

    begin: float
    end: float
    sha256: str | None
    calls: int


@dataclass(frozen=True)
class Call:
    """When (in seconds from the first), which model answered, and with which number; None where nobody did."""

    second: float
    sha256: str | None
    answer: float | None


class Caller(threading.Thread):
    """Asks about one row, again and again, until told to stop."""

    def __init__(self, url: str, row: pd.DataFrame, features: Schema) -> None:
        """row: a table with one line. features: the columns to send."""
        super().__init__(daemon=True)
        self.calls: list[Call] = []
        self._question, self._done = (url, row, features), threading.Event()

    def __enter__(self) -> Self:
        """Begin to call."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop calling."""
        self._done.set()
        self.join()

    def run(self) -> None:
        """Call, note, wait."""
        begin = time.monotonic()
        while not self._done.wait(SECONDS_BETWEEN):
            second = round(time.monotonic() - begin, 3)
            try:
                answers, sha256 = ask(*self._question)
                self.calls.append(Call(second, sha256, number_in(answers)))
            except ProjectError:
                self.calls.append(Call(second, None, None))


def number_in(answers: pd.DataFrame) -> float | None:
    """What can be drawn of an answer: the probability of the last class, or the predicted number."""
    number = pd.to_numeric(answers.iloc[0, -1:], errors="coerce").iloc[0]
    return None if pd.isna(number) else float(number)


def periods(calls: list[Call]) -> list[Period]:
    """The calls, taken together as long as the same model answers them; a period ends where the next begins."""
    grouped = [list(group) for _, group in itertools.groupby(calls, key=lambda call: call.sha256)]
    ends = [group[0].second for group in grouped[1:]] + [calls[-1].second] if calls else []
    return [Period(group[0].second, end, group[0].sha256, len(group)) for group, end in zip(grouped, ends, strict=True)]
