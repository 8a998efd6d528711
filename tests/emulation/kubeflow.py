"""Kubeflow Pipelines' API server, as far as kfp's client asks it: an emulation, which keeps what it is told."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

API = "/apis/v2beta1"
IDS = {"experiments": "experiment_id", "runs": "run_id", "recurringruns": "recurring_run_id"}


@dataclass
class Server:
    """A running server: where it is, and what it was told to make, by kind and in order."""

    url: str = ""
    made: dict[str, list[dict]] = field(default_factory=lambda: {kind: [] for kind in IDS})
    asked: int = 0

    def answer(self, method: str, path: str, query: dict, body: dict) -> dict | None:
        """The answer to a request; None for what is not emulated."""
        self.asked += 1
        kind = path.removeprefix(f"{API}/")
        if method == "POST" and kind in IDS:
            self.made[kind].append(body)
            return body | {IDS[kind]: f"{kind}-{len(self.made[kind])}"}
        if method == "GET" and kind == "healthz":
            return {"multi_user": False}
        if method == "GET" and kind == "experiments":
            (predicate,) = json.loads(query["filter"][0])["predicates"] if "filter" in query else [None]
            names = [one["display_name"] for one in self.made[kind]]
            found = [name for name in names if predicate is None or name == predicate["stringValue"]]
            return {
                kind: [{"experiment_id": f"{kind}-{names.index(name) + 1}", "display_name": name} for name in found]
            }
        return None


@contextmanager
def running() -> Iterator[Server]:
    """A server on a free port of this machine."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply("GET", {})

        def do_POST(self) -> None:
            self.reply("POST", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def reply(self, method: str, body: dict) -> None:
            address = urlsplit(self.path)
            answer = server.answer(method, address.path, parse_qs(address.query), body)
            self.send_response(404 if answer is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer or {}).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        server.url = f"http://127.0.0.1:{listening.server_port}"
        Thread(target=listening.serve_forever, daemon=True).start()
        yield server
        listening.shutdown()
