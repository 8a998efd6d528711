"""Who observes hears of each answer with its ids and its key, and can neither fail nor slow one."""

import asyncio
import gc
import queue
import threading
import time
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from conftest import published
from mlserver import ModelSettings
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest
from prometheus_client import REGISTRY

import {{cookiecutter.project_slug}} as package
from {{cookiecutter.project_slug}} import discovery
from {{cookiecutter.project_slug}}.core.checking import as_table
from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.serving import observers
from {{cookiecutter.project_slug}}.serving.model_settings import MODEL_SETTINGS
from {{cookiecutter.project_slug}}.serving.observers import Observers
from {{cookiecutter.project_slug}}.serving.protocol import to_request
from {{cookiecutter.project_slug}}.serving.runtime import ModelRuntime

KEYS = ["A900", "A901", "A902", "A903", "A904"]  # which the model has not seen


@pytest.fixture
def part(tmp_path, monkeypatch):
    """part(code): a part of the package with an observer of this code."""
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / "parts")])
    monkeypatch.setattr(discovery, "folders", [str(tmp_path / "parts")])
    monkeypatch.setattr(observers, "modules", discovery.modules)

    def write(code: str, name: str) -> None:
        folder = tmp_path / "parts" / name
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("")
        (folder / "observer.py").write_text(code)

    return write


@pytest.fixture
def load():
    """load(folder): the runtime of a model in an event loop of its own, which ends with the test."""
    with asyncio.Runner() as loop:

        def call(folder) -> ModelRuntime:
            with published(folder) as place:
                runtime = ModelRuntime(ModelSettings.parse_file(str(place / MODEL_SETTINGS)))
                assert loop.run(runtime.load())
            runtime.loop = loop
            return runtime

        yield call


def ask(runtime: ModelRuntime, body: dict) -> dict:
    return runtime.loop.run(runtime.predict(InferenceRequest.model_validate(body))).model_dump(mode="json")


def with_key(body: dict, values: list) -> dict:
    return body | {"inputs": [*body["inputs"], {"name": "order", "datatype": "BYTES", "shape": [5], "data": values}]}


LISTENING = """
heard = []
def observer(environment):
    return heard.append if environment.get("LISTEN") else None
"""


def test_who_is_found_hears_of_each_answer_with_what_was_asked(load, make_model, part, monkeypatch):
    part(LISTENING, "listening_1")
    monkeypatch.setenv("LISTEN", "yes")
    folder = make_model(key="order")
    rows, runtime = folder.example(), load(folder)
    ask(runtime, with_key(to_request(rows, folder.record.features), KEYS) | {"id": "one"})
    ask(runtime, to_request(rows, folder.record.features) | {"id": "two"})
    with pytest.raises(InferenceError):
        ask(runtime, {"inputs": []})
    runtime._observers.close()
    (both,) = import_module(f"{package.__name__}.listening_1.observer").heard
    requests = pd.DataFrame(both.requests)
    assert both.sha256 == folder.sha256 and requests["seconds"].between(0, 600, inclusive="neither").all()
    assert requests["id"].tolist() == ["one"] * 5 + ["two"] * 5 and requests["row"].tolist() == [*range(5), *range(5)]
    assert abs(time.time() - requests["at"]).max() < 3600
    assert both.key == {"order": [*KEYS, *[None] * 5]}
    twice = pd.concat([rows, rows], ignore_index=True)
    pd.testing.assert_frame_equal(as_table(both.features, both.record.features), twice, check_dtype=False)
    pd.testing.assert_frame_equal(pd.DataFrame(both.answers), predict(folder.load(), twice), check_dtype=False)


def test_who_needs_nothing_or_cannot_begin_is_left_out_and_the_model_is_served(load, make_model, part):
    part(LISTENING, "listening_2")
    part("import nothing_of_this_name", "broken_1")
    part("def observer(environment): return 1 / 0", "broken_2")
    folder = make_model()
    assert observers.found() == []
    assert ask(load(folder), to_request(folder.example(), folder.record.features))["outputs"]


def unobserved() -> float:
    return REGISTRY.get_sample_value("model_rows_unobserved_total") or 0


def tell(observing: Observers, rows: int) -> None:
    observing.tell("id", 0, 0, {}, {}, {"prediction": [0] * rows})


@pytest.fixture
def observing(make_model):
    """observing(*observers): them, told of what a model has answered."""
    return lambda *observers: Observers(observers, "sha", make_model().record.model_copy(update={"features": {}}))


def test_one_that_fails_is_counted_and_keeps_nobody_else_from_hearing(observing):
    heard, before = [], unobserved()
    observing = observing(lambda answered: 1 / 0, heard.append)
    tell(observing, 3)
    tell(observing, 2)
    observing.close()
    assert [len(one.answers["prediction"]) for one in heard] == [5] and unobserved() - before == 5


def test_one_that_is_too_slow_is_not_waited_for_and_misses_what_there_is_no_room_for(observing, monkeypatch):
    monkeypatch.setattr(observers, "MOST_ROWS_WAITING", 10)
    monkeypatch.setattr(observers, "MOST_ROWS_TOLD", 1)
    heard, before, go_on = [], unobserved(), threading.Event()

    def slow(answered):
        assert go_on.wait(60)
        heard.append(len(answered.answers["prediction"]))

    observing = observing(slow)
    for rows in (4, 6, 5, 5):  # and does not wait, or this would be for ever
        tell(observing, rows)
    assert unobserved() - before == 10
    go_on.set()
    observing.close()
    assert heard == [4, 6]
    tell(observing, 10)
    assert unobserved() - before == 10  # there is room again


def test_what_is_answered_within_a_moment_is_told_at_once_and_no_later(observing, monkeypatch):
    monkeypatch.setattr(observers, "SECONDS_TOGETHER", 0.2)
    heard = queue.SimpleQueue()
    observing = observing(lambda answered: heard.put(len(answered.answers["prediction"])))
    told = []
    for rows in (1, 2, 3):
        tell(observing, rows)
    while sum(told) < 6:  # however slow this machine is
        told.append(heard.get(timeout=60))
    tell(observing, 4)
    assert heard.get(timeout=60) == 4  # though nothing comes after it


@pytest.mark.parametrize("way", ["the model is let go", "the loop just ends"])
def test_what_waits_when_the_server_ends_is_told_before(load, make_model, part, monkeypatch, way):
    monkeypatch.setattr(observers, "SECONDS_TOGETHER", 3600)
    monkeypatch.setenv("LISTEN", "yes")
    part(LISTENING, name := "ending_1" if way == "the loop just ends" else "ending_2")
    folder = make_model()
    runtime = load(folder)
    ask(runtime, to_request(folder.example(), folder.record.features))
    heard = import_module(f"{package.__name__}.{name}.observer").heard
    assert heard == []
    if way == "the loop just ends":
        runtime.loop.close()
    else:
        assert runtime.loop.run(runtime.unload())
    assert [len(one.answers["prediction"]) for one in heard] == [5]


def test_what_waits_is_nothing_for_pythons_collector(observing, monkeypatch):
    monkeypatch.setattr(observers, "MOST_ROWS_TOLD", 1)
    go_on = threading.Event()
    watching = observing(lambda answered: go_on.wait(60))
    for _ in range(3):
        watching.tell("id", 0.5, 0.1, {"x": ["a"], "n": np.array([1.0])}, {"k": [7]}, {"prediction": ["no"]})
    for _ in range(4):  # from the inner ones to the outer ones
        gc.collect()
    told = watching._told.get()
    assert told[0] == "id" and not gc.is_tracked(told)
    go_on.set()
