"""Level 2's `make demo` fails when any part is broken, and runs on MLflow's server. test_chain.py has its verdict."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import demo, demo_record, edit, own_environment, use_own_data
from verdict_2 import check_verdict

pytestmark = pytest.mark.real
PACKAGE = "src/my_ml_project"


def register_nothing(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/steps.py", "if not found.missed:", "if False:")


def reproduce_from_other_rows(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/reproduction.py", "train(job, train_rows,", "train(job, test_rows,")


def lose_the_pointer(project: Path) -> None:
    edit(project / PACKAGE / "releases/commands.py", "    write_pointer(pointer)\n", "")


def let_the_champion_be(project: Path) -> None:
    edit(project / PACKAGE / "candidates/commands.py", "        follow(client)\n\n\ndef propose", "\n\ndef propose")


def watch_nothing(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/commands.py", "    from watchfiles", "    return\n    from watchfiles")


def train_on_what_is_known(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/commands.py", '"new data" if if_new else "by hand"', '"by hand"')


def check_no_schema(project: Path) -> None:
    edit(project / PACKAGE / "core/data.py", "    check_table(table, schema)\n", "")


@pytest.mark.parametrize(
    ("sabotage", "failed_step"),
    [
        (register_nothing, "train on 3600 rows"),
        (reproduce_from_other_rows, "reproduce the first run"),
        (lose_the_pointer, "release version 1 by hand"),
        (let_the_champion_be, "release version 1 by hand"),
        (watch_nothing, "watch the file from now on: no run"),
        (train_on_what_is_known, "watch the file from now on: no run"),
        (check_no_schema, "a bad batch: quarantine, no run"),
    ],
)
def test_one_part_broken_fails_the_demo_at_its_step(copied_2, sabotage, failed_step):
    sabotage(copied_2)
    done = demo(copied_2, check=False)
    assert done.returncode != 0 and "The promise was not kept" in done.stderr
    record = demo_record(copied_2)
    assert not record["kept"] and record["problem"]
    assert [step["step"] for step in record["steps"] if not step["done"]] == [failed_step]
    assert not (copied_2 / "reports/demo.png").exists()


@contextmanager
def mlflow_server(project: Path, folder: Path) -> Iterator[str]:
    """MLflow's own server, of the version that the project names, with its files in this folder; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["uv", "run", "--isolated", "--group", "ui", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", str(port), "--backend-store-uri", f"sqlite:///{folder / 'server.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    with (folder / "server.log").open("wb") as out:
        server = subprocess.Popen(
            command, cwd=project, env=own_environment(), stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        while not answers(f"http://127.0.0.1:{port}/health"):
            assert server.poll() is None, (folder / "server.log").read_text("utf-8")
            time.sleep(1)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except OSError:
        return False


def test_own_data_on_a_real_server_of_mlflow_is_the_same_demo(copied_2, tmp_path):
    use_own_data(copied_2, "houses")  # a number, with times, texts and gaps
    with mlflow_server(copied_2, tmp_path) as url:
        edit(
            copied_2 / "demo/level_2/promise.py",
            "self.tracking = f\"{store.SQLITE}{folder.absolute() / 'mlflow.db'}\"",
            f'self.tracking = "{url}"',
        )
        demo(copied_2)
        check_verdict(copied_2, url)
    assert not (copied_2 / "demo/workspace/mlflow.db").exists()
