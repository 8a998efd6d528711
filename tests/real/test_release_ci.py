"""Level 3 releases by CI: GitHub's and Jenkins' stage emulated, all that they call real.

Real are git, also as who refuses a push, the project's commands and an MLflow server that asks for a password. Emulated
are GitHub (act, and a hub that starts workflows), Jenkins (its pipeline in Groovy) and S3 (moto).
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
import yaml
from emulation import github, hub, jenkins, machine
from moto.server import ThreadedMotoServer
from servers import Tracking, tracking
from support import configure, edit, run, tool

pytestmark = pytest.mark.real
IDENTITY = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
USER, PASSWORD, PUSH_KEY = "training", "emulated-password-1", "emulated-push-key"
BUCKET, KEYS = "shop", {"AWS_ACCESS_KEY_ID": "emulated-id", "AWS_SECRET_ACCESS_KEY": "emulated-secret"}
SECRETS = (PASSWORD, PUSH_KEY, KEYS["AWS_SECRET_ACCESS_KEY"], github.TOKEN)
POINTER = "deploy/release.yaml"
AFTER_TRAINING, WISHED = ("Train", "success"), {"RELEASE_AFTER_TRAINING": "yes"}
TRAIN = """
import sys
from pathlib import Path
from my_ml_project.pipelines.training import describe_job
from my_ml_project.settings import load_settings
sys.path.insert(0, "tests")
from in_process import run_steps
settings = load_settings()
run_steps(describe_job(settings, settings.data.uri, "by hand", ""), Path(sys.argv[1]))
"""


@dataclass
class Team:
    """People who train and push, and the CI that releases."""

    clone: Path
    scratch: Path
    server: Tracking
    hub: hub.Hub
    reach: dict[str, str]
    count: int = 0

    def train(self, **parameters: float | str) -> None:
        """Train as the job before does, with these parameters: all steps of its pipeline, in one process."""
        self.change("model", parameters=parameters)
        reach = self.reach | {"MLFLOW_TRACKING_PASSWORD": PASSWORD}
        run("uv", "run", "python", "-c", TRAIN, self.fresh(), cwd=self.clone, **reach)

    def change(self, section: str, **values: object) -> None:
        """Push other values of a section of params.yaml."""
        params = yaml.safe_load((self.clone / "params.yaml").read_text("utf-8"))
        configure(self.clone, **{section: params[section] | values})
        self.push("change")

    def push(self, message: str) -> None:
        run("git", "pull", "-q", "--ff-only", self.hub.repository, "main", cwd=self.clone)
        run("git", "add", "-A", cwd=self.clone)
        run("git", *IDENTITY, "commit", "-q", "--allow-empty", "-m", message, cwd=self.clone)
        run("git", "push", "-q", self.hub.repository, "HEAD:main", cwd=self.clone)

    def main(self) -> list[str]:
        """The commits of main: who made each, and what it is about, the newest first."""
        return self.hub.git("log", "--format=%an: %s", "main").splitlines()

    def released(self) -> str | None:
        """What the pointer on main says; None before the first release."""
        there = self.hub.git("ls-tree", "--name-only", "main", POINTER)
        return self.hub.git("show", f"main:{POINTER}") if there else None

    def fresh(self) -> Path:
        self.count += 1
        (folder := self.scratch / str(self.count)).mkdir(parents=True)
        return folder

    def github(self, after: tuple[str, str] | None = AFTER_TRAINING, **variables: str) -> github.Result:
        self.hub.started.clear()
        made = github.run(
            self.clone,
            "release.yml",
            event="workflow_run" if after else "workflow_dispatch",
            after=after or ("", ""),
            secrets=KEYS | {"MLFLOW_TRACKING_PASSWORD": PASSWORD},
            variables=self.reach | variables,
            environment=machine.with_project(self.clone),
            artifacts=self.fresh() / "artifacts",
            hub=self.hub,
        )
        assert not [secret for secret in SECRETS if secret in made.log]
        return made

    def jenkins(self, cause: str = "UpstreamCause", **variables: str) -> jenkins.Result:
        self.hub.started.clear()
        folder = self.fresh()
        run("git", "clone", "-q", self.hub.repository, folder / "workspace", cwd=folder)
        run("git", "remote", "set-url", "origin", self.hub.address, cwd=folder / "workspace")
        (folder / "home").mkdir()
        secrets = {"MLFLOW_TRACKING_PASSWORD": PASSWORD} | KEYS
        texts = {name.lower().replace("_", "-"): {"type": "text", "value": value} for name, value in secrets.items()}
        made = jenkins.run(
            folder / "workspace/jenkins/release.Jenkinsfile",
            folder / "workspace",
            branch="main",
            environment=machine.with_project(self.clone) | {"HOME": str(folder / "home")} | self.reach | variables,
            credentials=texts | {"git-push": {"type": "userpass", "username": "jenkins", "password": PUSH_KEY}},
            archive=folder / "archive",
            cause=cause,
        )
        assert not [secret for secret in SECRETS if secret in made.log]
        return made


@pytest.fixture(scope="module")
def team(in_place_3, tmp_path_factory) -> Team:
    """A project without a release, whose stores are where CI reaches them, and with one version of its model."""
    for name in ("uv", "make", "git", "java", "curl"):
        tool(name)
    folder = tmp_path_factory.mktemp("team")
    s3 = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    s3.start()
    url = "http://{}:{}".format(*s3.get_host_and_port())
    keys = {name.lower(): value for name, value in KEYS.items()}
    boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys).create_bucket(Bucket=BUCKET)
    (folder / "server").mkdir()
    with (
        tracking(folder / "server", USER, PASSWORD) as server,
        hub.running(folder / "our-org" / "my_ml_project.git", jenkins=PUSH_KEY) as running,
    ):
        reach = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": url}
        reach |= {"MLFLOW_TRACKING_URI": server.url, "MLFLOW_TRACKING_USERNAME": USER}
        team = Team(in_place_3, folder / "runs", server, running, reach)
        run("uv", "add", "s3fs", cwd=team.clone)
        configure(team.clone, state={"releases": f"s3://{BUCKET}/releases"})
        rollout = yaml.safe_load((team.clone / "rollout.yaml").read_text("utf-8"))
        rollout |= {"environments": {"production": {"target": "ci"}}}
        (team.clone / "rollout.yaml").write_text(yaml.safe_dump(rollout), encoding="utf-8")
        (team.clone / POINTER).unlink()
        run("git", "init", "-q", "-b", "main", cwd=team.clone)
        run("git", "remote", "add", "origin", running.address, cwd=team.clone)
        run("git", "add", "-A", cwd=team.clone)
        run("git", *IDENTITY, "commit", "-q", "-m", "a project", cwd=team.clone)
        run("git", "push", "-q", running.repository, "main", cwd=team.clone)
        team.train()
        yield team
    s3.stop()


def test_nothing_follows_a_training_before_that_is_wished_or_if_it_has_failed(team):
    assert team.github().jobs == {"release": "skipped"}
    assert team.github(after=("Train", "failure"), **WISHED).jobs == {"release": "skipped"}
    made = team.jenkins()
    assert (made.result, made.stages) == ("SUCCESS", {"Release": "SKIPPED"})


def test_a_push_meanwhile_wins_and_the_version_is_judged_anew(team):
    team.hub.interruption = lambda: team.push("by somebody else")
    made = team.github(**WISHED)
    assert made.jobs == {"release": "failure"}, made.log
    assert "Nothing was released, and the next run judges anew" in made.log
    assert (team.main()[0], team.released(), team.hub.started) == ("t: by somebody else", None, [])
    assert team.server.aliases() == {"challenger": "1"}

    made = team.jenkins(**WISHED)
    assert made.result == "SUCCESS", made.log
    assert team.main()[0].startswith("mlops bot: ") and team.main()[1] == "t: by somebody else"
    assert f"s3://{BUCKET}/releases/" in team.released() and team.server.aliases() == {"champion": "1"}
    assert team.hub.started == [("ci.yml", "push")]  # as a push by anybody does


def test_after_a_training_that_made_no_version_the_run_is_green(team):
    before = team.main()
    made = team.github(**WISHED)
    assert made.success and "There is no challenger" in made.log, made.log
    assert (team.main(), team.hub.started) == (before, [])


def test_a_worse_version_stays_where_it_is_until_it_is_good_enough(team):
    team.train(C=0.01, l1_ratio=1.0, solver="liblinear")
    before, released = team.main(), team.released()
    made = team.jenkins("UserIdCause")
    assert (made.result, made.stages) == ("SUCCESS", {"Release": "SUCCESS"}), made.log
    assert "comparison: fail" in made.log, made.log
    assert (team.main(), team.released(), team.hub.started) == (before, released, [])

    team.change("evaluation", margin=0.2)
    made = team.github(after=None)
    assert made.success, made.log
    assert team.main()[0].startswith("mlops bot: ") and team.released() != released
    assert team.hub.git("show", "--format=", "--name-only", "main").split() == [POINTER]
    assert team.server.aliases() == {"champion": "2"}
    assert team.hub.started == [("ci.yml", "workflow_dispatch")]  # which the push alone would not start


COMMITS = (
    "git -c user.name=t -c user.email=t@localhost commit -q --allow-empty -m release && git push -q origin HEAD:main"
)
RULE = """#!/bin/sh
[ $REMOTE_USER = deploy-key ] || { echo "error: GH013: Changes must be made through a pull request."; exit 1; }
"""


@pytest.mark.parametrize(
    ("key", "protected", "command", "outcome", "started"),
    [
        ("", False, COMMITS, "success", [("ci.yml", "workflow_dispatch")]),
        ("", False, "true", "success", []),
        ("", True, COMMITS, "failure", []),
        (PUSH_KEY, True, COMMITS, "success", [("ci.yml", "push")]),
    ],
    ids=["by its token", "nothing to push", "against a rule", "by a key that is in the rule's bypass list"],
)
def test_ci_is_started_once_by_whoever_pushes(baked, tmp_path, key, protected, command, outcome, started):
    """With a stand-in for the command alone, which releases or not."""
    clone = tmp_path / "clone"
    shutil.copytree(baked(maturity_level="3") / ".github", clone / ".github")
    edit(clone / ".github/workflows/release.yml", "make rollout", command)
    with hub.running(tmp_path / "our-org" / "my_ml_project.git", **{"deploy-key": PUSH_KEY}) as running:
        run("git", "init", "-q", "-b", "main", cwd=clone)
        run("git", "remote", "add", "origin", running.address, cwd=clone)
        run("git", "add", "-A", cwd=clone)
        run("git", *IDENTITY, "commit", "-q", "-m", "a project", cwd=clone)
        run("git", "push", "-q", running.repository, "main", cwd=clone)
        if protected:
            (rule := running.repository / "hooks/pre-receive").write_text(RULE, encoding="utf-8")
            rule.chmod(0o755)
        made = github.run(
            clone,
            "release.yml",
            event="workflow_dispatch",
            secrets={"RELEASE_DEPLOY_KEY": key},
            variables={},
            environment=machine.environment(),
            artifacts=tmp_path / "artifacts",
            hub=running,
        )
    assert made.jobs == {"release": outcome}, made.log
    assert running.started == started
    assert not [secret for secret in SECRETS if secret in made.log]
