"""A real MLServer on a free port: it serves, answers over HTTP, says when it is asked wrongly, and stops."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path

import pandas as pd
import pytest
from conftest import Clock

from {{cookiecutter.project_slug}} import __name__ as package
from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.errors import MOST_SECONDS, ProjectError
from {{cookiecutter.project_slug}}.serving import client, health, server
from {{cookiecutter.project_slug}}.serving.client import call, smoke_test, wait_until_ready
from {{cookiecutter.project_slug}}.serving.loopback import opened
from {{cookiecutter.project_slug}}.serving.protocol import from_response, to_request
from {{cookiecutter.project_slug}}.serving.server import free_port

READY, INFER = f"/v2/models/{package}/ready", f"/v2/models/{package}/infer"
LESS_PATIENT = "from {{cookiecutter.project_slug}}.serving import app; app.SECONDS_TO_SEND = 5; "
RUN = "from pathlib import Path; from {{cookiecutter.project_slug}}.serving.server import run; "


@pytest.fixture
def serve(tmp_path):
    """serve(place): the URL of a server of this model. first: what is to be done before it starts."""
    running = []

    def start(place: Path, first: str = "") -> str:
        port = free_port()
        code = first + RUN + f"run(Path({str(place)!r}), {port})"
        with (tmp_path / "log").open("ab") as log:
            running.append(subprocess.Popen([sys.executable, "-c", code], stdout=log, stderr=log, cwd=tmp_path))
        wait_until_ready(url := f"http://127.0.0.1:{port}", running=lambda: running[-1].poll() is None)
        return url

    yield start
    for process in running:
        process.terminate()
        assert process.wait() == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_the_model_is_served_and_whatever_is_wrong_is_noticed(make_model, serve, monkeypatch):
    folder, other = make_model(), make_model(rows=150)
    url = serve(folder.place)
    assert smoke_test(url, folder) == 5
    with pytest.raises(ProjectError, match=r"answers with the model .*, not with"):
        smoke_test(url, other)
    with monkeypatch.context() as patch, pytest.raises(ProjectError, match="does not answer as the model does"):
        patch.setattr("{{cookiecutter.project_slug}}.serving.client.predict", lambda model, rows: rows)
        smoke_test(url, folder)
    with pytest.raises(ProjectError, match=r"answers with 400: .*lacks inputs"):
        call(f"{url}/v2/models/{package}/infer", {"inputs": []})
    described = json.loads(call(f"{url}/v2/models/{package}"))
    assert [tensor["name"] for tensor in described["inputs"]] == list(folder.record.features)
    port = url.rpartition(":")[2]
    monkeypatch.setenv("MLSERVER_HTTP_PORT", port)
    health.main()
    with monkeypatch.context() as patch:
        patch.setenv("http_proxy", "http://127.0.0.1:9")  # where nobody is
        health.main()
        assert smoke_test(url, folder) == 5
    with pytest.raises(ProjectError, match=f"Port {port} cannot be used"):
        server.run(folder.place, int(port))


def test_many_at_once_get_their_own_answers_and_the_wrong_ones_their_own_errors(make_model, serve):
    folder = make_model()
    url, rows = serve(folder.place), folder.example()
    expected = predict(folder.load(), rows).reset_index(drop=True)

    def one(number: int) -> str:
        body = to_request(rows.iloc[[number % 5]], folder.record.features) | {"id": f"request-{number}"}
        if number % 4 == 3:
            body["inputs"][0]["name"] = f"wrong-{number}"
        try:
            answer = json.loads(call(url + INFER, body))
        except ProjectError as error:
            return str(error)
        assert answer["id"] == f"request-{number}"
        answers, sha256 = from_response(answer)
        pd.testing.assert_frame_equal(answers, expected.iloc[[number % 5]].reset_index(drop=True), rtol=1e-9)
        return sha256

    with ThreadPoolExecutor(32) as clients:
        for number, said in enumerate(clients.map(one, range(200))):
            if number % 4 == 3:
                assert "answers with 400" in said and f"unknown inputs ['wrong-{number}']" in said
            else:
                assert said == folder.sha256


SLOW = """
import time; from {{cookiecutter.project_slug}}.core import predict as module; at_once = module.predict
module.predict = lambda *given, **named: (open("asked", "w"), time.sleep(3), at_once(*given, **named))[2]
"""


def test_that_the_model_takes_long_keeps_nobody_from_asking_whether_it_is_ready(make_model, serve, tmp_path):
    folder = make_model()
    url = serve(folder.place, first=SLOW)
    with ThreadPoolExecutor(1) as client:
        answer = client.submit(call, url + INFER, to_request(folder.example(), folder.record.features))
        while not (tmp_path / "asked").exists():
            time.sleep(0.01)
        call(url + READY)
        assert not answer.done()
        assert json.loads(answer.result())["outputs"]


def test_hostile_clients_are_refused_and_keep_nobody_from_anything(make_model, serve):
    url = serve(make_model().place, first=LESS_PATIENT)
    only_what_clients_need_is_offered(url)
    the_page_of_a_stranger_is_refused(url)
    what_is_wrong_with_a_request_is_said_without_the_request(url)
    half_a_request_is_not_waited_for_for_ever(url)
    call(url + READY)


def only_what_clients_need_is_offered(url):
    for path in ("/v2", "/v2/health/live", "/v2/health/ready", f"/v2/models/{package}", READY):
        call(url + path)
    for path in (f"/v2/repository/models/{package}/unload", "/v2/models/another/infer", f"{INFER}_stream", "/docs"):
        with pytest.raises(ProjectError, match="answers with 404"):
            call(url + path, {})


def the_page_of_a_stranger_is_refused(url):
    for strange in ({"Host": "some.example"}, {"Origin": "https://some.example"}, {"Content-type": "text/plain"}):
        request = urllib.request.Request(url + INFER, b"{}", {"Content-type": "application/json"} | strange)
        with pytest.raises(urllib.error.HTTPError, match=r"4(03|15|21)"):
            opened(request, 60)


def what_is_wrong_with_a_request_is_said_without_the_request(url):
    word = "x" * 500_000
    with pytest.raises(ProjectError, match=r"422: .*inputs\.0\.datatype: Input should be 'BOOL'") as raised:
        call(url + INFER, {"inputs": [{"name": word, "datatype": word}] * 6, "outputs": [{}] * 100})
    assert len(str(raised.value)) < 2500


def half_a_request_is_not_waited_for_for_ever(url):
    head = f"POST {INFER} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
    body = b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    address = ("127.0.0.1", int(url.rpartition(":")[2]))
    with ExitStack() as connected:
        halves = [connected.enter_context(socket.create_connection(address, MOST_SECONDS)) for _ in range(60)]
        for number, half in enumerate(halves):
            half.sendall([b"", head, head + body][number % 3])
        call(url + READY)
        for half in halves:
            with suppress(ConnectionResetError):
                assert half.recv(1) == b""


def test_a_server_that_is_not_there_is_named(monkeypatch):
    port = free_port()
    with pytest.raises(ProjectError, match=f"{port}.* cannot be reached"):
        wait_until_ready(f"http://127.0.0.1:{port}", running=lambda: False)
    monkeypatch.setenv("MLSERVER_HTTP_PORT", str(port))
    with pytest.raises(SystemExit, match="refused"):
        health.main()


@pytest.mark.parametrize(
    ("ready", "ended", "waited"),
    [
        (MOST_SECONDS - 1, None, MOST_SECONDS - 1),  # slow, and no worse for it
        (None, 5, 5),
        (None, None, MOST_SECONDS),
    ],
)
def test_a_server_is_waited_for_as_long_as_it_lives_but_not_for_ever(monkeypatch, ready, ended, waited):
    monkeypatch.setattr(client, "time", clock := Clock())

    def call(address: str) -> None:
        if ready is None or clock.slept < ready:
            raise ProjectError("not yet")

    monkeypatch.setattr(client, "call", call)
    with nullcontext() if ready else pytest.raises(ProjectError, match="not yet"):
        wait_until_ready("http://there", running=lambda: ended is None or clock.slept < ended)
    assert clock.slept == pytest.approx(waited, abs=0.2)
