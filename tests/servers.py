"""Servers that a test starts: on a free port of this machine, and ended with all that they have started."""

import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from emulation.containers import free_ports
from support import own_environment, run, tool

SECONDS_TO_ANSWER = 600
NAME = "my_ml_project"


@contextmanager
def serving(*command: str, cwd: Path, log: Path, **variables: str) -> Iterator[str]:
    """A server of MLflow's, until the end; its address. The command ends before the option that names the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=cwd,
            env=own_environment() | variables,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}/health", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


def wait_until_healthy(url: str, process: subprocess.Popen, log: Path) -> None:
    """Return once there is an answer without an error; fail where the process ends, or takes far too long."""
    end = time.monotonic() + SECONDS_TO_ANSWER
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError), urllib.request.urlopen(url, timeout=SECONDS_TO_ANSWER):
            return
        time.sleep(0.5)
    raise AssertionError(f"the server does not answer:\n{log.read_text('utf-8', 'replace')}")


def stop(*processes: subprocess.Popen) -> None:
    """End processes that lead a session of their own, and what they have started in it."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.communicate()


LOGIN = """\
[mlflow]
default_permission = READ
database_uri = sqlite:///{folder}/users.db
admin_username = {user}
admin_password = {password}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""


@dataclass
class Tracking:
    """An MLflow server on this machine that asks for a name and a password."""

    url: str
    user: str
    password: str

    def ask(self, path: str, **body: object) -> dict:
        """What its own API answers."""
        login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(f"{self.url}/api/2.0/mlflow/{path}", data, headers)
        with urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER) as answer:
            return json.load(answer)

    def runs(self) -> list[tuple[str, str]]:
        """How each run ended and what asked for it, oldest first."""
        found = self.ask(f"experiments/get-by-name?experiment_name={NAME}")["experiment"]
        answer = self.ask("runs/search", experiment_ids=[found["experiment_id"]], order_by=["start_time ASC"])
        tags = [{tag["key"]: tag["value"] for tag in one["data"]["tags"]} for one in answer.get("runs", [])]
        return [(one["info"]["status"], own["trigger"]) for one, own in zip(answer["runs"], tags, strict=True)]

    def versions(self) -> int:
        """How many versions of the model there are."""
        return len(self.ask("model-versions/search").get("model_versions", []))

    def aliases(self) -> dict[str, str]:
        """The numbers of the versions that have an alias."""
        model = self.ask(f"registered-models/get?name={NAME}")["registered_model"]
        return {one["alias"]: one["version"] for one in model.get("aliases", [])}


@contextmanager
def tracking(folder: Path, user: str, password: str) -> Iterator[Tracking]:
    """Such a server, as its documentation starts one, until the end."""
    (folder / "login.ini").write_text(LOGIN.format(folder=folder, user=user, password=password), encoding="utf-8")
    command = (tool("uvx"), "--from", "mlflow[auth]>=3.10,<4", "mlflow", "server", "--app-name=basic-auth")
    stores = (f"--backend-store-uri=sqlite:///{folder}/runs.db", f"--artifacts-destination={folder}/artifacts")
    login = {"MLFLOW_AUTH_CONFIG_PATH": str(folder / "login.ini"), "MLFLOW_FLASK_SERVER_SECRET_KEY": "x"}
    how = ("--workers=1", "--host=127.0.0.1")
    with serving(*command, *stores, *how, cwd=folder, log=folder / "log", **login) as url:
        yield Tracking(url, user, password)


MAKE_SERVABLE = """
import sys
from pathlib import Path
from my_ml_project.core.kept_models import latest_model
from my_ml_project.core.model_folder import copy_files
from my_ml_project.serving.model_settings import MODEL_SETTINGS, model_settings
model, place = latest_model(Path("models")), Path(sys.argv[1])
place.mkdir()
copy_files(model, place)
(place / MODEL_SETTINGS).write_bytes(model_settings(model))
"""
TO_REQUEST = """
import json
from pathlib import Path
from my_ml_project.core.kept_models import latest_model
from my_ml_project.serving.protocol import to_request
model = latest_model(Path("models"))
print(json.dumps(to_request(model.example(), model.record.features)))
"""


class Server:
    """A running server of a model, and a request that it answers."""

    def __init__(self, port: int, good: dict, process: subprocess.Popen, log: Path) -> None:
        self.port, self.good, self.process = port, good, process
        self.ports = set(map(int, re.findall(r"running on http://[\d.]+:(\d+)", log.read_text("utf-8"))))
        self.answer = self.predict(good)

    def post(self, body: bytes, path: str = f"/v2/models/{NAME}/infer", **headers: str) -> tuple[int, bytes]:
        """The status and the body of what it answers; fails where it hangs up without an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS_TO_ANSWER)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"} | headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def predict(self, body: dict) -> list[dict]:
        status, content = self.post(json.dumps(body).encode())
        assert status == 200, content
        return json.loads(content)["outputs"]

    def refuses_or_answers(self, body: bytes, **headers: str) -> int:
        """The status, which is never the server's fault; what is refused is explained."""
        status, content = self.post(body, **headers)
        assert status == 200 or (400 <= status < 500 and content), (status, content)
        return status

    def is_as_before(self) -> bool:
        return self.predict(self.good) == self.answer


@contextmanager
def served(project: Path, log: Path, **variables: str) -> Iterator[Server]:
    """The released model of a project, served as `make serve` does it, until the end."""
    (port,) = free_ports(1)
    command, environment = [project / ".venv/bin" / NAME, "serve", "--port", str(port)], own_environment() | variables
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=project, env=environment, stdout=out, stderr=out)
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}/v2/models/{NAME}/ready", process, log)
        yield Server(port, good_request(project), process, log)
        assert process.poll() is None, "the server has died"
        assert "Traceback" not in log.read_text("utf-8")
    finally:
        process.terminate()
        process.wait()


@contextmanager
def mlserver(project: Path, folder: Path, **variables: str) -> Iterator[Server]:
    """MLServer's own command on a folder with a model, as under Seldon, in the project's environment, until the end."""
    http_port, grpc_port, metrics_port = free_ports(3)
    address = {"host": "127.0.0.1", "http_port": http_port, "grpc_port": grpc_port, "metrics_port": metrics_port}
    (folder / "settings.json").write_text(json.dumps(address | {"parallel_workers": 0, "debug": False}))
    log, command = folder / "log", [project / ".venv/bin/mlserver", "start", folder]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, env=own_environment() | variables, stdout=out, stderr=out)
    try:
        wait_until_healthy(f"http://127.0.0.1:{http_port}/v2/models/{NAME}/ready", process, log)
        yield Server(http_port, good_request(project), process, log)
    finally:
        process.terminate()
        process.wait()


def good_request(project: Path) -> dict:
    """A request that the model of the project answers."""
    return json.loads(run("uv", "run", "python", "-c", TO_REQUEST, cwd=project).stdout)
