"""What the log of predictions costs an answer, as ratios in one run: a server that logs, to one that does not.

    uvx --with-requirements tests/requirements.txt python benchmarks/prediction_log.py

The same model and the same requests, on a log on this machine, on an emulated S3, and on a store that takes what comes
and never answers. The servers take turns; medians of several rounds count. On an idle machine with two cores; `--quick`
runs all once for a moment.
"""

import argparse
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from serving import NAME, REQUESTS, Measured, Server, free_ports, load, started
from support import render_level, run

FULL = {"rounds": 5, "seconds": 6.0, "warm": 3.0, "settle": 6.0}
QUICK = {"rounds": 1, "seconds": 0.3, "warm": 0.3, "settle": 0.0}
ROWS, CLIENTS = (1, 100), (1, 8, 32)
KEYS = {
    "AWS_ACCESS_KEY_ID": "emulated-id",
    "AWS_SECRET_ACCESS_KEY": "emulated-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}
UNOBSERVED = f"from {NAME}.serving import observers; observers.folders = []; from {NAME}.cli import main; main()"
MAKE_BUCKET = """
import sys, time, s3fs
while True:
    try:
        s3fs.S3FileSystem(endpoint_url=sys.argv[1]).mkdir("predictions")
        break
    except OSError:  # it has not started yet
        time.sleep(0.2)
"""


def prepare(folder: Path) -> Path:
    """A project with a released model that reaches S3; beside it the requests."""
    project = render_level(folder / "projects", maturity_level="3")
    run("make", "setup", "data", "train", "publish", cwd=project)
    run("uv", "add", "-q", "s3fs", cwd=project)
    run(project / ".venv/bin/python", "-c", REQUESTS, folder, *map(str, ROWS), cwd=project)
    return project


@contextmanager
def stores(folder: Path, project: Path) -> Iterator[dict[str, dict[str, str]]]:
    """The variables that lead a server to each store."""
    (port,) = free_ports(1)
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    emulated = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        run(project / ".venv/bin/python", "-c", MAKE_BUCKET, endpoint, cwd=project, **KEYS)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            nobody = f"http://127.0.0.1:{silent.getsockname()[1]}"
            there = KEYS | {"PREDICTIONS": "s3://predictions/log"}
            yield {
                "this machine": {"PREDICTIONS": str(folder / "log")},
                "emulated S3": there | {"AWS_ENDPOINT_URL": endpoint},
                "a store that hangs": there | {"AWS_ENDPOINT_URL": nobody},
            }
    finally:
        emulated.terminate()
        emulated.wait()


@contextmanager
def all_started(folder: Path, project: Path) -> Iterator[dict[str, Server]]:
    """A server that logs nothing, and one for each store."""
    with ExitStack() as stack:
        places = stack.enter_context(stores(folder, project))
        ports = free_ports(1 + len(places))
        unobserved = [project / ".venv/bin/python", "-c", UNOBSERVED, "serve", "--port", str(ports[0])]
        servers = {"none": stack.enter_context(started(unobserved, ports[0], project))}
        for (name, variables), port in zip(places.items(), ports[1:], strict=True):
            command = [project / ".venv/bin" / NAME, "serve", "--port", str(port)]
            servers[name] = stack.enter_context(started(command, port, project, **variables))
        yield servers


def compare(servers: dict[str, Server], folder: Path, rounds: int, seconds: float, warm: float, settle: float) -> None:
    """Print, for each size of request and number of clients, what a log at each place leaves."""
    print(
        "| rows | clients | without a log | "
        + " | ".join(f"{name}: requests, p99" for name in list(servers)[1:])
        + " |"
    )
    print("|---" * (2 + len(servers)) + "|", flush=True)
    for rows in ROWS:
        body = (folder / f"{rows}.json").read_bytes()
        for server in servers.values():
            load(server, body, CLIENTS[-1], seconds=warm)
        for clients in CLIENTS:
            found: dict[str, list[Measured]] = {name: [] for name in servers}
            for turn in range(rounds):
                for name in rotated(list(servers), turn):
                    found[name].append(load(servers[name], body, clients, seconds=seconds))
                    time.sleep(settle)  # until what it has still to write is written, and disturbs nobody else
            print_line(rows, clients, found)


def rotated(names: list[str], turn: int) -> list[str]:
    """The same, each of them once the first."""
    first = turn % len(names)
    return names[first:] + names[:first]


def print_line(rows: int, clients: int, found: dict[str, list[Measured]]) -> None:
    """One line of the table, each store as ratios to the server without a log."""

    def median(name: str, of: str) -> float:
        return statistics.median(getattr(one, of) for one in found[name])

    cells = [str(rows), str(clients), f"{median('none', 'per_second'):.0f}"]
    for name in list(found)[1:]:
        cells.append(", ".join(f"{median(name, of) / median('none', of):.2f}" for of in ("per_second", "p99")))
    print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Print all ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="everything once, for a moment: it still runs")
    size = QUICK if parser.parse_args().quick else FULL
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = prepare(folder)
        with all_started(folder, project) as servers:
            compare(servers, folder, **size)


if __name__ == "__main__":
    main()
