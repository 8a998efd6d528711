"""What answering over HTTP costs, as ratios in one run: to MLServer's own runtime for scikit-learn, and to its limit.

    uvx --with-requirements tests/requirements.txt python benchmarks/serving.py

The same fitted model, the same MLServer and the same requests: by the project's `serve`, by `mlserver-sklearn`, and by
a runtime that answers zeros, which is what MLServer itself leaves. They take turns; medians of several rounds count.
On an idle machine with two cores; `--quick` runs all once for a moment.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / folder) for folder in ("hooks", "tests")]

from emulation.containers import free_ports  # noqa: E402
from support import own_environment, render_level, run  # noqa: E402

NAME = "my_ml_project"
FULL = {"rounds": 5, "seconds": 4.0, "warm": 3.0, "requests": 100_000}
QUICK = {"rounds": 1, "seconds": 0.3, "warm": 0.3, "requests": 200}
ROWS, CLIENTS = (1, 100), (1, 8, 32)
# What is asked of all: rows without gaps, which pandas' codec knows.
REQUESTS = """
import json, sys
from pathlib import Path
from my_ml_project.core.kept_models import latest_model
from my_ml_project.core.tables import checked_rows
from my_ml_project.serving.protocol import to_request
from my_ml_project.settings import load_settings
folder, place = latest_model(Path("models")), Path(sys.argv[1])
table, _ = checked_rows(load_settings())
features = folder.record.features
known = table[list(features)].dropna()
for rows in map(int, sys.argv[2:]):
    body = to_request(known.sample(rows, random_state=rows), features) | {"parameters": {"content_type": "pd"}}
    (place / f"{rows}.json").write_text(json.dumps(body))
"""
# The latest model for mlserver-sklearn.
AS_JOBLIB = """
import sys
from pathlib import Path
import joblib
from my_ml_project.core.kept_models import latest_model
joblib.dump(latest_model(Path("models")).load(), Path(sys.argv[1]) / "model.joblib")
"""
ZEROS = """
from mlserver import MLModel
from mlserver.types import InferenceResponse, ResponseOutput


class Zeros(MLModel):
    async def load(self):
        return True

    async def predict(self, payload):
        rows = payload.inputs[0].shape[0]
        output = ResponseOutput(name="prediction", shape=[rows, 1], datatype="FP64", data=[0.0] * rows)
        return InferenceResponse(model_name=self.name, outputs=[output])
"""
RIVALS = {
    "mlserver-sklearn": ("sklearn", "mlserver_sklearn.SKLearnModel", {"uri": "./model.joblib"}),
    "zeros": ("zeros", "zeros.Zeros", {}),
}


@dataclass
class Measured:
    """Closed-loop clients against one server: requests per second, the 99th percentile in ms, CPU in ms a request."""

    per_second: float
    p99: float
    busy: float


Found = dict[str, list[Measured]]


class Server:
    """A server that is ready to answer."""

    def __init__(self, process: subprocess.Popen, port: int) -> None:
        """process: it, and nothing around it. port: where it listens on this machine."""
        self.process, self.port = process, port

    def busy(self) -> float:
        """The seconds of processors that it has taken so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self) -> float:
        """The memory that it holds now."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def started(command: list[str | Path], port: int, cwd: Path, **variables: str) -> Iterator[Server]:
    """A server that this command starts, until the end."""
    with (cwd / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=cwd, env=own_environment() | variables, stdout=log, stderr=log)
    try:
        while process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/models/{NAME}/ready"):
                break
            time.sleep(0.2)
        else:
            sys.exit(f"{command} has ended:\n{(cwd / f'{port}.log').read_text()}")
        yield Server(process, port)
    finally:
        process.terminate()
        process.wait()


async def ask(port: int, request: bytes, until: float, most: int, took: list[float]) -> None:
    """One client: asks again as soon as it is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until and len(took) < most:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await reader.readexactly(int(length.partition(b":")[2]))
        if not head.startswith(b"HTTP/1.1 200"):
            sys.exit(f"{head}{body}")
        took.append(time.perf_counter() - began)
    writer.close()


def load(server: Server, body: bytes, clients: int, seconds: float = 1e6, most: int = sys.maxsize) -> Measured:
    """So many clients for so many seconds, or so many requests."""
    head = f"POST /v2/models/{NAME}/infer HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    took: list[float] = []
    busy, began = server.busy(), time.perf_counter()

    async def all_of_them() -> None:
        asked = (ask(server.port, head.encode() + body, began + seconds, most, took) for _ in range(clients))
        await asyncio.gather(*asked)

    asyncio.run(all_of_them())
    passed, busy = time.perf_counter() - began, server.busy() - busy
    p99 = statistics.quantiles(took, n=100)[98] if len(took) > 1 else took[0]
    return Measured(len(took) / passed, p99 * 1e3, busy / len(took) * 1e3)


def prepare(folder: Path) -> Path:
    """A project with a released model; beside it what its rivals serve, and the requests."""
    project = render_level(folder / "projects", maturity_level="1")
    run("make", "setup", cwd=project)
    for words in (["data"], ["train"], ["publish"]):
        run("uv", "run", NAME, *words, cwd=project)
    run("uv", "pip", "install", "-q", "mlserver-sklearn==1.7.1", cwd=project)
    for name, implementation, parameters in RIVALS.values():
        place = folder / name
        place.mkdir()
        settings = {"name": NAME, "implementation": implementation, "parameters": parameters}
        (place / "model-settings.json").write_text(json.dumps(settings))
    (folder / "zeros" / "zeros.py").write_text(ZEROS)
    run(project / ".venv/bin/python", "-c", AS_JOBLIB, folder / "sklearn", cwd=project)
    run(project / ".venv/bin/python", "-c", REQUESTS, folder, *map(str, ROWS), cwd=project)
    return project


@contextmanager
def all_started(folder: Path, project: Path) -> Iterator[dict[str, Server]]:
    """The project's server and its rivals, all in the same environment."""
    with ExitStack() as stack:
        port, *others = free_ports(1 + 3 * len(RIVALS))
        ours = [project / ".venv/bin" / NAME, "serve", "--port", str(port)]
        servers = {"ours": stack.enter_context(started(ours, port, project))}
        for name, (place, _, _) in RIVALS.items():
            http, grpc, metrics = others[:3]
            others = others[3:]
            settings = {"host": "127.0.0.1", "http_port": http, "grpc_port": grpc, "metrics_port": metrics}
            (folder / place / "settings.json").write_text(json.dumps(settings | {"parallel_workers": 0}))
            command = [project / ".venv/bin/mlserver", "start", folder / place]
            servers[name] = stack.enter_context(started(command, http, folder / place))
        yield servers


def compare(
    servers: dict[str, Server],
    folder: Path,
    print_line: Callable[[int, int, Found], None],
    rounds: int,
    seconds: float,
    warm: float,
    settle: float = 0,
) -> None:
    """Print, for each size of request and number of clients, what these reach in turns, each of which another begins.

    settle: seconds in which whoever was asked may do what is still to be done, so that it disturbs nobody else.
    """
    names = list(servers)
    for rows in ROWS:
        body = (folder / f"{rows}.json").read_bytes()
        for server in servers.values():
            load(server, body, CLIENTS[-1], seconds=warm)
        for clients in CLIENTS:
            found: Found = {name: [] for name in names}
            for turn in range(rounds):
                first = turn % len(names)
                for name in names[first:] + names[:first]:
                    found[name].append(load(servers[name], body, clients, seconds=seconds))
                    time.sleep(settle)
            print_line(rows, clients, found)


def median(found: Found, name: str, of: str) -> float:
    """What one of them reaches."""
    return statistics.median(getattr(one, of) for one in found[name])


def size_asked_for(about: str, quick: dict[str, float], full: dict[str, float]) -> dict[str, float]:
    """How much to do, as the command line says."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="everything once, for a moment: it still runs")
    return quick if parser.parse_args().quick else full


def print_line(rows: int, clients: int, found: Found) -> None:
    """One line of the table: ours, and as ratios to the others."""
    ours, theirs, limit = (median(found, name, "per_second") for name in ("ours", "mlserver-sklearn", "zeros"))
    p99, busy = (median(found, "ours", of) / median(found, "mlserver-sklearn", of) for of in ("p99", "busy"))
    print(
        f"| {rows} | {clients} | {ours:.0f} to {theirs:.0f} and {limit:.0f} | {ours / theirs:.2f} | {ours / limit:.2f} "
        f"| {p99:.2f} | {busy:.2f} |",
        flush=True,
    )


def main() -> None:
    """Print all ratios."""
    size = size_asked_for(__doc__, QUICK, FULL)
    requests = size.pop("requests")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = prepare(folder)
        with all_started(folder, project) as servers:
            print("| rows | clients | requests a second | of mlserver-sklearn | of the limit | p99 | CPU a request |")
            print("|---|---|---|---|---|---|---|", flush=True)
            compare(servers, folder, print_line, **size)
            server, body = servers["ours"], (folder / "1.json").read_bytes()
            before = server.megabytes()
            load(server, body, CLIENTS[-1], most=requests)
            print(f"memory: {server.megabytes() / before:.3f} of what it was, {requests:,} requests later")


if __name__ == "__main__":
    main()
