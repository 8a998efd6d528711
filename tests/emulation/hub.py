"""GitHub's own side, as far as jobs reach it: a repository by HTTP, and the request that starts a workflow.

An emulation. Real is git, which serves the repository. Who pushes decides what starts: a push by a workflow's own token
starts nothing.
"""

import base64
import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import support
from emulation import github

WORKFLOW = "x-access-token"  # who a workflow is that shows its token
STARTS_ONE = re.compile(r"/api/repos/(.+)/actions/workflows/([\w.-]+)/dispatches")


class Hub:
    """What is served, who may come, and what became of it.

    permissions: what the token of the workflow that runs now may. interruption: called once, when a push has come and
    is not taken yet; it may push to the folder of the repository.
    started: the workflows that GitHub would start, with the event of each.
    """

    def __init__(self, repository: Path, port: int, keys: dict[str, str]) -> None:
        """repository: a bare one, in the folder of its owner. keys: by name, of all besides workflows."""
        self.repository, self.name = repository, f"{repository.parent.name}/{repository.name.removesuffix('.git')}"
        self.address = f"http://127.0.0.1:{port}/{self.name}.git"
        self.api = f"http://127.0.0.1:{port}/api"
        self.logins = keys | {WORKFLOW: github.TOKEN}
        self.permissions: dict[str, str] = {}
        self.interruption: Callable[[], None] | None = None
        self.started: list[tuple[str, str]] = []
        self.one_at_a_time = threading.Lock()

    def address_for(self, who: str) -> str:
        """The address of the repository with the key of somebody."""
        return self.address.replace("://", f"://{who}:{self.logins[who]}@")

    def may(self, what: str) -> bool:
        """Whether the workflow that runs now may write this."""
        return self.permissions.get(what) == "write"

    def branches(self) -> dict[str, str]:
        """The commit of each branch."""
        said = self.git("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads")
        return dict(line.split() for line in said.splitlines())

    def git(self, *words: str) -> str:
        return support.run("git", *words, cwd=self.repository).stdout

    def workflows(self, branch: str) -> dict[str, dict]:
        """What the workflows of a branch say, by their files."""
        names = self.git("ls-tree", "--name-only", f"{branch}:{github.WORKFLOWS}").split()
        return {name: github.read(self.git("show", f"{branch}:{github.WORKFLOWS}/{name}")) for name in names}

    def pushed(self, before: dict[str, str]) -> None:
        """Start what starts now that the branches are other ones than before."""
        for branch in {branch for branch, commit in self.branches().items() if before.get(branch) != commit}:
            for name, content in self.workflows(branch).items():
                if github.starts(content["on"], "push", branch):
                    self.started.append((name, "push"))

    def start(self, name: str, body: bytes) -> tuple[int, str]:
        """Start a workflow as it is asked for; the status and what is said of it."""
        branch = json.loads(body)["ref"]
        if name not in self.workflows("HEAD"):
            return 404, "Not Found"
        if branch not in self.branches():
            return 422, f"No ref found for: {branch}"
        if not github.starts(self.workflows(branch)[name]["on"], "workflow_dispatch", branch):
            return 422, "Workflow does not have 'workflow_dispatch' trigger"
        self.started.append((name, "workflow_dispatch"))
        return 204, ""


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: "Server"

    def do_GET(self) -> None:
        self.git(b"") if self.who() else self.refuse()

    def do_POST(self) -> None:
        hub, body = self.server.hub, self.rfile.read(int(self.headers["Content-Length"]))
        asked = STARTS_ONE.fullmatch(self.path)
        if asked and asked[1] == hub.name:
            known = self.headers["Authorization"] == f"Bearer {github.TOKEN}"
            allowed = (403, "Resource not accessible by integration") if not hub.may("actions") else None
            self.say(*(allowed or hub.start(asked[2], body)) if known else (401, "Bad credentials"))
        elif who := self.who():
            self.push(who, body) if self.path.endswith("/git-receive-pack") else self.git(body, who)
        else:
            self.refuse()

    def push(self, who: str, body: bytes) -> None:
        """Take a push, unless it may not be, and start what it starts."""
        hub = self.server.hub
        if who == WORKFLOW and not hub.may("contents"):
            return self.say(403, "Write access to repository not granted.")
        with hub.one_at_a_time:
            if interruption := hub.interruption:
                hub.interruption = None
                interruption()
            before = hub.branches()
            self.git(body, who)
            if who != WORKFLOW:
                hub.pushed(before)

    def who(self) -> str | None:
        """Who asks, by the login that they have shown; None where it is none."""
        kind, _, shown = (self.headers["Authorization"] or "").partition(" ")
        who, _, key = base64.b64decode(shown).decode().partition(":") if kind.lower() == "basic" else ("", "", "")
        return who if key and self.server.hub.logins.get(who) == key else None

    def git(self, body: bytes, who: str = "somebody") -> None:
        """Let git answer, as a web server does."""
        path, _, query = self.path.partition("?")
        told = {
            "GIT_PROJECT_ROOT": str(self.server.hub.repository.parents[1]),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers["Git-Protocol"] or "",
            "REMOTE_USER": who,
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers["Content-Type"] or "",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers["Content-Encoding"] or "",
        }
        done = subprocess.run(
            ["git", "http-backend"], env=os.environ | told, input=body, capture_output=True, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def refuse(self) -> None:
        self.say(401, "Authentication failed", ("WWW-Authenticate", "Basic"))

    def say(self, status: int, message: str, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for header in headers:
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(json.dumps({"message": message}).encode() if message else b"")

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Has the hub that its handlers ask."""

    hub: Hub


@contextmanager
def running(repository: Path, **keys: str) -> Iterator[Hub]:
    """A hub for a new, empty repository at this path, until the end. keys: of people, by name."""
    repository.mkdir(parents=True)
    support.run("git", "init", "-q", "--bare", "-b", "main", cwd=repository)
    server = Server(("127.0.0.1", 0), Handler)
    server.hub = Hub(repository, server.server_port, keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.hub
    finally:
        server.shutdown()
        server.server_close()
