"""Level 3: what passes comes into use by itself and goes back by itself, while clients ask all the time."""

import json
import os
import random
import re
import shutil
import socket
import stat
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from statistics import median

import pytest
import yaml
from emulation.containers import free_ports
from servers import NAME, good_request
from support import INSIDE, edit, own_environment, project_command, run, volume

pytestmark = pytest.mark.real
LEVEL_3 = INSIDE.parent / "level_3"
SWAPS = min(volume(50), 300)
REQUESTS = SWAPS * 20_000 // 300
CLIENTS = 4
KINDS = ("C=0.5", "C=0.1", "worse", "slow", "shifted", "raises", "sleeps", "errs", "hangs")
RAISES_AT, SLEEPS_AT, SECONDS = 777.25, 555.25, 3.0  # as in inside/level_3/odd.py
INFER = f"/v2/models/{NAME}/infer"
KEPT = ("deploy/release.yaml", "mlflow.db", "rollout.yaml", "params.yaml")
# How often each request is in the log, and by which models, as DuckDB reads it.
ASK_DUCKDB = """
import duckdb, json
rows = duckdb.sql("SELECT id, row, model FROM read_parquet('predictions/*/*.parquet', union_by_name=true)")
print(json.dumps(rows.fetchall()))
"""


@dataclass
class Project:
    """A project of level 3 with versions of many kinds, by name: the number and the digest of each."""

    place: Path
    numbers: dict[str, str]
    digests: dict[str, str]
    good: dict

    def rollouts(self, *words: str) -> list[tuple[str | None, str]]:
        """What came of each, and what was said; see inside/level_3/rollouts.py. Versions by their kinds."""
        steps = [re.sub(":(.*)", lambda kind: f":{self.numbers[kind[1]]}", word) for word in words]
        done = self.python("rollouts.py", *steps)
        return [tuple(json.loads(line)) for line in done.splitlines() if line.startswith("[")]

    def python(self, script: str, *words: str) -> str:
        """Run one of the scripts in the project's environment; what it prints."""
        return run(self.place / ".venv/bin/python", LEVEL_3 / script, *words, cwd=self.place).stdout

    def command(self, *words: str) -> str:
        """Run a command of the project that is refused; the one sentence that it says."""
        done = project_command(self.place, *words, check=False)
        assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
        return done.stderr

    def decision(self, kind: str) -> dict:
        """What was decided of a version, as its tag says it."""
        script = (
            "import sys; from mlflow import MlflowClient; "
            "client = MlflowClient('sqlite:///mlflow.db', 'sqlite:///mlflow.db'); "
            f"print(client.get_model_version('{NAME}', sys.argv[1]).tags['rollout.production'])"
        )
        said = run(self.place / ".venv/bin/python", "-c", script, self.numbers[kind], cwd=self.place).stdout
        return json.loads(said)

    def pointed(self) -> str:
        """The beginning of the digest of the model that is pointed at."""
        pointer = yaml.safe_load((self.place / "deploy/release.yaml").read_text("utf-8"))
        return json.loads((self.place / pointer["record"]).read_text("utf-8"))["model"]["sha256"]

    def policy(self, **sections: dict | str) -> None:
        """Change the rules of rollouts."""
        path = self.place / "rollout.yaml"
        rules = yaml.safe_load(path.read_text("utf-8"))
        for name, values in sections.items():
            rules[name] = values if isinstance(values, str) else rules[name] | values
        path.write_text(yaml.safe_dump(rules, sort_keys=False), "utf-8")

    def logged(self) -> list[tuple[str, int, str]]:
        """Id, row and model of all that was logged."""
        said = run(self.place / ".venv/bin/python", "-c", ASK_DUCKDB, cwd=self.place).stdout
        return [tuple(row) for row in json.loads(said)]


@pytest.fixture(scope="module")
def made(in_place_3, tmp_path_factory) -> tuple[Project, Path]:
    """The project, and a copy of what tests change in it."""
    package = in_place_3 / "src" / NAME
    shutil.copy(LEVEL_3 / "odd.py", package / "core/odd.py")
    edit(package / "core/model.py", "TRUSTED = [\n", 'TRUSTED = [\n    f"{__package__}.odd.Odd",\n')
    lines = run(in_place_3 / ".venv/bin/python", LEVEL_3 / "candidates.py", *KINDS, cwd=in_place_3).stdout.splitlines()
    found = dict(zip(KINDS, map(str.split, lines), strict=True))
    found["trained"] = ["1", releases(in_place_3)[0]["model"]["sha256"]]
    numbers, digests = ({kind: one[at] for kind, one in found.items()} for at in (0, 1))
    project = Project(in_place_3, numbers, digests, good_request(in_place_3))
    project.policy(watch={"seconds": 2})
    kept = tmp_path_factory.mktemp("kept")
    for name in KEPT:
        shutil.copy(in_place_3 / name, kept)
    shutil.copytree(in_place_3 / "releases", kept / "releases")
    return project, kept


def releases(place: Path) -> list[dict]:
    """All release records, oldest first."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(place.glob("releases/*/release.json"))]


@pytest.fixture
def project(made) -> Project:
    """The project as it was: its first model released, and nothing rolled out yet."""
    project, kept = made
    for name in ("serving", "predictions", "labels", "releases"):
        shutil.rmtree(project.place / name, ignore_errors=True)
    for name in KEPT:
        shutil.copy(kept / Path(name).name, project.place / name)
    shutil.copytree(kept / "releases", project.place / "releases")
    return project


@dataclass
class Server:
    """A server of this machine: its process, where it says that it listens, and what it prints."""

    process: subprocess.Popen
    running: dict
    log: Path

    def request(self, method: str, path: str, body: dict | None = None, where: str = "url", **headers: str) -> tuple:
        """The status and the body of an answer."""
        connection = HTTPConnection(self.running[where].removeprefix("http://"), timeout=120)
        sent = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, sent, {"Content-Type": "application/json"} | headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def load(self, name: str) -> tuple:
        """Ask for the model that is chosen under this name."""
        token = {"Authorization": f"Bearer {self.running['token']}"}
        return self.request("POST", f"/v2/repository/models/{name}/load", {}, "control", **token)

    def serves(self) -> str:
        """The digest of what answers."""
        return json.loads(self.request("GET", f"/v2/models/{NAME}")[1])["parameters"]["sha256"]

    def answers(self, body: dict) -> str:
        """Ask; the digest of what has answered."""
        status, content = self.request("POST", INFER, body)
        assert status == 200, content
        return json.loads(content)["parameters"]["sha256"]


@contextmanager
def serving(project: Project, log: Path, *words: str, port: int = 0) -> Iterator[Server]:
    """What `serve` does, until the end, where it must not have said anything of a fault of its own."""
    port = port or free_ports(1)[0]
    command = [project.place / ".venv/bin" / NAME, "serve", "--port", str(port), *words]
    said = project.place / "serving/server.json"
    before = said.read_bytes() if said.exists() else b""
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=project.place, env=own_environment(), stdout=out, stderr=out)
    try:
        while not said.exists() or said.read_bytes() == before:
            assert process.poll() is None, log.read_text("utf-8")
            time.sleep(0.05)
        yield Server(process, json.loads(said.read_text("utf-8")), log)
    finally:
        process.terminate()
        process.wait()


@dataclass
class Traffic:
    """Clients that ask one request after the other; half of them keep their connection. What they were answered."""

    server: Server
    bodies: list[dict]
    pause: float = 0.0  # before each request
    answered: dict[str, str] = field(default_factory=dict)  # the digest of the model, by the id of the request
    failed: list[tuple] = field(default_factory=list)
    slowest: float = 0.0
    unready: list[tuple] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def ask(self, client: int) -> None:
        """Ask until the end."""
        address, connection, count = self.server.running["url"].removeprefix("http://"), None, 0
        chance = random.Random(client)
        while not self.ended.wait(self.pause):
            count += 1
            one, began = f"{client}-{count}", time.monotonic()
            try:
                connection = connection or HTTPConnection(address, timeout=120)
                body = json.dumps(chance.choice(self.bodies) | {"id": one})
                connection.request("POST", INFER, body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                status, content = answer.status, answer.read()
            except (OSError, HTTPException) as error:
                status, content = 0, repr(error)
            self.slowest = max(self.slowest, time.monotonic() - began)
            if status == 200:
                self.answered[one] = json.loads(content)["parameters"]["sha256"]
            else:
                self.failed.append((one, status, content))
            if connection and (status == 0 or client % 2):
                connection.close()
                connection = None

    def look(self) -> None:
        """Ask until the end whether the server, and the model, is ready."""
        while not self.ended.wait(0.05):
            for path in ("/v2/health/ready", f"/v2/models/{NAME}/ready"):
                with suppress(OSError):
                    status, content = self.server.request("GET", path)
                    if status != 200:
                        self.unready.append((path, status, content))


@contextmanager
def traffic(server: Server, *bodies: dict, pause: float = 0.1) -> Iterator[Traffic]:
    """Clients that ask for any of these, until the end."""
    asked = Traffic(server, list(bodies), pause)
    threads = [threading.Thread(target=asked.ask, args=(number,)) for number in range(CLIENTS)]
    threads.append(threading.Thread(target=asked.look))
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        asked.ended.set()
        for thread in threads:
            thread.join()


def with_usage(body: dict, value: float) -> dict:
    """The request with this value in the last of its rows."""
    changed = json.loads(json.dumps(body))
    (tensor,) = [one for one in changed["inputs"] if one["name"] == "usage_gb"]
    tensor["data"][-1] = value
    return changed


def no_fault_in(log: Path) -> bool:
    return "Traceback" not in log.read_text("utf-8")


def test_no_request_fails_while_models_are_replaced_and_each_answer_is_logged_once(project, tmp_path):
    kinds = ["C=0.5", "trained"]
    numbers = [project.numbers[kind] for kind in kinds]
    with serving(project, tmp_path / "log") as server, traffic(server, project.good, pause=0) as asked:
        began = time.monotonic()
        lines = project.python("swaps.py", str(server.process.pid), str(SWAPS), *numbers).splitlines()
        taken = time.monotonic() - began
        while len(asked.answered) < REQUESTS and not asked.failed:
            time.sleep(0.1)
    swaps = [(float(seconds), int(memory)) for seconds, memory in map(str.split, lines)]
    seconds, memory = zip(*swaps, strict=True)
    print(f"{len(asked.answered)} answered, {len(asked.failed)} failed, the slowest took {asked.slowest:.2f} s")
    print(f"{SWAPS} swaps in {taken:.0f} s, {median(seconds):.2f} s each, {max(seconds):.2f} s at most; MB:")
    print({at: round(memory[at - 1] / 1e6) for at in (1, 10, 50, 100, 200, 300) if at <= SWAPS})
    assert asked.failed == [] and asked.unready == [] and no_fault_in(tmp_path / "log")
    assert set(asked.answered.values()) == {project.digests[kind] for kind in kinds}
    assert max(memory) - memory[SWAPS // 6] < 100e6
    rows = len(project.good["inputs"][0]["data"])
    expected = {(one, row, model) for one, model in asked.answered.items() for row in range(rows)}
    found = Counter(row for row in project.logged() if row[0] in asked.answered)
    assert set(found.values()) == {1} and set(found) == expected


def test_what_cannot_be_loaded_or_hangs_leaves_the_model_in_use_alone(project, tmp_path):
    champion, folder = project.digests["trained"], project.place / "serving"
    beside, hang = f"{NAME}-beside", project.place / "hang"
    with serving(project, tmp_path / "log") as server, traffic(server, project.good) as asked:
        for spoil in ("missing", "another", "cut", "unlisted"):
            project.rollouts("beside:C=0.5")
            place = folder / "models" / project.digests["C=0.5"][:12]
            if spoil in ("missing", "another"):
                shutil.rmtree(place)
            if spoil == "another":
                shutil.copytree(folder / "models" / champion[:12], place)
            if spoil == "cut":
                os.truncate(place / "model.skops", 1000)
            if spoil == "unlisted":
                (place / "settings.json").write_text("{}")
            for name in (beside, NAME):
                shutil.copy(folder / "beside", folder / "served")
                status, said = server.load(name)
                assert status >= 400 and "Traceback" not in said, (spoil, status, said)
                assert server.request("GET", "/v2/health/ready")[0] == 200
        hang.touch()
        project.rollouts("beside:hangs")
        loading = threading.Thread(target=server.load, args=(beside,))
        loading.start()
        time.sleep(1)
        answered = len(asked.answered)
        began = time.monotonic()
        project.rollouts("served:C=0.5")
        replaced = threading.Thread(target=server.load, args=(NAME,), daemon=True)
        replaced.start()
        replaced.join(20)
        meanwhile = server.serves(), time.monotonic() - began
        assert len(asked.answered) > answered and loading.is_alive()
        hang.unlink()
        loading.join()
        replaced.join()
    assert asked.failed == [] and asked.unready == [] and no_fault_in(tmp_path / "log")
    assert meanwhile[0] == project.digests["C=0.5"], "who goes back has to wait for a candidate that hangs"


def test_who_may_load_models_and_what(project, tmp_path):
    with serving(project, tmp_path / "log") as server:
        file = project.place / "serving/server.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        token = server.running["token"]
        good = {"Authorization": f"Bearer {token}"}
        load, beside = f"/v2/repository/models/{NAME}/load", f"/v2/repository/models/{NAME}-beside/load"
        for path in (load, beside, INFER.replace(NAME, f"{NAME}-beside")):
            for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": token}, {"Authorization": "Bearer x"}):
                assert server.request("POST", path, {}, "control", **headers)[0] == 401, (path, headers)
            assert server.request("GET", path, None, "control", **good)[0] == 405
            assert server.request("POST", path, {}, "url", **good)[0] == 404
            assert server.request("POST", path, {}, "metrics", **good)[0] == 404
            assert server.request("POST", path, {}, "control", **good, Host="stranger.example")[0] == 421
            assert server.request("POST", path, {}, "control", **good, Origin="http://stranger.example")[0] == 403
        others = [INFER, "/v2/repository/index", f"/v2/repository/models/{NAME}/unload", "/v2", "/metrics", "/"]
        others += [f"/v2/repository/models/{name}/load" for name in ("another", "..%2f..%2fetc", f"{NAME}%2f")]
        for path in others:
            for method in ("POST", "GET"):
                assert server.request(method, path, {}, "control", **good)[0] == 404, (method, path)
        assert server.answers(project.good) == project.digests["trained"]
        assert token not in (tmp_path / "log").read_text("utf-8")
        listening = [int(server.running[name].rpartition(":")[2]) for name in ("url", "metrics", "control")]
        assert set(listening_on(server.process.pid)) == {("127.0.0.1", port) for port in listening}
    assert not file.exists()


def listening_on(pid: int) -> list[tuple[str, int]]:
    """Where a process listens."""
    own = {str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir()}
    found = []
    for line in Path(f"/proc/{pid}/net/tcp").read_text("ascii").splitlines()[1:]:
        address, state, inode = (line.split()[at] for at in (1, 3, 9))
        if state == "0A" and f"socket:[{inode}]" in own:
            host, _, port = address.partition(":")
            found.append((".".join(str(byte) for byte in reversed(bytes.fromhex(host))), int(port, 16)))
    return found


def test_candidates_that_are_no_good_are_rejected_with_the_reason(project, tmp_path):
    champion = project.digests["trained"]
    odd = [with_usage(project.good, RAISES_AT), with_usage(project.good, SLEEPS_AT)] * 10
    bodies = [*odd, *(with_usage(project.good, value) for value in range(60))]  # so many different answers
    project.policy(shadow={"rows_at_most": 600})  # asked one by one where some fail
    with serving(project, tmp_path / "log") as server:
        with traffic(server, *bodies) as asked:
            while len(asked.answered) < 200 and not asked.failed:
                time.sleep(0.1)
            time.sleep(6)  # until it is in the log
            asked.slowest = 0
            expected = {
                "worse": ("rejected", "Worse than the champion"),
                "slow": ("rejected", "times as long as the model in use"),
                "shifted": ("rejected", "stability index of the answers"),
                "raises": ("rejected", "of them not answered"),
                "errs": ("rejected", "this model cannot answer"),
            }
            found = project.rollouts(*(f"run:{kind}" for kind in expected))
            slowest = asked.slowest
            project.policy(mode="judge", gate={"slower_at_most": 1e6})  # so that it is tried beside
            ((outcome, said),) = project.rollouts("run:sleeps")
            assert outcome == "judged", said
            while_it_slept = asked.slowest
        assert server.serves() == champion == project.pointed()
    assert asked.failed == [] and asked.unready == [] and set(asked.answered.values()) == {champion}
    print(f"{len(asked.answered)} answered; the slowest took {slowest:.2f} s, beside a sleeper {while_it_slept:.2f} s")
    for (kind, (outcome, why)), (came, said) in zip(expected.items(), found, strict=True):
        assert came == outcome and why in said, (kind, came, said)
        decision = project.decision(kind)
        assert decision["outcome"] == outcome and why in " ".join(decision["reasons"])
    assert while_it_slept < SECONDS, "a candidate that sleeps keeps the answers of the model in use back"


def test_a_release_that_fails_at_what_clients_ask_is_taken_back_by_itself(project, tmp_path):
    champion, candidate = project.digests["trained"], project.digests["raises"]
    project.policy(watch={"seconds": 60})
    with serving(project, tmp_path / "log") as server, traffic(server, project.good) as asked:
        command = [project.place / ".venv/bin" / NAME, "rollout", "run", project.numbers["raises"]]
        environment = own_environment()
        rolling = subprocess.Popen(command, cwd=project.place, env=environment, stdout=subprocess.PIPE, text=True)
        while rolling.poll() is None and server.serves() != candidate:
            time.sleep(0.1)
        asked.bodies = [with_usage(project.good, RAISES_AT)]
        began = time.monotonic()
        said, _ = rolling.communicate()
        print(f"taken back after {time.monotonic() - began:.1f} s")
        assert rolling.returncode == 0 and "taken back" in said and "requests failed" in said
        assert server.answers(project.good) == champion == project.pointed()
        failed, asked.failed = asked.failed, []
        again, _ = project.rollouts("run:raises", "run:raises")
        assert again[0] == "taken back" and "Nothing has changed since" in again[1]
    assert {status for _, status, _ in failed} == {500} and asked.failed == []
    assert project.decision("raises")["outcome"] == "taken back"
    assert "requests failed" in project.decision("raises")["reasons"][0]
    record = releases(project.place)[-1]
    assert record["model"]["sha256"] == candidate and record["policy"]["file"] == "rollout.yaml"


def test_of_two_rollouts_at_once_one_waits_for_the_other(project, tmp_path):
    project.policy(shadow={"rows_at_least": 10_000})  # of the few rows that are asked here nothing is to be said
    with serving(project, tmp_path / "log") as server, traffic(server, project.good) as asked:
        both = [
            subprocess.Popen(
                [project.place / ".venv/bin/python", LEVEL_3 / "rollouts.py", f"run:{project.numbers[kind]}"],
                cwd=project.place,
                env=own_environment(),
                stdout=subprocess.PIPE,
                text=True,
            )
            for kind in ("C=0.5", "C=0.1")
        ]
        said = [json.loads(one.communicate()[0].splitlines()[-1]) for one in both]
        assert server.serves() == project.pointed()
    assert [outcome for outcome, _ in said] == ["released", "released"], said
    assert sum("Waiting: another rollout" in text for _, text in said) == 1
    first, second, third = releases(project.place)
    replaced = [one["previous"]["record"].split("/")[-2] for one in (second, third)]
    assert replaced == [first["release"], second["release"]] and project.pointed() == third["model"]["sha256"]
    assert asked.failed == [] and asked.unready == []


def test_a_person_is_asked_and_approves_or_refuses_or_is_too_late(project, tmp_path):
    rules = {"production": {"target": "local", "folder": "serving", "require_approval": True, "approval_days": 7}}
    project.policy(environments=rules)
    with serving(project, tmp_path / "log") as server:
        words = ["run:C=0.5", "run:C=0.5", "approve:C=0.5", "run:C=0.1", "refuse:C=0.1", "approve:C=0.1", "run:C=0.1"]
        found = project.rollouts("--unjudged", *words)
        assert server.serves() == project.pointed() == project.digests["C=0.5"]
        outcomes = ["waiting", "waiting", "released", "waiting", "refused", found[5][0], "refused"]
        assert [outcome for outcome, _ in found] == outcomes
        assert "nobody is asked about it" in found[5][0]
        assert "rollout approve" in found[0][1] and "for a person since" in found[1][1]
        assert "by a test" in " ".join(project.decision("C=0.1")["reasons"])
        assert "approved by" in releases(project.place)[-1]["by"]
        rules["production"]["approval_days"] = 1e-9
        project.policy(environments=rules)
        found = project.rollouts("--unjudged", "run:shifted", "run:shifted", "approve:shifted", "run:shifted")
        assert [outcome for outcome, _ in found][:2] == ["waiting", "expired"] and "nobody is asked" in found[2][0]
        assert found[3][0] == "expired" and server.serves() == project.digests["C=0.5"]
        rules["production"]["approval_days"] = 7
        project.policy(environments=rules)
        ((outcome, _),) = project.rollouts("--unjudged", "again:C=0.1")
        assert outcome == "waiting", "what a person has said when asked before is no answer now"


def test_the_first_release_of_all(project, tmp_path):
    (project.place / "deploy/release.yaml").unlink()
    shutil.rmtree(project.place / "releases")
    port, log = free_ports(1)[0], tmp_path / "log"
    with serving(project, log, port=port) as server:
        assert "There is nothing to serve yet" in log.read_text("utf-8")
        assert [server.request("GET", path)[0] for path in ("/v2/health/live", "/v2/health/ready")] == [200, 400]
        ((outcome, said),) = project.rollouts("run:C=0.5")
        assert outcome == "released", said
        assert server.answers(project.good) == project.pointed() == project.digests["C=0.5"]
        assert server.request("GET", "/v2/health/ready")[0] == 200
    assert no_fault_in(log)


def test_a_bad_policy_is_one_sentence_and_what_serves_goes_on(project, tmp_path):
    path = project.place / "rollout.yaml"
    with serving(project, tmp_path / "log") as server, traffic(server, project.good) as asked:
        rules = path.read_text("utf-8")
        for bad in ("watch: [", "watsh: {}", "environments: {}", rules.replace("mode: release", "mode: perhaps"), ""):
            path.write_text(bad, "utf-8")
            if bad:
                said = project.command("rollout", "run", project.numbers["C=0.5"])
                assert "rollout.yaml" in said, said
        path.unlink()
        assert "rollout.yaml" in project.command("rollout", "run", project.numbers["C=0.5"])
        assert server.serves() == project.digests["trained"] == project.pointed()
    assert asked.failed == [] and len(releases(project.place)) == 1


def test_a_server_that_was_killed_is_missed_and_begins_again_with_what_is_pointed_at(project, tmp_path):
    folder, (port,) = project.place / "serving", free_ports(1)
    with socket.create_server(("127.0.0.1", port)):
        assert "Choose another with --port" in project.command("serve", "--port", str(port))
    with serving(project, tmp_path / "log", port=port) as server:
        second = project.command("serve", "--port", str(free_ports(1)[0]))
        assert second.count("\n") == 1 and "Stop that one first" in second
        assert server.serves() == project.digests["trained"]
        number = project.numbers["C=0.5"]
        swapping = subprocess.Popen(
            [project.place / ".venv/bin/python", LEVEL_3 / "rollouts.py", "--unjudged", f"run:{number}"],
            cwd=project.place,
            env=own_environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        while (folder / "served").read_text("ascii").strip() != project.digests["C=0.5"]:
            assert swapping.poll() is None
        server.process.kill()
        server.process.wait()
        outcome, _ = json.loads(swapping.communicate()[0].splitlines()[-1])
    assert outcome.startswith(("error:", "taken back")), outcome
    stale = json.loads((folder / "server.json").read_text("utf-8"))
    heard: list[tuple[str, str]] = []
    strangers = [stranger(stale[name], heard) for name in ("url", "control")]
    began = time.monotonic()
    said = project.command("rollout", "run", number)
    for one in strangers:
        one.shutdown()
        one.server_close()
    assert time.monotonic() - began < 60 and "serving" in said and said.count("\n") == 1, said
    assert heard == [], "what was meant for the server has gone to a stranger"
    with serving(project, tmp_path / "log", port=port) as server:
        assert server.answers(project.good) == project.pointed()
        ((outcome, said),) = project.rollouts("--unjudged", "run:C=0.5")
        assert outcome in ("released", "taken back"), said
        assert server.serves() == project.pointed()
        last = server.serves()
    shutil.move(project.place / "releases", tmp_path / "gone")
    with serving(project, tmp_path / "log", port=port) as server:
        assert server.answers(project.good) == last
        assert "What is released cannot be had" in (tmp_path / "log").read_text("utf-8")


def stranger(url: str, heard: list) -> HTTPServer:
    """Something else that listens where the server did; what it is told."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append((self.path, self.headers.get("Authorization", "")))
            self.send_error(404)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", int(url.rpartition(":")[2])), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.mark.parametrize("bad", [False, True], ids=["stays", "is taken back"])
def test_a_rollout_that_is_killed_anywhere_is_brought_to_an_end_by_the_next(project, tmp_path, bad):
    one, other = project.numbers["trained"], project.numbers["C=0.5"]
    with serving(project, tmp_path / "log") as server, traffic(server, project.good) as asked:
        lines = project.python("dying.py", *(["--bad"] if bad else []), one, other).splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
    assert asked.failed == [] and asked.unready == [] and no_fault_in(server.log)
    wrong = []
    for at, stand in enumerate(found):
        expected, outcome = (one, "taken back") if bad else ((other, one)[at % 2], "released")
        same = [stand.get(name) for name in ("pointed", "serves", "chosen", "champion")]
        if same != [expected] * 4 or stand.get("decision") != outcome:
            wrong.append(stand)
    assert wrong == [] and len(found) == (7 if bad else 14)
    once_more = [stand["where"] for stand in found if bad and any("is released as" in line for line in stand["said"])]
    assert once_more == [], "what was taken back already has been released once more"
