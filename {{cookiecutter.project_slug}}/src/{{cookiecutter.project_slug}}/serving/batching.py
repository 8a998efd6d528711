"""Rows that wait at the same time are answered together: a model takes hardly longer for many rows than for one."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pandas as pd

MOST_ROWS, MOST_TOGETHER = 10_000, 64  # rows, unless a single request has more, and requests that are answered at once
ROUNDS = 5  # of the event loop, in which a request that is here is read to its end
SHORT = 0.05  # seconds for which everything else may wait: a thread for less costs more than it brings


class Batching:
    """Asks a model one batch after the other; what takes long, in a thread of its own, so that nothing else waits.

    A request goes with the next batch: with those that have come while the one before was answered, and at once where
    there are none. Each table has been checked before, so none can spoil the answers of another.
    """

    def __init__(self, answer: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
        """answer: what the model says of a table, one line per row, in their order."""
        self._answer = answer
        self._waiting: list[tuple[pd.DataFrame, asyncio.Future[pd.DataFrame]]] = []
        self._working: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._seconds, self._rows = SHORT, 1  # what the last batch took; of the first it is not known

    async def answer(self, table: pd.DataFrame) -> pd.DataFrame:
        """The answers to the rows of a table. Raises what the model raises."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[pd.DataFrame] = loop.create_future()
        self._waiting.append((table, answered))
        if self._working is None or self._working.done():
            self._working = loop.create_task(self._work())
        return await answered

    async def _work(self) -> None:
        """Answer all that wait, and those that come in the meantime."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            await self._all_who_are_here()
            batch = self._next_batch()
            tables = [table for table, _ in batch]
            if self._is_short(tables):
                found = self._answer_all(tables)
            else:
                found = await loop.run_in_executor(self._thread, self._answer_all, tables)
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

    def _is_short(self, tables: list[pd.DataFrame]) -> bool:
        """Whether these tables will be answered in a moment, as far as the last ones tell."""
        return self._seconds * max(1, sum(map(len, tables)) / self._rows) < SHORT

    def _next_batch(self) -> list[tuple[pd.DataFrame, "asyncio.Future[pd.DataFrame]"]]:
        """Those that have waited longest, as many as may be answered together, and one at the least."""
        rows, count = 0, 0
        for table, _ in self._waiting:
            rows += len(table)
            if count == MOST_TOGETHER or (count and rows > MOST_ROWS):
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    def _answer_all(self, tables: list[pd.DataFrame]) -> list[pd.DataFrame | Exception]:
        """The answers to each of these tables; where all together fail, each by itself, so that others are answered."""
        began = time.perf_counter()
        try:
            answers = self._answer(tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True))
            self._seconds, self._rows = time.perf_counter() - began, len(answers)
        except Exception as error:  # whatever the model raises is for whoever asked
            return [error] if len(tables) == 1 else [self._answer_all([table])[0] for table in tables]
        ends = pd.Series([len(table) for table in tables]).cumsum()
        return [answers.iloc[end - len(table) : end] for table, end in zip(tables, ends, strict=True)]

    def close(self) -> None:
        """Take no more requests."""
        self._thread.shutdown(wait=False)
