"""Level 3: what a served model answers is logged wherever the log is, and answered whatever becomes of the log."""

import csv
import json
import random
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import boto3
import pytest
from emulation.containers import free_ports
from moto.server import ThreadedMotoServer
from servers import MAKE_SERVABLE, NAME, Server, mlserver, served
from support import INSIDE, own_environment, project_command, run, volume

pytestmark = pytest.mark.real
LEVEL_3 = INSIDE.parent / "level_3"
KEYS = {"AWS_ACCESS_KEY_ID": "emulated-id", "AWS_SECRET_ACCESS_KEY": "emulated-secret"}
REGION = "us-east-1"
BUCKET = "predictions"
# All rows of a log, as DuckDB reads Parquet, and not a line of the project.
ASK_DUCKDB = """
import duckdb, json, sys
rows = duckdb.sql(f"SELECT id, row, model FROM read_parquet('{sys.argv[1]}', union_by_name=true)")
print(json.dumps(rows.fetchall()))
"""


@pytest.fixture(scope="module")
def project(in_place_3) -> Path:
    """A project with what it takes to reach S3."""
    run("uv", "add", "-q", "s3fs", cwd=in_place_3)
    return in_place_3


def logged(project: Path, files: Path) -> list[tuple[str, int, str]]:
    """Id, row and model of all that is in these parts of a log."""
    said = run("uv", "run", "python", "-c", ASK_DUCKDB, files, cwd=project).stdout
    return [tuple(row) for row in json.loads(said)]


def ask_many(server: Server, start: int, count: int) -> set[str]:
    """Ask the server so many times; the ids of the requests, each of which is answered."""
    ids = {f"request-{number}" for number in range(start, start + count)}
    for one in ids:
        assert server.predict(server.good | {"id": one})
    return ids


def unobserved(server: Server) -> int:
    """What the server says it has dropped."""
    metrics = ""
    for port in server.ports - {server.port}:  # at one of them it loads models, and tells no metrics
        with suppress(urllib.error.HTTPError), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            metrics += answer.read().decode()
    (count,) = re.findall(r"^model_rows_unobserved_total ([\d.e+]+)$", metrics, re.MULTILINE)
    return int(float(count))


def test_the_projects_own_checks_pass(copied_3):
    """And of its tests those that the packages of this level may matter to."""
    for check in (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]):
        run("uv", "run", *check, cwd=copied_3)
    tests = ["tests/monitoring", "tests/releases", "tests/core", "tests/test_layers.py", "tests/test_settings.py"]
    run("uv", "run", "pytest", "-q", "-n", "auto", *tests, cwd=copied_3)


def test_the_rule_of_labels(project, tmp_path):
    tests = shutil.copy(LEVEL_3 / "test_rule.py", tmp_path)
    command = [
        "uv",
        "run",
        "--with",
        "hypothesis",
        "python",
        "-m",
        "pytest",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        tests,
    ]
    run(*command, cwd=project, EXAMPLES=str(volume(300)))


def test_what_several_write_is_there_once_whoever_is_killed_and_whoever_tidies(project):
    shutil.rmtree(project / "predictions", ignore_errors=True)
    requests, chance = volume(2_500), random.Random(0)

    def start(writer: int) -> subprocess.Popen:
        command = [project / ".venv/bin/python", LEVEL_3 / "writers.py", str(writer), str(requests)]
        return subprocess.Popen(command, cwd=project, env=own_environment(), stdout=subprocess.PIPE, text=True)

    writers = {number: start(number) for number in range(4)}
    killed = []
    for number in (0, 1):
        told = 0
        while told < requests * chance.uniform(0.2, 0.8):
            told = int(writers[number].stdout.readline())
        writers[number].kill()
        writers[number].communicate()
        killed.append(number)
        writers[number + 4] = start(number + 4)
        project_command(project, "predictions", "tidy")
    dropped, memory = {}, []
    for number, writer in writers.items():
        if number not in killed:
            said, _ = writer.communicate()
            assert writer.returncode == 0
            (last,) = said.splitlines()[-1:]
            dropped[number] = int(last.split()[1])
            memory.append(int(last.split()[3]))
    project_command(project, "predictions", "tidy")
    project_command(project, "predictions", "export", "--out", "all.csv")
    with (project / "all.csv").open(encoding="utf-8", newline="") as lines:
        rows = [(row["id"], row["row"]) for row in csv.DictReader(lines)]
    found = Counter(rows)
    assert set(found.values()) == {1}
    of_writer = Counter(int(one.partition("-")[0]) for one, _ in found)
    for number in dropped:
        assert of_writer[number] + dropped[number] == requests * 10
    for number in killed:  # what was told before, up to some moment, and nothing in part
        last = of_writer[number] // 10
        assert of_writer[number] % 10 == 0 and all((f"{number}-{one}", "9") in found for one in range(last))
    print(f"{len(rows)} rows; memory {max(memory) / 1e6:.0f} MB at most; dropped {dropped}")
    assert max(memory) < 2**30


@contextmanager
def s3() -> Iterator[dict[str, str]]:
    """An emulated S3 with an empty bucket; the variables that lead to it."""
    (port,) = free_ports(1)
    emulated = ThreadedMotoServer("127.0.0.1", port=port, verbose=False)
    emulated.start()
    try:
        reach = KEYS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_DEFAULT_REGION": REGION}
        client("create_bucket", reach, Bucket=BUCKET)
        yield reach
    finally:
        emulated.stop()


def client(method: str, reach: dict[str, str], **arguments: str) -> dict:
    known = {"aws_access_key_id": KEYS["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": KEYS["AWS_SECRET_ACCESS_KEY"]}
    one = boto3.client("s3", endpoint_url=reach["AWS_ENDPOINT_URL"], region_name=REGION, **known)
    return getattr(one, method)(**arguments)


def test_a_log_on_an_emulated_s3_is_written_read_tidied_and_labelled(project, tmp_path):
    with s3() as reach:
        where = f"s3://{BUCKET}/log"
        for start in (0, 10):  # two servers, one after the other
            with served(project, tmp_path / "log", PREDICTIONS=where, **reach) as server:
                ids = ask_many(server, start, 10)
        params = project / "params.yaml"
        before = params.read_text("utf-8")
        changed = before.replace("  predictions: predictions ", f"  predictions: {where} ")
        params.write_text(changed.replace("  labels: labels ", f"  labels: s3://{BUCKET}/labels "), "utf-8")
        try:
            (tmp_path / "labels.csv").write_text("prediction_id,churned\n" + "".join(f"{one}/2,yes\n" for one in ids))
            for said in ("10 labels taken", "taken before"):
                assert said in project_command(project, "labels", str(tmp_path / "labels.csv"), **reach).stdout
            for _ in range(2):
                done = project_command(project, "predictions", "export", "--out", str(tmp_path / "out.csv"), **reach)
                assert "110 predictions, 10 with a label" in done.stdout
                project_command(project, "predictions", "tidy", **reach)
        finally:
            params.write_text(before, "utf-8")
        merged = [
            one["Key"] for one in client("list_objects_v2", reach, Bucket=BUCKET)["Contents"] if "merged" in one["Key"]
        ]
        assert len(merged) == 1


def test_mlserver_by_itself_as_under_seldon_logs_the_last_rows_when_it_ends(project, tmp_path):
    """On an emulated S3, whose client must still be able to begin something when the server is asked to end."""
    run("uv", "run", "python", "-c", MAKE_SERVABLE, tmp_path / NAME, cwd=project)
    with s3() as reach:
        variables = reach | {"PREDICTIONS": f"s3://{BUCKET}/log"}
        with mlserver(project, tmp_path, **variables) as server:
            ids = ask_many(server, 0, 10)
        for number, part in enumerate(client("list_objects_v2", reach, Bucket=BUCKET)["Contents"]):
            content = client("get_object", reach, Bucket=BUCKET, Key=part["Key"])["Body"].read()
            (tmp_path / f"{number}.parquet").write_bytes(content)
    assert ids <= {one for one, *_ in logged(project, tmp_path / "*.parquet")}


def test_a_store_that_hangs_or_refuses_keeps_no_answer_back(project, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes what comes, and never answers
        reach = KEYS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        with served(project, tmp_path / "log", PREDICTIONS=f"s3://{BUCKET}/log", **reach) as server:
            ask_many(server, 0, 20)
    assert "rows were answered that nobody could be told of" in (tmp_path / "log").read_text("utf-8")
    missing = {"PREDICTIONS": "s3://another/log"}  # a bucket that is not there
    with s3() as reach, served(project, tmp_path / "log", **missing, **reach) as server:
        ask_many(server, 0, 20)


def test_a_full_disk_keeps_no_answer_back_and_what_is_lost_is_counted(project, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if run("mount", "-t", "tmpfs", "-o", "size=64k", "none", disk, cwd=tmp_path, check=False).returncode:
        pytest.skip("this machine mounts nothing")
    try:
        (disk / "full").write_bytes(b"x" * 60_000)
        with served(project, tmp_path / "log", PREDICTIONS=str(disk / "log")) as server:
            ask_many(server, 0, 20)
            while unobserved(server) < 105:  # after all tries; one request was the first look at the server
                time.sleep(0.5)
            (disk / "full").unlink()
            ids = ask_many(server, 20, 4)
        assert {one for one, *_ in logged(project, disk / "log/*/*.parquet")} == ids
    finally:
        subprocess.run(["umount", disk], check=True)
