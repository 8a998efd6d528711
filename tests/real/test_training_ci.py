"""Level 2 trains by CI: GitHub's and Jenkins' stage emulated, all that they call real.

Real are git, the project's commands and an MLflow server that asks for a password. Emulated are GitHub (act) and
Jenkins (its pipeline in Groovy).
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from emulation import github, jenkins, machine
from servers import tracking
from support import run, tool

pytestmark = pytest.mark.real
IDENTITY = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
USER, PASSWORD = "training", "emulated-password-1"
AT_NIGHT, BY_HAND = True, False


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that asks for a name and a password."""
    with tracking(tmp_path_factory.mktemp("server"), USER, PASSWORD) as running:
        yield running


@dataclass
class Team:
    """People who push to a repository, and the CI that trains."""

    clone: Path
    scratch: Path
    count: int = 0

    def push(self) -> None:
        run("git", "add", "-A", cwd=self.clone)
        run("git", *IDENTITY, "commit", "-q", "-m", "change", cwd=self.clone)
        run("git", "push", "-q", "origin", "main", cwd=self.clone)

    def fresh(self) -> Path:
        self.count += 1
        (folder := self.scratch / str(self.count)).mkdir(parents=True)
        return folder

    def github(self, at_night: bool, **variables: str) -> github.Result:
        return github.run(
            self.clone,
            "train.yml",
            event="schedule" if at_night else "workflow_dispatch",
            secrets={"MLFLOW_TRACKING_PASSWORD": PASSWORD},
            variables=variables,
            environment=machine.environment(),
            artifacts=self.fresh() / "artifacts",
        )

    def jenkins(self, at_night: bool, **variables: str) -> jenkins.Result:
        folder = self.fresh()
        origin = run("git", "remote", "get-url", "origin", cwd=self.clone).stdout.strip()
        run("git", "clone", "-q", origin, folder / "workspace", cwd=folder)
        (folder / "home").mkdir()
        secrets = {"mlflow-tracking-password": PASSWORD, "aws-access-key-id": "-", "aws-secret-access-key": "-"}
        return jenkins.run(
            folder / "workspace/jenkins/train.Jenkinsfile",
            folder / "workspace",
            branch="main",
            environment=machine.environment() | {"HOME": str(folder / "home")} | variables,
            credentials={name: {"type": "text", "value": value} for name, value in secrets.items()},
            archive=folder / "archive",
            cause="TimerTrigger" if at_night else "UserIdCause",
        )


@pytest.fixture(scope="module")
def team(baked, tmp_path_factory) -> Team:
    """A project whose data is in its repository, with what is to be under version control."""
    for name in ("uv", "make", "git", "java"):
        tool(name)
    folder = tmp_path_factory.mktemp("team")
    origin, clone = folder / "our-org" / "my_ml_project.git", folder / "my_ml_project"
    origin.mkdir(parents=True)
    run("git", "init", "-q", "--bare", "-b", "main", cwd=origin)
    shutil.copytree(baked(maturity_level="2"), clone)
    run("make", "data", cwd=clone)
    run("git", "init", "-q", "-b", "main", cwd=clone)
    run("git", "remote", "add", "origin", origin, cwd=clone)
    team = Team(clone, folder / "runs")
    team.push()
    return team


def test_at_night_nothing_starts_before_somebody_says_where_to_track(team):
    assert team.github(AT_NIGHT).jobs == {"train": "skipped"}
    made = team.jenkins(AT_NIGHT)
    assert (made.result, made.stages) == ("SUCCESS", {"Train": "SKIPPED"})


def test_by_hand_the_command_refuses_to_track_on_a_machine_of_the_ci(team):
    by_github, by_jenkins = team.github(BY_HAND), team.jenkins(BY_HAND)
    assert by_github.jobs == {"train": "failure"} and by_jenkins.stages == {"Train": "FAILURE"}
    for result in (by_github, by_jenkins):
        assert "mlflow.db, on this machine alone. Give the address of an MLflow server" in result.log
        assert "Training on" not in result.log


def test_new_data_is_trained_on_once_whichever_ci_comes_first(team, server):
    reach = {"MLFLOW_TRACKING_URI": server.url, "MLFLOW_TRACKING_USERNAME": USER}
    first, second = team.github(AT_NIGHT, **reach), team.jenkins(AT_NIGHT, **reach)
    assert first.success and second.result == "SUCCESS", first.log + second.log
    assert "Training on" in first.log and "Nothing new: run" in second.log
    assert server.runs() == [("FINISHED", "new data")] and server.versions() == 1

    table = team.clone / "data/customers.csv"
    lines = table.read_text("utf-8").splitlines()
    table.write_text("\n".join([*lines, *lines[-200:]]) + "\n", encoding="utf-8")
    team.push()
    third, fourth = team.jenkins(AT_NIGHT, **reach), team.github(BY_HAND, **reach)
    assert third.result == "SUCCESS" and fourth.success, third.log + fourth.log
    assert "Training on" in third.log and "Nothing new: run" in fourth.log
    assert server.runs() == [("FINISHED", "new data")] * 2 and server.versions() == 2
    assert PASSWORD not in first.log + second.log + third.log + fourth.log


def test_a_wrong_password_fails_the_job_and_says_so(team, server):
    before = server.runs()
    made = team.jenkins(AT_NIGHT, MLFLOW_TRACKING_URI=server.url, MLFLOW_TRACKING_USERNAME="somebody else")
    assert made.stages == {"Train": "FAILURE"} and "You are not authenticated" in made.log
    assert server.runs() == before
