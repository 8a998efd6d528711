"""This machine is asked directly, another one by the proxy that the environment names."""

import threading
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from {{cookiecutter.project_slug}}.serving.loopback import leads_here, opened

VARIABLES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


@contextmanager
def server():
    """A server that answers with the address that it was asked for; its own."""

    class Echo(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.path.encode())

        def log_message(self, *words):
            pass

    with HTTPServer(("127.0.0.1", 0), Echo) as running:
        threading.Thread(target=running.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{running.server_port}"
        finally:
            running.shutdown()


@pytest.fixture(autouse=True)
def no_exceptions(monkeypatch):
    for name in (*VARIABLES, "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", VARIABLES)
def test_no_variable_sends_a_request_for_this_machine_elsewhere(monkeypatch, name):
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    with server() as address, opened(urllib.request.Request(f"{address}/here"), 60) as answer:
        assert answer.read() == b"/here"


def test_a_server_elsewhere_is_asked_by_the_proxy(monkeypatch):
    with server() as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        with opened(urllib.request.Request("http://models.example/there"), 60) as answer:
            assert answer.read() == b"http://models.example/there"


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8080/v2", True),
        ("http://127.1.2.3", True),
        ("http://[::1]:8080", True),
        ("http://LOCALHOST:8080", True),
        ("//localhost", True),
        ("http://localhost.stranger.example", False),
        ("http://10.0.0.1", False),
        ("http://[::1", False),
        ("nothing", False),
        ("", False),
    ],
)
def test_which_addresses_lead_here(url, here):
    assert leads_here(url) == here
