"""The served model under attacks that others were hit by, told in the open: on its own port, and behind the proxy.

Each says how long the longest probe of the readiness took and what memory the server had at most (see with `-rP`). What
is asserted is that every probe was answered, and that the memory stays below what compose.yaml gives it.
"""

import base64
import copy
import gzip
import http.client
import json
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import yaml
from emulation.containers import free_ports
from servers import MAKE_SERVABLE, NAME, SECONDS_TO_ANSWER, Server, mlserver, served
from support import run, tool

pytestmark = pytest.mark.real
MODEL = f"/v2/models/{NAME}"
ACCOUNT = "shop:a long password"
JSON = {"Content-Type": "application/json"}
GZIP = {"Content-Encoding": "gzip"}
LARGEST = 8 * 2**20  # bytes of a request


@pytest.fixture(scope="module")
def server(in_place_1, tmp_path_factory) -> Iterator[Server]:
    """The released model on a port of its own, as `make serve` does it."""
    with served(in_place_1, tmp_path_factory.mktemp("server") / "log") as server:
        yield server


@pytest.fixture(scope="module")
def memory(in_place_1) -> int:
    """The bytes that compose.yaml gives the model."""
    declared = yaml.safe_load((in_place_1 / "deploy/compose/compose.yaml").read_text("utf-8"))["services"]["model"]
    assert declared["mem_limit"] == declared["memswap_limit"] == "1g" and declared["pids_limit"]
    return 2**30


class Proxy:
    """What a client elsewhere sees: TLS, and a name and a password."""

    def __init__(self, port: int, certificate: Path) -> None:
        self.port = port
        self.context = ssl.create_default_context(cafile=certificate)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        account: str = ACCOUNT,
        sender: str = "127.0.0.1",
        **headers: str,
    ) -> tuple[int, bytes]:
        """The status and the body of an answer. sender: the address of the client."""
        how = {"context": self.context, "timeout": SECONDS_TO_ANSWER, "source_address": (sender, 0)}
        connection = http.client.HTTPSConnection("localhost", self.port, **how)
        try:
            connection.request(method, path, body, JSON | basic(account) | headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def post(self, body: bytes, path: str = f"{MODEL}/infer", **headers: str) -> tuple[int, bytes]:
        return self.ask("POST", path, body, **headers)


def basic(account: str) -> dict[str, str]:
    """The header that says who asks, if anybody does."""
    return {"Authorization": f"Basic {base64.b64encode(account.encode()).decode()}"} if account else {}


@pytest.fixture(scope="module")
def proxy(in_place_1, server, tmp_path_factory) -> Iterator[Proxy]:
    """Debian's nginx with the project's own nginx.conf, but for where things are."""
    folder = tmp_path_factory.mktemp("proxy")
    (port, alive) = free_ports(2)
    there = {"/tmp/": f"{folder}/", "/etc/proxy/": f"{folder}/", "resolver 127.0.0.11": "resolver 127.0.0.1"}
    there |= {"8443 ssl": f"127.0.0.1:{port} ssl", "127.0.0.1:8081": f"127.0.0.1:{alive}"}
    there |= {"$model model;": "$model 127.0.0.1;", "$model:8080": f"$model:{server.port}"}
    settings = (in_place_1 / "deploy/compose/nginx.conf").read_text("utf-8")
    for in_the_container, here in there.items():
        assert in_the_container in settings
        settings = settings.replace(in_the_container, here)
    (folder / "nginx.conf").write_text(settings, encoding="utf-8")
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    run(tool("openssl"), *words.split(), "-keyout", "tls.key", "-out", "tls.crt", cwd=folder)
    name, password = ACCOUNT.split(":")
    hashed = run(tool("openssl"), "passwd", "-6", password, cwd=folder).stdout.strip()
    (folder / "accounts").write_text(f"{name}:{hashed}\n", encoding="utf-8")
    command = [tool("nginx"), "-e", "stderr", "-c", str(folder / "nginx.conf"), "-g", "daemon off; user root;"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until_listening(alive, process)
        assert urllib.request.urlopen(f"http://127.0.0.1:{alive}/").status == 204
        yield Proxy(port, folder / "tls.crt")
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait()


def until_listening(port: int, process: subprocess.Popen) -> None:
    while process.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the proxy has ended")


@contextmanager
def watched(server: Server, memory: int) -> Iterator[None]:
    """Ask all the time whether the model is ready, which it always is, and look at the memory in the end."""
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5", encoding="ascii")  # the peak from here on
    over, waits, answers = threading.Event(), [], Counter()

    def probe() -> None:
        while not over.wait(0.02):
            began = time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS_TO_ANSWER)
            connection.request("GET", f"{MODEL}/ready")
            answers[connection.getresponse().status] += 1
            connection.close()
            waits.append(time.monotonic() - began)

    prober = threading.Thread(target=probe)
    prober.start()
    try:
        yield
        time.sleep(0.1)  # so that there is a probe after it
    finally:
        over.set()
        prober.join()
    status = Path(f"/proc/{server.process.pid}/status").read_text("ascii")
    (peak,) = [int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")]
    print(f"{len(waits)} probes, the longest {max(waits):.2f} s; memory {peak / 1e6:.0f} MB at most")
    assert set(answers) == {200}
    assert peak < memory


def tensor(data: str = "1", **changed: object) -> bytes:
    """A request with one input, whose data is written as it is."""
    inputs = {"name": "age", "shape": [1], "datatype": "FP64"} | changed
    return b'{"inputs":[%s, "data":[%s]}]}' % (json.dumps(inputs)[:-1].encode(), data.encode())


def filled(item: str) -> bytes:
    """The largest request, full of these."""
    return tensor(",".join([item] * ((LARGEST - 200) // (len(item) + 1))))


def many_rows(good: dict, rows: int, value: Callable[[dict, int], object]) -> bytes:
    """A request with so many rows, made of the values that are said for each input."""
    body = copy.deepcopy(good)
    for one in body["inputs"]:
        one |= {"shape": [rows, 1], "data": [value(one, row) for row in range(rows)]}
    return json.dumps(body).encode()


def strange(one: dict, row: int) -> object:
    return f"nobody knows {row}" if one["datatype"] == "BYTES" else 1e12 + row


ATTACKS = {
    # The amplification of vllm-project/vllm#49239, a hundred megabytes of complaints: half a minute, 1.7 GB.
    "inputs that are none": (b'{"inputs":[%s]}' % b",".join([b"{}"] * 300_000), {}, 400),
    "unknown inputs": (json.dumps({"inputs": [json.loads(tensor())["inputs"][0]] * 20_000}).encode(), {}, 400),
    "outputs without end": (b'{"inputs":[],"outputs":[%s]}' % b",".join([b"{}"] * 300_000), {}, 400),  # CVE-2026-24146
    "a shape without end": (tensor(shape=["x"] * 300_000), {}, 400),
    # What it was for CVE-2024-36129 and its like: little that is packed, and much when it is not.
    "a bomb": (gzip.compress(b" " * 60_000_000), GZIP, 413),
    "a bomb in parts": (gzip.compress(b" " * 5_000_000) * 12, GZIP, 413),
    "half an archive": (gzip.compress(tensor())[:-5], GZIP, 400),
    "a hundred megabytes": (tensor("1," * 50_000_000 + "1"), {}, 413),
    "lists": (filled("[]"), {}, 400),
    "objects": (filled('{"a":0}'), {}, 400),
    "numbers": (filled("1"), {}, 400),
    "depth": (b"[" * 1_000_000, {}, 400),
    "a long name": (tensor(name="x" * 5_000_000), {}, 400),
    "a long type": (tensor(datatype="x" * 5_000_000), {}, 422),
    "a long id": (b'{"inputs":[],"id":"%s"}' % (b"x" * 5_000_000), {}, 400),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("way", ["directly", "by the proxy"])
def test_one_request_is_refused_briefly(server, proxy, memory, way, attack):
    body, headers, status = ATTACKS[attack]
    with watched(server, memory):
        answered, said = (server if way == "directly" else proxy).post(body, **headers)
    assert answered == status and len(said) < 1000, said
    assert server.is_as_before()


def test_values_come_back_shortened(server, memory):
    text = "x" * 100
    long = many_rows(server.good, 10_000, lambda one, row: f"{text}{row}" if one["datatype"] == "BYTES" else 1e12)
    with watched(server, memory):
        status, said = server.post(long)
    assert status == 400 and b"is not a known category: 'xxx" in said and len(said) < 5000


@pytest.mark.parametrize("way", ["directly", "by the proxy"])
def test_many_at_once_wait_or_are_put_off(server, proxy, memory, way):
    body = gzip.compress(many_rows(server.good, 2000, strange))
    statuses: Counter = Counter()
    everybody = threading.Barrier(100)

    def attack() -> None:
        everybody.wait()
        statuses[(server if way == "directly" else proxy).post(body, **GZIP)[0]] += 1

    with watched(server, memory):
        attackers = [threading.Thread(target=attack) for _ in range(100)]
        for one in attackers:
            one.start()
        for one in attackers:
            one.join()
    print(statuses)
    assert set(statuses) == {400, 503 if way == "directly" else 429}
    assert server.is_as_before()


HALVES = {
    "nothing": b"",
    "a header": f"POST {MODEL}/infer HTTP/1.1\r\nHost: localhost\r\n".encode(),
    "a body": f"POST {MODEL}/infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
    + b"Content-Length: 2000000\r\n\r\n"
    + b" " * 100_000,
}


@pytest.mark.parametrize("half", HALVES)
def test_300_who_send_half_lock_nobody_out(server, memory, half):
    with watched(server, memory), ExitStack() as opened:
        for _ in range(300):
            one = opened.enter_context(socket.create_connection(("127.0.0.1", server.port), SECONDS_TO_ANSWER))
            one.sendall(HALVES[half])
        assert server.is_as_before()


def test_300_who_send_half_to_the_proxy_lock_nobody_out_and_are_hung_up_on(server, proxy, memory):
    with watched(server, memory), ExitStack() as opened:
        halves = []
        for number in range(300):
            plain = opened.enter_context(socket.create_connection(("127.0.0.1", proxy.port), SECONDS_TO_ANSWER))
            if number % 3 == 0:
                halves.append(plain)
                continue
            halves.append(opened.enter_context(proxy.context.wrap_socket(plain, server_hostname="localhost")))
            halves[-1].sendall(HALVES["a header" if number % 3 == 1 else "a body"])
        good = json.dumps(server.good).encode()
        assert proxy.ask("POST", f"{MODEL}/infer", good, sender="127.0.0.2")[0] == 200
        for half in halves:
            with suppress(OSError):
                while half.recv(65536):
                    pass


def test_a_body_in_a_million_pieces(server, memory):
    """CVE-2025-23310: Triton took memory for each piece of a chunked body."""
    with watched(server, memory), socket.create_connection(("127.0.0.1", server.port), SECONDS_TO_ANSWER) as client:
        client.sendall(HALVES["a header"] + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.sendall(b"1\r\n \r\n" * 200_000 + b"2\r\n{}\r\n0\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 422 ")


def test_headers_without_end(server, memory):
    """CVE-2025-48956: vLLM read headers of any size."""
    client = socket.create_connection(("127.0.0.1", server.port), SECONDS_TO_ANSWER)
    with watched(server, memory), client, pytest.raises(OSError):
        while True:
            client.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 2**20)


@pytest.mark.parametrize(
    "path",
    [
        f"/v2/repository/models/{NAME}/unload",  # ShellTorch: what manages models was open to all
        f"/v2/repository/models/{NAME}/load",
        "/v2/repository/index",
        "/v2/logging",  # CVE-2024-0087: Triton wrote its log wherever it was told to
        "/v2/systemsharedmemory/region/any/register",  # CVE-2025-23319
        "/v2/models/another/infer",
        f"/v2/models/..%2f{NAME}/infer",
        f"{MODEL}/versions/1/infer",
        f"{MODEL}/infer_stream",
        "/docs",
    ],
)
def test_nothing_else_is_offered(server, proxy, path):
    assert server.post(b"{}", path)[0] == 404
    assert proxy.post(b"{}", path)[0] == 404
    assert server.is_as_before()


def test_the_page_of_a_stranger_cannot_use_a_browser_of_this_machine(server):
    good, path = json.dumps(server.good).encode(), f"{MODEL}/infer"
    for strange in (
        {"Content-Type": "text/plain"},  # what a page may send to any address without asking first
        {"Origin": "https://stranger.example"},
        {"Origin": "null"},
        {"Host": f"stranger.example:{server.port}"},  # CVE-2024-28224: a name that was made to lead here
    ):
        assert server.post(good, path, **strange)[0] in (403, 415, 421), strange
    assert server.is_as_before()


def test_names_that_nobody_knows_make_no_metrics(server):
    """The growth of llm-d/llm-d-router#1625: one more time series for each name that a client makes up."""
    (port,) = server.ports - {server.port}

    def metrics() -> str:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()

    before = metrics()
    for number in range(50):
        server.post(b"{}", f"/v2/models/made-up-{number}/infer")
        server.post(b"{}", f"{MODEL}/versions/made-up-{number}/infer")
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS_TO_ANSWER)
        connection.request(f"MADE-UP-{number}", f"{MODEL}/infer")
        assert connection.getresponse().status == 405
    after = metrics()
    assert "made-up" not in after.lower() and after.count("\n") == before.count("\n")


def test_the_proxy_asks_who_it_is_and_lets_through_what_clients_need(server, proxy):
    good = json.dumps(server.good).encode()
    status, content = proxy.post(good)
    assert status == 200 and json.loads(content)["outputs"] == server.answer
    for path in (MODEL, f"{MODEL}/ready"):
        assert proxy.ask("GET", path)[0] == 200
        assert proxy.ask("GET", path, account="")[0] == 401
        assert proxy.ask("POST", path)[0] == 403
    for account in ("", "shop:a wrong one", "another:a long password"):
        assert proxy.ask("POST", f"{MODEL}/infer", good, account)[0] == 401
    assert proxy.ask("GET", f"{MODEL}/infer")[0] == 403
    for path in ("/", "/metrics", "/v2", "/v2/health/ready", f"{MODEL}/ready/", f"{MODEL}/../../health/live"):
        assert proxy.ask("GET", path)[0] in (400, 404), path
    assert proxy.post(good, Origin="https://stranger.example")[0] == 403
    assert proxy.post(good, **{"Content-Type": "text/plain"})[0] == 415
    with pytest.raises(OSError):  # without TLS
        urllib.request.urlopen(f"http://127.0.0.1:{proxy.port}{MODEL}")


def test_two_lengths_are_not_two_requests(server, proxy):
    """CVE-2025-43859 and its like: what one server takes for a body, the next may take for a request."""
    (who,) = basic(ACCOUNT).values()
    head = HALVES["a header"] + f"Authorization: {who}\r\n".encode()
    smuggled = head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n"
    plain = socket.create_connection(("127.0.0.1", proxy.port), SECONDS_TO_ANSWER)
    with plain, proxy.context.wrap_socket(plain, server_hostname="localhost") as client:
        client.sendall(smuggled)
        assert client.recv(65536).startswith(b"HTTP/1.1 400 ")
    assert server.is_as_before()


def test_mlserver_by_itself_as_under_seldon_has_the_bounds_of_the_runtime(in_place_1, memory, tmp_path):
    """The same model folder in MLServer's own command, which reads all that comes: that is for others to bound."""
    run("uv", "run", "python", "-c", MAKE_SERVABLE, tmp_path / NAME, cwd=in_place_1)
    with mlserver(in_place_1, tmp_path) as server:
        for attack in ("unknown inputs", "a long name", "a long id"):
            body, headers, status = ATTACKS[attack]
            with watched(server, memory):
                answered, said = server.post(body, **headers)
            assert answered == status and len(said) < 1000
        assert server.is_as_before()
