"""Level 3: of two who move a pointer on S3 at once one does, and whoever has looked before sees it at once."""

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer
from support import INSIDE, own_environment, run, volume

pytestmark = pytest.mark.real
MOVERS = INSIDE.parent / "level_3" / "movers.py"
KEYS = {"AWS_ACCESS_KEY_ID": "emulated-id", "AWS_SECRET_ACCESS_KEY": "emulated-secret"}
REGION = "us-east-1"
BUCKET = "pointers"
put_object, one_at_a_time = S3Response.put_object, threading.Lock()


def put_as_s3_does(self: S3Response):
    """The emulation looks whether an object is there, and then writes it: S3 leaves no moment between the two."""
    with one_at_a_time:
        return put_object(self)


def put_and_heed_nothing(self: S3Response):
    """As a store that does not know the condition."""
    self.headers = {name: value for name, value in self.headers.items() if name.lower() != "if-none-match"}
    return put_object(self)


@pytest.fixture(scope="module")
def project(in_place_3) -> Path:
    """A project with what it takes to reach S3."""
    run("uv", "add", "-q", "s3fs", cwd=in_place_3)
    return in_place_3


@pytest.fixture
def s3(monkeypatch) -> Iterator[str]:
    """The address of an S3 with a bucket (moto: an emulation)."""
    monkeypatch.setattr(S3Response, "put_object", put_as_s3_does)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    client(url).create_bucket(Bucket=BUCKET)
    yield url
    for key in keys_in(url):  # the emulation keeps them beyond its server
        client(url).delete_object(Bucket=BUCKET, Key=key)
    server.stop()


def client(url: str):
    keys = {"aws_access_key_id": KEYS["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": KEYS["AWS_SECRET_ACCESS_KEY"]}
    return boto3.client("s3", endpoint_url=url, region_name=REGION, **keys)


def keys_in(url: str) -> list[str]:
    return [one["Key"] for one in client(url).list_objects_v2(Bucket=BUCKET).get("Contents", [])]


class Mover:
    """A process that moves the pointer."""

    def __init__(self, project: Path, url: str, who: str, address: str) -> None:
        self.process = subprocess.Popen(
            [project / ".venv/bin/python", MOVERS, who, address],
            cwd=project,
            env=own_environment() | KEYS | {"AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def said(self) -> str:
        return self.process.stdout.readline().strip()

    def ask(self, line: str) -> str:
        self.tell(line)
        return self.said()


@pytest.fixture
def start(project, s3) -> Iterator:
    """start(who, address): a process that moves the pointer, until the end."""
    movers = []

    def begin(who: str, address: str = f"s3://{BUCKET}/of us") -> Mover:
        movers.append(Mover(project, s3, who, address))
        return movers[-1]

    yield begin
    for mover in movers:
        mover.process.stdin.close()
        mover.process.wait()


def test_of_two_who_move_it_at_once_one_does_and_who_has_looked_before_sees_it_at_once(start, s3):
    movers, reader = [start("a"), start("b")], start("reader")
    pointed, rounds, winners = "nothing", volume(40), []
    for number in range(rounds):
        assert [one.ask("look") for one in (*movers, reader)] == [pointed] * 3
        for mover in movers:
            mover.tell(f"move {number}")
        came = [mover.said() for mover in movers]
        assert sorted(one == "moved" for one in came) == [False, True], came
        assert all(one == "moved" or "Meanwhile s3://pointers/of us/production was changed" in one for one in came)
        winners.append("ab"[came.index("moved")])
        pointed = f"releases/{number}-{winners[-1]}/release.json"
        assert reader.ask("look") == pointed
    names = [f"of us/production/{number:08d}.json" for number in range(1, rounds + 1)]
    assert keys_in(s3) == ["of us/production/.exclusive", *names]
    entries = [json.loads(client(s3).get_object(Bucket=BUCKET, Key=name)["Body"].read()) for name in names]
    assert [one["by"] for one in entries] == winners


def test_a_store_that_heeds_no_condition_is_noticed_before_anything_is_written_over(start, s3, monkeypatch):
    mover = start("a")
    assert mover.ask("look") == "nothing" and mover.ask("move 1") == "moved"
    kept = keys_in(s3)
    monkeypatch.setattr(S3Response, "put_object", put_and_heed_nothing)
    mover.ask("look")
    assert "this store writes over what is there" in mover.ask("move 2") and keys_in(s3) == kept


def test_a_bucket_that_is_not_there_is_not_taken_for_one_in_which_nothing_is(start):
    mover = start("a", "s3://misspelt")
    assert "s3://misspelt/production cannot be used" in mover.ask("look")
