"""A real MLServer on a free port: it serves, answers over HTTP, says when it is asked wrongly, and stops."""

import json
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from conftest import Clock

from {{cookiecutter.project_slug}} import __name__ as package
from {{cookiecutter.project_slug}}.errors import MOST_SECONDS, ProjectError
from {{cookiecutter.project_slug}}.serving import client, health, server
from {{cookiecutter.project_slug}}.serving.client import call, smoke_test, wait_until_ready
from {{cookiecutter.project_slug}}.serving.model_settings import servable
from {{cookiecutter.project_slug}}.serving.server import free_port

RUN = "import sys; from pathlib import Path; from {{cookiecutter.project_slug}}.serving.server import run; "


@pytest.fixture
def serve(tmp_path):
    """serve(place): the URL of a server of this model."""
    running = []

    def start(place: Path) -> str:
        port = free_port()
        code = RUN + f"run(Path({str(place)!r}), {port})"
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
    with servable(folder) as place:
        url = serve(place)
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
    with pytest.raises(ProjectError, match=f"Port {port} cannot be used"):
        server.run(place, int(port))


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
