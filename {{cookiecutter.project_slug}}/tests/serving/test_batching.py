"""Whoever waits at the same time is answered together, each with their own answers, and nobody waits for nothing."""

import asyncio
import threading

import numpy as np
import pytest

from {{cookiecutter.project_slug}}.serving import batching
from {{cookiecutter.project_slug}}.serving.batching import Batching, joined


class Model:
    """Answers with the double of each number, and remembers what it was asked, and in which thread."""

    def __init__(self) -> None:
        self.asked, self.threads = [], []

    def __call__(self, columns: dict) -> dict:
        self.asked.append(list(columns["x"]))
        self.threads.append(threading.current_thread())
        if min(columns["x"]) < 0:
            raise ArithmeticError(f"of {len(columns['x'])} rows")
        return {"prediction": [x * 2 for x in columns["x"]]}


def rows(*numbers: float) -> dict:
    return {"x": list(numbers)}


async def together(work: Batching, *requests: dict) -> list:
    """What each of these is answered, or the error, all asked at once after a first one."""
    await work.answer(rows(0))
    answers = await asyncio.gather(*map(work.answer, requests), return_exceptions=True)
    return [one if isinstance(one, Exception) else one["prediction"] for one in answers]


@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 1, 2), (1,)])
def test_all_who_wait_are_answered_together_each_with_their_own_rows(sizes):
    model, numbers = Model(), iter(range(1, 100))
    requests = [rows(*(next(numbers) for _ in range(size))) for size in sizes]
    answers = asyncio.run(together(Batching(model), *requests))
    assert answers == [[x * 2 for x in one["x"]] for one in requests]
    assert model.asked == [[0], [x for one in requests for x in one["x"]]]


def test_those_who_come_while_the_model_answers_are_the_next_batch():
    model, entered = Model(), threading.Event()
    go_on = threading.Event()

    def slow(columns):
        if columns["x"] == [1]:
            entered.set()
            assert go_on.wait(60)  # for ever, if the event loop had to wait for it
        return model(columns)

    async def run():
        work = Batching(slow)
        first = asyncio.create_task(work.answer(rows(1)))
        while not entered.is_set():
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(work.answer(rows(x))) for x in (2, 3, 4)]
        await asyncio.sleep(0)
        go_on.set()
        return [answer["prediction"] for answer in await asyncio.gather(first, *others)]

    assert asyncio.run(run()) == [[2], [4], [6], [8]]
    assert model.asked == [[1], [2, 3, 4]]


def test_where_all_together_fail_each_is_answered_alone():
    model = Model()
    good, bad, other = asyncio.run(together(Batching(model), rows(1, 2), rows(-1), rows(3)))
    assert good == [2, 4] and other == [6] and str(bad) == "of 1 rows"


def test_no_more_rows_and_requests_than_may_be_are_answered_together(monkeypatch):
    monkeypatch.setattr(batching, "MOST_ROWS", 5)
    model = Model()
    asyncio.run(together(Batching(model), rows(1, 2, 3), rows(4, 5), rows(6), rows(*range(7)), rows(7)))
    assert [len(one) for one in model.asked] == [1, 5, 1, 7, 1]
    monkeypatch.setattr(batching, "MOST_TOGETHER", 2)
    model = Model()
    asyncio.run(together(Batching(model), *(rows(x) for x in range(5))))
    assert [len(one) for one in model.asked] == [1, 2, 2, 1]


def test_what_is_short_is_done_at_once_and_what_may_take_long_in_a_thread():
    model = Model()

    async def run():
        work = Batching(model)
        await work.answer(rows(1))  # of which nobody knows yet how long it takes
        work._seconds, work._rows = 0.01, 10
        await work.answer(rows(1))
        work._seconds, work._rows = 0.01, 10
        await work.answer(rows(*range(1000)))

    asyncio.run(run())
    assert [one is threading.main_thread() for one in model.threads] == [False, True, False]


def test_who_has_gone_is_not_waited_for():
    model = Model()

    async def run():
        work = Batching(model)
        gone, there = (asyncio.create_task(work.answer(rows(x))) for x in (1, 2))
        await asyncio.sleep(0)
        gone.cancel()
        return (await there)["prediction"], (await work.answer(rows(3)))["prediction"]

    assert asyncio.run(run()) == ([4], [6])


def test_values_are_joined_in_whatever_they_came():
    arrays = joined([np.array([1.0, np.nan]), np.array([2.0])])
    assert isinstance(arrays, np.ndarray) and arrays.tolist()[::2] == [1.0, 2.0]
    assert joined([[1, None], np.array([2.0])]) == [1, None, 2.0] and joined([["a"], ["b", None]]) == ["a", "b", None]
