"""Rows that wait at the same time are answered together: a model takes hardly longer for many rows than for one."""

import asyncio
import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ..core.checking import Columns, rows_of

MOST_ROWS, MOST_TOGETHER = 10_000, 64  # rows, unless a single request has more, and requests that are answered at once
ROUNDS = 5  # of the event loop, in which a request that is here is read to its end
SHORT = 0.05  # seconds for which everything else may wait: a thread for less costs more than it brings


class Batching:
    """Asks a model one batch after the other; what takes long, in a thread of its own, so that nothing else waits.

    A request goes with the next batch: with those that have come while the one before was answered, and at once where
    there are none. Each has been checked before, so none can spoil the answers of another.
    """

    def __init__(self, answer: Callable[[Columns], Columns]) -> None:
        """answer: what the model says of the rows in these columns, in their order."""
        self._answer = answer
        self._waiting: list[tuple[Columns, asyncio.Future[Columns]]] = []
        self._working: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._seconds, self._rows = SHORT, 1  # what the last batch took; of the first it is not known

    async def answer(self, asked: Columns) -> Columns:
        """The answers to the rows in these columns. Raises what the model raises."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Columns] = loop.create_future()
        self._waiting.append((asked, answered))
        if self._working is None or self._working.done():
            self._working = loop.create_task(self._work())
        return await answered

    async def _work(self) -> None:
        """Answer all that wait, and those that come in the meantime."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            await self._all_who_are_here()
            batch = self._next_batch()
            requests = [asked for asked, _ in batch]
            if self._is_short(requests):
                found = self._answer_all(requests)
            else:
                found = await loop.run_in_executor(self._thread, self._answer_all, requests)
            for (_, answered), answer in zip(batch, found, strict=True):
                if answered.done():  # whoever asked has gone
                    continue
                if isinstance(answer, Exception):
                    answered.set_exception(answer)
                else:
                    answered.set_result(answer)

    async def _all_who_are_here(self) -> None:
        """Return when nobody more has come to wait for some rounds of the event loop, or enough have."""
        rounds, count = 0, 0
        while rounds < ROUNDS and count < MOST_TOGETHER:
            rounds, count = (rounds + 1 if len(self._waiting) == count else 0), len(self._waiting)
            await asyncio.sleep(0)

    def _is_short(self, requests: list[Columns]) -> bool:
        """Whether these will be answered in a moment, as far as the last ones tell."""
        return self._seconds * max(1, sum(map(rows_of, requests)) / self._rows) < SHORT

    def _next_batch(self) -> list[tuple[Columns, "asyncio.Future[Columns]"]]:
        """Those that have waited longest, as many as may be answered together, and one at the least."""
        rows, count = 0, 0
        for asked, _ in self._waiting:
            rows += rows_of(asked)
            if count == MOST_TOGETHER or (count and rows > MOST_ROWS):
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    def _answer_all(self, requests: list[Columns]) -> list[Columns | Exception]:
        """The answers to each of these; where all together fail, each by itself, so that others are answered."""
        began, sizes = time.perf_counter(), [rows_of(asked) for asked in requests]
        try:
            answers = self._answer({name: joined([asked[name] for asked in requests]) for name in requests[0]})
            self._seconds, self._rows = time.perf_counter() - began, sum(sizes)
        except Exception as error:  # whatever the model raises is for whoever asked
            return [error] if len(requests) == 1 else [self._answer_all([asked])[0] for asked in requests]
        ends = itertools.accumulate(sizes)
        return [
            {name: values[end - size : end] for name, values in answers.items()}
            for size, end in zip(sizes, ends, strict=True)
        ]

    def close(self) -> None:
        """Take no more requests."""
        self._thread.shutdown(wait=False)


def joined(parts: list[Any]) -> Any:
    """The values of a column of several requests. Numbers that all are floats come as arrays, all others as lists."""
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    return [value for part in parts for value in part]
