"""Servers that a test starts: on a free port of this machine, and ended with all that they have started."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support import own_environment

SECONDS_TO_ANSWER = 600


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
