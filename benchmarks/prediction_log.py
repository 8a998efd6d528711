"""What the log of predictions costs an answer, as ratios in one run: a server that logs, to one that does not.

    uvx --with-requirements tests/requirements.txt python benchmarks/prediction_log.py

The same model and the same requests, on a log on this machine, on an emulated S3, and on a store that takes what comes
and never answers. The servers take turns; medians of several rounds count. On an idle machine with two cores; `--quick`
runs all once for a moment.
"""

import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from serving import NAME, REQUESTS, ROWS, Found, Server, compare, free_ports, median, size_asked_for, started
from support import render_level, run

FULL = {"rounds": 5, "seconds": 6.0, "warm": 3.0, "settle": 6.0}
QUICK = {"rounds": 1, "seconds": 0.3, "warm": 0.3, "settle": 0.0}
KEYS = {
    "AWS_ACCESS_KEY_ID": "emulated-id",
    "AWS_SECRET_ACCESS_KEY": "emulated-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}
UNOBSERVED = (
    f"from {NAME} import cli; from {NAME}.serving import observers; observers.modules = lambda _: []; cli.main()"
)
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
        unobserved = [project / ".venv/bin/python", "-c", UNOBSERVED, "serve", "--latest", "--port", str(ports[0])]
        servers = {"none": stack.enter_context(started(unobserved, ports[0], project))}
        for (name, variables), port in zip(places.items(), ports[1:], strict=True):
            command = [project / ".venv/bin" / NAME, "serve", "--latest", "--port", str(port)]
            servers[name] = stack.enter_context(started(command, port, project, **variables))
        yield servers


def print_line(rows: int, clients: int, found: Found) -> None:
    """One line of the table, each store as ratios to the server without a log."""
    cells = [str(rows), str(clients), f"{median(found, 'none', 'per_second'):.0f}"]
    for name in list(found)[1:]:
        ratios = (median(found, name, of) / median(found, "none", of) for of in ("per_second", "p99"))
        cells.append(", ".join(f"{ratio:.2f}" for ratio in ratios))
    print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Print all ratios."""
    size = size_asked_for(__doc__, QUICK, FULL)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = prepare(folder)
        with all_started(folder, project) as servers:
            titles = ["rows", "clients", "without a log", *(f"{name}: requests, p99" for name in list(servers)[1:])]
            print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|", flush=True)
            compare(servers, folder, print_line, **size)


if __name__ == "__main__":
    main()
