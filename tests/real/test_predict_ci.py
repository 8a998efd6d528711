"""The nightly predictions: GitHub, Jenkins and an S3 emulated (act, Groovy, moto), all that they call real."""

import csv
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from emulation import github, jenkins, machine
from moto.server import ThreadedMotoServer
from support import configure, run, tool

pytestmark = pytest.mark.real
IDENTITY = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
BUCKET, KEYS = "nightly", {"AWS_ACCESS_KEY_ID": "emulated-id", "AWS_SECRET_ACCESS_KEY": "emulated-secret"}
# Names that a shell or make would read, and that must come through as they are.
TABLE, OUT = """new $(shell touch made) "customers".csv""", "who's `touch made` leaving; $HOME.csv"
ASKED = {"PREDICT_TABLE": f"s3://{BUCKET}/{TABLE}", "PREDICT_OUT": f"s3://{BUCKET}/{OUT}"}
AT_NIGHT, BY_HAND = True, False


@dataclass
class Team:
    """A project with a released model, and the CI that asks it."""

    clone: Path
    scratch: Path
    reach: dict[str, str]
    count: int = 0

    def bucket(self) -> object:
        """The bucket with the table, the answers and the releases."""
        keys = {name.lower(): value for name, value in KEYS.items()}
        return boto3.resource("s3", endpoint_url=self.reach["AWS_ENDPOINT_URL"], **keys).Bucket(BUCKET)

    def released(self) -> str:
        """The digest of the released model, as the one record of a release has it."""
        (record,) = [one for one in self.bucket().objects.all() if one.key.endswith("/release.json")]
        return json.load(record.get()["Body"])["model"]["sha256"]

    def answers(self) -> list[dict[str, str]]:
        """The rows that were written, which are taken away."""
        written = self.bucket().Object(OUT)
        content = written.get()["Body"].read().decode()
        written.delete()
        return list(csv.DictReader(io.StringIO(content)))

    def fresh(self) -> Path:
        self.count += 1
        (folder := self.scratch / str(self.count)).mkdir(parents=True)
        return folder

    def github(self, at_night: bool, **variables: str) -> github.Result:
        return github.run(
            self.clone,
            "predict.yml",
            event="schedule" if at_night else "workflow_dispatch",
            secrets=KEYS,
            variables=self.reach | variables,
            environment=machine.with_project(self.clone),
            artifacts=self.fresh() / "artifacts",
        )

    def jenkins(self, at_night: bool, **variables: str) -> jenkins.Result:
        folder = self.fresh()
        run("git", "clone", "-q", self.clone, folder / "workspace", cwd=folder)
        (folder / "home").mkdir()
        secrets = {name.lower().replace("_", "-"): value for name, value in KEYS.items()}
        return jenkins.run(
            folder / "workspace/jenkins/predict.Jenkinsfile",
            folder / "workspace",
            branch="main",
            environment=machine.with_project(self.clone) | {"HOME": str(folder / "home")} | self.reach | variables,
            credentials={name: {"type": "text", "value": value} for name, value in secrets.items()},
            archive=folder / "archive",
            cause="TimerTrigger" if at_night else "UserIdCause",
        )


@pytest.fixture(scope="module")
def team(in_place_1, tmp_path_factory) -> Team:
    """A project whose released model, like the table, is where others reach it."""
    for name in ("uv", "make", "git", "java"):
        tool(name)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    reach = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": url}
    team = Team(in_place_1, tmp_path_factory.mktemp("runs"), reach)
    team.bucket().create()
    team.bucket().upload_file(str(team.clone / "data/customers.csv"), TABLE)
    run("uv", "add", "s3fs", cwd=team.clone)
    configure(team.clone, state={"releases": f"s3://{BUCKET}/releases"})
    run("make", "publish", cwd=team.clone, **reach, **KEYS)
    run("git", "init", "-q", "-b", "main", cwd=team.clone)
    run("git", "remote", "add", "origin", "https://git.example.com/our-org/my_ml_project.git", cwd=team.clone)
    run("git", "add", "-A", cwd=team.clone)
    run("git", *IDENTITY, "commit", "-q", "-m", "a project", cwd=team.clone)
    yield team
    server.stop()


def test_at_night_nothing_starts_before_somebody_names_a_table(team):
    elsewhere = {"PREDICT_OUT": ASKED["PREDICT_OUT"]}
    assert team.github(AT_NIGHT, **elsewhere).jobs == {"predict": "skipped"}
    made = team.jenkins(AT_NIGHT, **elsewhere)
    assert (made.result, made.stages) == ("SUCCESS", {"Predict": "SKIPPED"})


def test_both_ask_the_released_model_about_all_rows(team):
    digest = team.released()
    for start in (team.github, team.jenkins):
        made = start(AT_NIGHT, **ASKED)
        assert f"4000 rows with the predictions of model {digest[:12]}" in made.log, made.log
        rows = team.answers()
        assert len(rows) == 4000 and {row["model_sha256"] for row in rows} == {digest}
        assert "emulated-secret" not in made.log


def test_by_hand_the_command_says_what_is_missing(team):
    made = team.github(BY_HAND, PREDICT_TABLE=ASKED["PREDICT_TABLE"])
    assert made.jobs == {"predict": "failure"}
    assert "would be in predictions.csv, on this machine alone. Set PREDICT_OUT" in made.log


def test_neither_make_nor_the_shell_reads_an_address(team, tmp_path):
    """However it comes: typed behind make, or set by the same name, or as CI sets it."""
    (program := tmp_path / "uv").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    typed = [f"table={TABLE}", f"out={OUT}"]
    for words, variables in (
        (typed, {}),
        ([], dict(word.split("=", 1) for word in typed)),
        ([], {"PREDICT_TABLE": TABLE, "PREDICT_OUT": OUT}),
        (typed, {"PREDICT_TABLE": "another", "PREDICT_OUT": "another", "table": "another"}),
    ):
        said = run("make", "--silent", "predict", *words, cwd=team.clone, **variables, PATH=path).stdout
        assert said.splitlines() == ["run", "my_ml_project", "predict", "--out", OUT, "--", TABLE]
    assert not (team.clone / "made").exists()
