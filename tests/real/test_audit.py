"""The weekly look for known weaknesses, by GitHub and Jenkins emulated, in a list that is kept on this machine."""

import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from emulation import github, jenkins, machine
from support import run

pytestmark = pytest.mark.real
IDENTITY = ["-c", "user.name=t", "-c", "user.email=t@localhost"]


@dataclass
class Weaknesses:
    """A list as that of osv.dev, of which pip-audit asks one package after another."""

    url: str = ""
    known: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)

    def answer(self, name: str) -> dict:
        """What the list knows of a package, any version of it."""
        self.asked.add(name)
        everything = {"package": {"name": name, "ecosystem": "PyPI"}, "ranges": [], "versions": []}
        weakness = {"id": "WEAK-1", "summary": "a hole", "affected": [everything], "modified": "2026-01-01T00:00:00Z"}
        return {"vulns": [weakness]} if name in self.known else {}


@pytest.fixture
def weaknesses() -> Iterator[Weaknesses]:
    """Such a list, at an address of this machine."""
    found = Weaknesses()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            content = json.dumps(found.answer(asked["package"]["name"])).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found.url = f"http://127.0.0.1:{server.server_port}"
        yield found
        server.shutdown()


@pytest.fixture
def project(newcomer_1, tmp_path, weaknesses) -> Path:
    """A clone of a project that asks this list, since the real one would know something new every week."""
    origin, clone = tmp_path / "our-org" / "my_ml_project.git", tmp_path / "my_ml_project"
    run("git", "init", "-q", "--bare", "-b", "main", origin, cwd=tmp_path)
    shutil.copytree(newcomer_1, clone)
    path = clone / "mk/base.mk"
    options = f"pip-audit --vulnerability-service osv --osv-url {weaknesses.url} "
    path.write_text(path.read_text("utf-8").replace("pip-audit --strict", options + "--strict"), encoding="utf-8")
    run("git", "init", "-q", "-b", "main", cwd=clone)
    run("git", "remote", "add", "origin", origin, cwd=clone)
    commit(clone)
    return clone


def commit(clone: Path) -> None:
    run("git", "add", "-A", cwd=clone)
    run("git", *IDENTITY, "commit", "-q", "-m", "change", cwd=clone)
    run("git", "push", "-q", "origin", "main", cwd=clone)


def both(clone: Path, scratch: Path) -> tuple[bool, str, bool, str]:
    """Whether GitHub's run and Jenkins' build succeed, each with its log."""
    on_github = github.run(
        clone,
        "audit.yml",
        event="schedule",
        secrets={},
        variables={},
        environment=machine.environment(),
        artifacts=scratch / "artifacts",
    )
    (scratch / "home").mkdir()
    run("git", "clone", "-q", clone, scratch / "workspace", cwd=scratch)
    in_jenkins = jenkins.run(
        scratch / "workspace/jenkins/audit.Jenkinsfile",
        scratch / "workspace",
        branch="main",
        environment=machine.environment() | {"HOME": str(scratch / "home")},
        credentials={},
        archive=scratch / "archive",
        cause="TimerTrigger",
    )
    return on_github.success, on_github.log, in_jenkins.result == "SUCCESS", in_jenkins.log


def test_both_fail_where_a_locked_package_is_weak_and_where_nothing_is_locked(project, weaknesses, tmp_path):
    for what, said in {
        "nothing": "No known vulnerabilities found",
        "a weakness": "WEAK-1",
        "no lock": "Unable to find lockfile at `uv.lock`",
    }.items():
        if what == "a weakness":
            weaknesses.known.add("mlserver")
        if what == "no lock":
            (project / "uv.lock").unlink()
            commit(project)
        (scratch := tmp_path / what).mkdir()
        fine, log, also_fine, other_log = both(project, scratch)
        assert fine == also_fine == (what == "nothing"), log + other_log
        assert said in log and said in other_log, log + other_log
    assert {
        "mlserver",
        "scikit-learn",
        "jupyterlab",
        "pip-audit",
    } <= weaknesses.asked  # all groups
