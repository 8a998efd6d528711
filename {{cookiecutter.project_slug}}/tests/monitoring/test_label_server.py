"""Labels over HTTP: from whoever has the token, and from nobody else."""

import asyncio
import json
import threading
import urllib.error
import urllib.request

import pytest
from conftest import make_settings
from logs import rows_in

from {{cookiecutter.project_slug}}.core.schema import Category, Text
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.monitoring.label_server import application
from {{cookiecutter.project_slug}}.monitoring.parts import Parts
from {{cookiecutter.project_slug}}.monitoring.policy import Policy
from {{cookiecutter.project_slug}}.serving.app import Server, listening
from {{cookiecutter.project_slug}}.serving.server import HERE, free_port

TOKEN = "a long secret of somebody"
SCHEMA = {"order": Text(missing=False), "returned": Category(missing=False, values=["no", "yes"])}
GOOD = {"labels": [{"order": "A1", "returned": "yes"}, {"prediction_id": "a", "returned": "no"}]}


@pytest.fixture
def settings(tmp_path):
    return make_settings(data={"key": "order"}, state={"labels": str(tmp_path / "labels")})


@pytest.fixture
def post(settings):
    """post(body): the status and the answer."""
    port = free_port()
    server = Server(listening(application(settings, SCHEMA, Policy(), TOKEN), HERE, port))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        thread.join(0.01)

    def call(body: object, authorization: str = f"Bearer {TOKEN}") -> tuple[int, dict]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": authorization}
        try:
            with urllib.request.urlopen(
                urllib.request.Request(f"http://{HERE}:{port}/labels", content, headers)
            ) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    yield call
    server.should_exit = True
    thread.join()


def test_labels_are_taken_each_time(post, settings):
    assert post(GOOD) == (200, {"taken": 2, "said": "2 labels taken"})
    assert post(GOOD)[0] == 200  # whoever got no answer may send them again: the last to come count
    assert len(rows_in(Parts(settings.state.labels))) == 4


def test_a_store_that_refuses_is_not_the_senders_mistake(post, settings, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Parts, "add", lambda *arguments: 1 / 0)
        status, answer = post(GOOD)
    assert status == 503 and "send them again" in answer["error"] and settings.state.labels not in answer["error"]
    assert post(GOOD)[0] == 200


@pytest.mark.parametrize("authorization", ["", "Bearer", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer é"])
def test_nobody_else_gets_in(post, settings, authorization):
    status, answer = post(GOOD, authorization.encode().decode("latin-1"))
    assert status == 401 and "token" in answer["error"] and rows_in(Parts(settings.state.labels)) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"no json", "is not JSON"),
        (b"[]", "must be a JSON object"),
        ({}, "a list `labels` of objects"),
        ({"labels": []}, "a list `labels` of objects"),
        ({"labels": ["yes"]}, "a list `labels` of objects"),
        ({"labels": [{"order": "A1"}]}, "no column 'returned'"),
        ({"labels": [{"order": "A1", "returned": "maybe"}]}, "row 0: is not a known category: 'maybe'"),
        ({"labels": [{"order": ["A1"], "returned": "yes"}]}, "is not text"),
        ({"labels": [{"order": {"a": 1}, "returned": "yes"}]}, "is not text"),
        ({"labels": [{"order": "A1", "returned": "yes", "time": 5}]}, "is no time in ISO 8601"),
        ({"labels": [{"order": "A1", "returned": "yes", "time": "9999-12-31"}]}, "is no time in ISO 8601"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(post, settings, body, said):
    status, answer = post(body)
    assert status == 400 and said in answer["error"] and rows_in(Parts(settings.state.labels)) == []


def test_a_token_that_can_be_guessed_is_refused(settings):
    with pytest.raises(ProjectError, match="LABELS_TOKEN must be a secret of at least 16"):
        application(settings, SCHEMA, Policy(), "short")
