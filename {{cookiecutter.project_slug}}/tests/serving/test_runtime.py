"""The runtime answers what fits its model as the model does, and refuses everything else as the client's mistake."""

import asyncio
import copy
import json
import math
import time

import pandas as pd
import pytest
from conftest import published
from families import SERVED
from mlserver import ModelSettings
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest
from prometheus_client import REGISTRY

from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.serving import observers
from {{cookiecutter.project_slug}}.serving import runtime as module
from {{cookiecutter.project_slug}}.serving.model_settings import MODEL_SETTINGS, model_settings
from {{cookiecutter.project_slug}}.serving.protocol import from_response, to_request
from {{cookiecutter.project_slug}}.serving.runtime import ModelRuntime


def load_from(place):
    """The runtime of the model in this folder, loaded as MLServer does it."""
    runtime = ModelRuntime(ModelSettings.parse_file(str(place / MODEL_SETTINGS)))
    assert asyncio.run(runtime.load())
    return runtime


def load(folder):
    """The runtime of a model."""
    with published(folder) as place:
        return load_from(place)


def ask(runtime, body):
    return asyncio.run(runtime.predict(InferenceRequest.model_validate(body))).model_dump(mode="json")


def ask_together(runtime, bodies):
    """What each is answered, or the error, all of them asked at the same time."""

    async def answers():
        asked = (runtime.predict(InferenceRequest.model_validate(body)) for body in bodies)
        return await asyncio.gather(*asked, return_exceptions=True)

    return [one if isinstance(one, Exception) else one.model_dump(mode="json") for one in asyncio.run(answers())]


def example(folder):
    return folder.example(), folder.record.features


@pytest.fixture
def served(make_model):
    """A runtime and the body of a good request."""
    folder = make_model()
    return load(folder), to_request(*example(folder))


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # which would take longer to be done
@pytest.mark.parametrize(("family", "task"), SERVED)
def test_answers_are_those_of_the_model_with_its_fingerprint(make_model, family, task):
    folder = make_model(task, family=family)
    rows, features = example(folder)
    assert rows["weight"].isna().any() and rows["shop"].isna().any()
    runtime, body = load(folder), to_request(rows, features)
    answers, sha256 = from_response(ask(runtime, body))
    expected = predict(folder.load(), rows)
    pd.testing.assert_frame_equal(answers, expected, check_dtype=False)
    assert sha256 == folder.sha256
    alone = [to_request(rows.iloc[at : at + 1], features) for at in range(len(rows))]
    *answered, refused = ask_together(runtime, [*alone, body | {"inputs": body["inputs"][1:]}])
    together = pd.concat([from_response(one)[0] for one in answered], ignore_index=True)
    pd.testing.assert_frame_equal(together, expected, check_dtype=False, rtol=1e-9)
    assert isinstance(refused, InferenceError) and "lacks inputs" in str(refused)


def test_numbers_may_come_as_integers_and_without_a_second_dimension(served):
    runtime, body = served
    other = copy.deepcopy(body)
    (days,) = [tensor for tensor in other["inputs"] if tensor["name"] == "days"]
    days |= {"datatype": "INT64", "shape": [5], "data": [int(value) for value in days["data"]]}
    other["inputs"].reverse()
    assert ask(runtime, other)["outputs"] == ask(runtime, body)["outputs"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "colour"}, r"lacks inputs \['days'\] and has unknown inputs \['colour'\]"),
        ({"name": "weight"}, r"has more than one inputs \['weight'\]"),
        ({"shape": [4, 1]}, "has 5 values, but its shape says"),
        ({"shape": [5, 1, 1]}, "has 5 values, but its shape says"),
        ({"shape": [-5]}, "has 5 values, but its shape says"),
        ({"shape": [0, 1], "data": []}, "a request may have 1 to 10000"),
        ({"shape": [10_001], "data": [1.0] * 10_001}, "a request may have 1 to 10000"),
        ({"shape": [4, 1], "data": [1.0] * 4}, r"different numbers of rows: \[4, 5\]"),
        ({"datatype": "BYTES"}, "is of datatype BYTES, not one of"),
        ({"data": "12345"}, "must hold a flat list"),
        ({"data": [[1.0]] * 5}, "must hold a flat list"),
        ({"data": ["1"] * 5}, "column days: 5 rows, the first in row 0, 1, 2, 3, 4: is not a number: '1'$"),
        ({"data": [True] * 5}, "is not a number: True"),
        ({"data": [math.inf] * 5}, "is not a finite number: inf"),
        ({"data": [10**400] * 5}, r"is not a finite number: 1000*\.\.\.$"),
        ({"data": [{"a": "x" * 1000}] * 5}, r"is not a number: .*x\.\.\.$"),
        ({"name": "x" * 1000}, r"has unknown inputs \['x{60}\.\.\.'\]"),
        ({"shape": [7] * 1000}, r"its shape says \[7, 7, [7, ]*\.\.\.\."),
        ({"data": [1.0, None, 1.0, 1.0, 1.0]}, "column days: 1 rows, the first in row 1: is missing"),
        ({"data": [1.0, 1.0, 900.0, 1.0, 1.0]}, "column days: 1 rows, the first in row 2: is outside 0 to"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(served, change, message):
    runtime, body = served
    (tensor,) = [tensor for tensor in body["inputs"] if tensor["name"] == "days"]
    tensor |= change
    with pytest.raises(InferenceError, match=message):
        ask(runtime, body)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("shop", ["market"] * 5, "is not a known category: 'market'"),
        ("shop", ["x" * 1000] * 5, r"is not a known category: 'x*\.\.\.$"),
        ("shop", [1] * 5, "is not text: 1"),
        ("shop", [b"\xff"] * 5, "is not text: b"),
        ("gift", ["true"] * 5, "is neither true nor false: 'true'"),
        ("gift", [None] * 5, "column gift: 5 rows"),
    ],
)
def test_text_and_flags_are_held_to_the_schema_too(served, name, values, message):
    runtime, body = served
    (tensor,) = [tensor for tensor in body["inputs"] if tensor["name"] == name]
    tensor["data"] = values
    with pytest.raises(InferenceError, match=message):
        ask(runtime, body)


def test_more_inputs_than_the_model_takes_are_not_looked_at(served):
    runtime, body = served
    (tensor,) = [tensor for tensor in body["inputs"] if tensor["name"] == "days"]
    body["inputs"] += [tensor | {"name": f"{number}"} for number in range(20_000)]
    with pytest.raises(InferenceError, match=r"^The request has 20006 inputs\. The model takes \[[^0-9]*\]\.$"):
        ask(runtime, body)


@pytest.mark.parametrize("request_id", ["two\nlines", "ü", "x" * 201, "a b"])
def test_an_id_that_is_no_header_is_refused(served, request_id):
    runtime, body = served
    with pytest.raises(InferenceError, match="The id of a request"):
        ask(runtime, body | {"id": request_id})


def test_a_stream_answers_and_refuses_in_its_answers(served):
    runtime, body = served

    async def requests():
        yield InferenceRequest.model_validate(body)
        yield InferenceRequest(inputs=[])

    async def collect():
        return [answer async for answer in runtime.predict_stream(requests())]

    good, bad = asyncio.run(collect())
    assert good.outputs and bad.outputs == [] and "lacks inputs" in bad.parameters.error


def test_rows_and_refusals_are_counted_for_each_model(served):
    runtime, body = served
    labels = {"model": runtime.name, "sha256": ask(runtime, body)["parameters"]["sha256"]}

    def counted() -> list[float]:
        names = ("model_rows_predicted_total", "model_requests_refused_total")
        return [REGISTRY.get_sample_value(name, labels) or 0 for name in names]

    rows, refused = counted()
    ask(runtime, body)
    with pytest.raises(InferenceError):
        ask(runtime, {"inputs": []})
    assert counted() == [rows + 5, refused + 1]


def test_a_model_that_is_not_the_one_in_the_settings_is_not_loaded(make_model):
    one, other = make_model(), make_model(rows=150)
    with published(one) as place:
        (place / MODEL_SETTINGS).write_bytes(model_settings(other))
        with pytest.raises(ProjectError, match=f"is {one.sha256}, and not {other.sha256}"):
            load_from(place)


@pytest.mark.parametrize("name", ["skops.py", "__init__.py", "settings.json", "pandas/__init__.py", "more.csv"])
def test_a_folder_that_holds_anything_more_is_not_loaded(make_model, name):
    with published(make_model()) as place:
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text("")
        with pytest.raises(ProjectError, match=r"no plain files|does not list"):
            load_from(place)


def test_the_settings_describe_the_inputs_and_name_no_machine(make_model):
    settings = json.loads(model_settings(make_model()))
    assert {tensor["name"]: tensor["datatype"] for tensor in settings["inputs"]} == {
        "weight": "FP64",
        "days": "FP64",
        "shop": "BYTES",
        "price": "FP64",
        "size": "BYTES",
        "gift": "BOOL",
    }
    assert "127.0.0.1" not in json.dumps(settings) and "port" not in json.dumps(settings)


def let_go(place, body):
    """Load a model, ask it, and let it go while it answers: the answer, the seconds of that, and the longest pause."""
    runtime = ModelRuntime(ModelSettings.parse_file(str(place / MODEL_SETTINGS)))

    async def work():
        await runtime.load()
        asked = asyncio.create_task(runtime.predict(InferenceRequest.model_validate(body)))
        await asyncio.sleep(0.1)
        began, taken, pauses = time.monotonic(), 0.0, []
        going = asyncio.create_task(runtime.unload())
        while not going.done() or len(pauses) < 20:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            pauses.append(time.monotonic() - before)
            taken = time.monotonic() - began if not going.done() else taken
        return await asked, taken, max(pauses)

    return asyncio.run(work())


def test_a_model_that_hangs_is_not_waited_for_for_ever(make_model, monkeypatch):
    folder = make_model()
    answers = ModelRuntime.answers
    monkeypatch.setattr(module, "SECONDS_TO_ANSWER", 0.3)
    monkeypatch.setattr(ModelRuntime, "answers", lambda *words: time.sleep(3) or answers(*words))
    with published(folder) as place:
        answer, taken, _ = let_go(place, to_request(*example(folder)))
    assert taken < 2 and answer.outputs


def test_who_observes_for_long_holds_nobody_up_when_a_model_goes(make_model, monkeypatch):
    folder = make_model()
    monkeypatch.setattr(observers, "SECONDS_TOGETHER", 0)
    monkeypatch.setattr(observers, "SECONDS_TO_END", 1)
    monkeypatch.setattr(ModelRuntime, "find_observers", lambda _: [lambda _: time.sleep(4)])
    with published(folder) as place:
        *_, pause = let_go(place, to_request(*example(folder)))
    assert pause < 0.8
