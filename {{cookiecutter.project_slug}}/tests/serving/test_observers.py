"""Who observes hears of each answer with its ids and its key, and can neither fail nor slow one."""

import asyncio
import threading

import pandas as pd
import pytest
from conftest import published
from mlserver import ModelSettings
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest
from prometheus_client import REGISTRY

import {{cookiecutter.project_slug}} as package
from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.core.schema import Category, Integer, Text, of_any_value
from {{cookiecutter.project_slug}}.serving import observers
from {{cookiecutter.project_slug}}.serving.model_settings import MODEL_SETTINGS
from {{cookiecutter.project_slug}}.serving.observers import Answered, Observers
from {{cookiecutter.project_slug}}.serving.protocol import from_response, to_request
from {{cookiecutter.project_slug}}.serving.runtime import ModelRuntime

KEYS = ["A900", "A901", "A902", "A903", "A904"]  # which the model has not seen


@pytest.fixture
def part(tmp_path, monkeypatch):
    """part(code): a part of the package with an observer of this code."""
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / "parts")])
    monkeypatch.setattr(observers, "folders", package.__path__)

    def write(code: str, name: str) -> None:
        folder = tmp_path / "parts" / name
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("")
        (folder / "observer.py").write_text(code)

    return write


def load(folder) -> ModelRuntime:
    with published(folder) as place:
        runtime = ModelRuntime(ModelSettings.parse_file(str(place / MODEL_SETTINGS)))
        assert asyncio.run(runtime.load())
        return runtime


def ask(runtime: ModelRuntime, body: dict) -> dict:
    return asyncio.run(runtime.predict(InferenceRequest.model_validate(body))).model_dump(mode="json")


def with_key(body: dict, values: list) -> dict:
    return body | {"inputs": [*body["inputs"], {"name": "order", "datatype": "BYTES", "shape": [5], "data": values}]}


LISTENING = """
heard = []
def observer(environment):
    return heard.append if environment.get("LISTEN") else None
"""


def test_who_is_found_hears_of_each_answer_with_what_was_asked(make_model, part, monkeypatch):
    part(LISTENING, "listening_1")
    monkeypatch.setenv("LISTEN", "yes")
    folder = make_model(key="order")
    rows, runtime = folder.example(), load(folder)
    ask(runtime, with_key(to_request(rows, folder.record.features), KEYS) | {"id": "one"})
    ask(runtime, to_request(rows, folder.record.features) | {"id": "two"})
    with pytest.raises(InferenceError):
        ask(runtime, {"inputs": []})
    runtime._observers.close()
    first, second = __import__(f"{package.__name__}.listening_1.observer", fromlist=["heard"]).heard
    assert (first.id, second.id, first.sha256) == ("one", "two", folder.sha256) and 0 < first.seconds < 600
    assert first.key["order"].tolist() == KEYS and second.key.empty
    pd.testing.assert_frame_equal(first.features, rows.reset_index(drop=True), check_dtype=False)
    pd.testing.assert_frame_equal(first.answers, predict(folder.load(), rows).reset_index(drop=True))


def test_who_needs_nothing_or_cannot_begin_is_left_out_and_the_model_is_served(make_model, part):
    part(LISTENING, "listening_2")
    part("import nothing_of_this_name", "broken_1")
    part("def observer(environment): return 1 / 0", "broken_2")
    folder = make_model()
    assert observers.found() == []
    assert ask(load(folder), to_request(folder.example(), folder.record.features))["outputs"]


def unobserved() -> float:
    return REGISTRY.get_sample_value("model_rows_unobserved_total") or 0


def tell(observing: Observers, rows: int) -> None:
    tables = pd.DataFrame(), pd.DataFrame(), pd.DataFrame({"prediction": [0] * rows})
    observing.tell(rows, lambda: Answered("id", "sha", 0, 0, *tables))


def test_one_that_fails_is_counted_and_keeps_nobody_else_from_hearing():
    heard, before = [], unobserved()
    observing = Observers([lambda answered: 1 / 0, heard.append])
    tell(observing, 3)
    tell(observing, 2)
    observing.close()
    assert [len(one.answers) for one in heard] == [3, 2] and unobserved() - before == 5


def test_one_that_is_too_slow_is_not_waited_for_and_misses_what_there_is_no_room_for(monkeypatch):
    monkeypatch.setattr(observers, "MOST_ROWS_WAITING", 10)
    heard, before, go_on = [], unobserved(), threading.Event()

    def slow(answered):
        assert go_on.wait(60)
        heard.append(len(answered.answers))

    observing = Observers([slow])
    for rows in (4, 6, 5, 5):  # and does not wait, or this would be for ever
        tell(observing, rows)
    assert unobserved() - before == 10
    go_on.set()
    observing.close()
    assert heard == [4, 6]
    tell(observing, 10)
    assert unobserved() - before == 10  # there is room again


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_the_key_is_handed_through_and_is_no_feature(make_model, task):
    folder = make_model(task, key="order")
    runtime, body = load(folder), to_request(folder.example(), folder.record.features)
    assert "order" not in folder.record.features
    plain, _ = from_response(ask(runtime, body))
    answers, _ = from_response(ask(runtime, with_key(body, KEYS)))
    assert answers["order"].tolist() == KEYS and "order" not in plain
    pd.testing.assert_frame_equal(answers[list(plain)], plain)
    only, _ = from_response(ask(runtime, with_key(body, KEYS) | {"outputs": [{"name": "order"}]}))
    assert list(only) == ["order"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda body: with_key(body, [1] * 5), "column order: .* is not text: 1"),
        (lambda body: with_key(body, [*KEYS[:4], None]), "column order: 1 rows, the first in row 4: is missing"),
        (lambda body: with_key(with_key(body, KEYS), KEYS), r"The model takes \[.*\], and the key 'order' beside them"),
        (lambda body: body | {"outputs": [{"name": "order"}]}, r"unknown outputs \['order'\]"),
    ],
)
def test_a_key_that_is_none_is_refused(make_model, change, said):
    folder = make_model(key="order")
    with pytest.raises(InferenceError, match=said):
        ask(load(folder), change(to_request(folder.example(), folder.record.features)))


def test_a_model_without_a_key_takes_none(make_model):
    folder = make_model()
    with pytest.raises(InferenceError, match=r"The request has 7 inputs. The model takes \[[^]]*\]\.$"):
        ask(load(folder), with_key(to_request(folder.example(), folder.record.features), KEYS))


def test_of_a_key_only_the_type_is_asked():
    assert of_any_value(Category(missing=True, values=["a"])) == Text(missing=False)
    assert of_any_value(Integer(missing=True, min=1, max=4)) == Integer(missing=False)
