"""Level 1 from a push to a service on a host: GitHub's and Jenkins' stages emulated, all that they call real.

Real are git, the project's commands, the image (built by buildah), SSH, and MLServer in the image's files. Emulated are
GitHub (act), Jenkins (its pipeline in Groovy), docker (buildah, without a network of its own) and S3 (moto).
"""

import json
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from emulation import base_image, docker, github, jenkins, machine
from emulation import host as machines
from moto.server import ThreadedMotoServer
from support import configure, edit, run, tool

pytestmark = pytest.mark.real
IDENTITY = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
BUCKET = "releases"
ON_GITHUB, ON_JENKINS = "github", "jenkins"
TOLD = f"TOLD_BY_THIS_HOST={secrets.token_hex(8)}"


@pytest.fixture(scope="module")
def store() -> dict[str, str]:
    """An S3 with a bucket (moto: an emulation); the variables that lead to it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    reach = {
        "AWS_ACCESS_KEY_ID": "emulated-id",
        "AWS_SECRET_ACCESS_KEY": "emulated-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": url,
    }
    keys = {"aws_access_key_id": "emulated-id", "aws_secret_access_key": "emulated-secret"}
    boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys).create_bucket(Bucket=BUCKET)
    yield reach
    server.stop()


@pytest.fixture(scope="module")
def runner(base_system, tmp_path_factory) -> Path:
    """The folder with the `docker` of the machine that builds, which has the image that ours starts from."""
    tool("buildah")
    folder = tmp_path_factory.mktemp("runner")
    base_image.make(folder / "storage", base_system)
    (folder / "programs").mkdir()
    docker.install(folder / "programs", folder / "storage")
    yield folder / "programs"
    docker.remove(folder / "storage")


@pytest.fixture(scope="module")
def host(tmp_path_factory) -> machines.Host:
    """The machine to deploy to."""
    with machines.running(tmp_path_factory.mktemp("host")) as running:
        yield running


@dataclass
class Team:
    """People who push to a repository, and the CI that runs then."""

    clone: Path
    store: dict[str, str]
    runner: Path
    host: machines.Host
    scratch: Path
    runs: int = 0

    def make(self, *words: str) -> str:
        return run("make", *words, cwd=self.clone, **self.store).stdout

    def push(self, branch: str = "main") -> None:
        run("git", "add", "-A", cwd=self.clone)
        run("git", *IDENTITY, "commit", "-q", "--allow-empty", "-m", "change", cwd=self.clone)
        run("git", "push", "-q", "origin", f"HEAD:{branch}", cwd=self.clone)

    def fresh(self, name: str) -> Path:
        self.runs += 1
        folder = self.scratch / f"{self.runs} {name}"
        folder.mkdir(parents=True)
        return folder

    def settings(self) -> dict[str, str]:
        """What the CI is told that is no secret."""
        reach = {name: self.store[name] for name in ("AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL")}
        return reach | {"DEPLOY_HOST": self.host.address, "DEPLOY_KNOWN_HOSTS": self.host.known_hosts}

    def github(self, branch: str = "main", event: str = "push", **variables: str) -> github.Result:
        keys = {name: self.store[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        return github.run(
            self.clone,
            "ci.yml",
            event=event,
            branch=branch,
            secrets=keys | {"DEPLOY_SSH_KEY": self.host.key},
            variables=self.settings() | variables,
            environment=machine.environment(self.runner),
            artifacts=self.fresh("github") / "artifacts",
        )

    def jenkins(self, branch: str = "main", **variables: str) -> jenkins.Result:
        folder = self.fresh("jenkins")
        origin = run("git", "remote", "get-url", "origin", cwd=self.clone).stdout.strip()
        run("git", "clone", "-q", "--branch", branch, origin, folder / "workspace", cwd=folder)
        (folder / "home").mkdir()
        return jenkins.run(
            folder / "workspace" / "Jenkinsfile",
            folder / "workspace",
            branch=branch,
            environment=machine.environment(self.runner) | {"HOME": str(folder / "home")} | self.settings() | variables,
            credentials={
                "deploy-ssh-key": {"type": "file", "path": str(self.host.key_file)},
                "aws-access-key-id": {"type": "text", "value": self.store["AWS_ACCESS_KEY_ID"]},
                "aws-secret-access-key": {"type": "text", "value": self.store["AWS_SECRET_ACCESS_KEY"]},
            },
            archive=folder / "archive",
        )

    def released(self) -> str:
        """The fingerprint of the model that the project points at."""
        return self.make("released").partition("sha256 ")[2].split()[0]

    def running(self) -> str | None:
        """The name of the deployment on the host; None before the first."""
        path = self.host.home / "my_ml_project/current"
        return path.read_text("utf-8").strip() if path.exists() else None

    def answering(self) -> str:
        """The fingerprint of the model that answers on the host."""
        words = ("compose", "--project-directory", self.running(), "port", "model", "8080")
        programs = self.host.home.parent / "programs"
        address = run(programs / "docker", *words, cwd=self.host.home / "my_ml_project").stdout.strip()
        return run("uv", "run", "python", "-c", ASK, f"http://{address}", cwd=self.clone).stdout.strip()


# Run in the project's environment: which model answers to the example rows of the model trained last?
ASK = """
import sys
from pathlib import Path
from my_ml_project.core.kept_models import latest_model
from my_ml_project.serving.client import ask
model = latest_model(Path("models"))
print(ask(sys.argv[1], model.example(), model.record.features)[1])
"""


@pytest.fixture(scope="module")
def team(newcomer_1, store, runner, host, tmp_path_factory) -> Team:
    """A project with a store that others reach, and a first release; nothing is pushed yet."""
    folder = tmp_path_factory.mktemp("team")
    origin, clone = folder / "our-org" / "my_ml_project.git", folder / "clone"
    origin.mkdir(parents=True)
    run("git", "init", "-q", "--bare", "-b", "main", cwd=origin)
    leave = shutil.ignore_patterns(".venv", ".*_cache", "workspace")
    shutil.copytree(newcomer_1, clone, ignore=leave)
    shutil.rmtree(clone / "releases")
    (clone / "deploy/release.yaml").unlink()
    run("git", "init", "-q", "-b", "main", cwd=clone)
    run("git", "remote", "add", "origin", origin, cwd=clone)
    team = Team(clone, store, runner, host, folder / "runs")
    run("uv", "add", "s3fs", cwd=clone)
    configure(clone, state={"releases": f"s3://{BUCKET}/churn"})
    team.make("publish")
    team.push()
    (host.home / "my_ml_project").mkdir()
    (host.home / "my_ml_project/model.env").write_text(f"{TOLD}\n", encoding="utf-8")
    return team


@pytest.fixture(scope="module")
def deployed(team) -> tuple[Team, github.Result]:
    """The first push to main, run by GitHub to the end."""
    return team, team.github()


@pytest.fixture(scope="module")
def team_in_a_hurry(deployed) -> Team:
    """From here on the project's own check looks at its style alone: all of it has been seen."""
    team, _ = deployed
    edit(team.clone / "mk/base.mk", "check: lint test", "check: lint")
    edit(team.clone / "mk/base.mk", "\tuv run mypy\n", "")
    team.push()
    return team


def test_a_push_to_main_is_checked_built_deployed_and_tested(deployed):
    team, result = deployed
    assert result.success, result.log
    assert result.jobs == {"check": "success", "build": "success", "deploy": "success"}
    stages = [name for _, name, outcome in result.steps if outcome == "success" and "/" not in name]
    assert stages == ["Check", "Build", "Deploy", "Smoke test"]
    assert team.answering() == team.released()
    assert "emulated-secret" not in result.log and "PRIVATE KEY" not in result.log


def test_the_image_runs_as_nobody_and_holds_neither_model_nor_tools(deployed):
    team, _ = deployed
    storage = ("--root", team.host.storage / "images", "--runroot", team.host.storage / "run")
    buildah = ("buildah", *storage, "--storage-driver", "overlay")
    tag = f"docker.io/library/my_ml_project:{team.running()}"
    config = json.loads(run(*buildah, "inspect", "--type", "image", tag, cwd=team.clone).stdout)["Docker"]["config"]
    assert config["User"] == "1000" and "Healthcheck" in config
    assert "127.0.0.1" not in json.dumps(config)
    name = run(*buildah, "from", "--pull-never", tag, cwd=team.clone).stdout.strip()
    try:
        root = Path(run(*buildah, "mount", name, cwd=team.clone).stdout.strip())
        installed = {path.name for path in (root / "app/.venv/lib/python3.11/site-packages").iterdir()}
        assert {"my_ml_project", "mlserver", "sklearn"} <= installed
        assert not installed & {"pytest", "mypy", "ruff", "jupyterlab", "pre_commit", "uv", "matplotlib"}
        assert not list((root / "app").rglob("uv")) and not list(root.glob("usr/bin/*gcc*"))
        assert not list((root / "app").rglob("*.skops")) and not (root / "models").exists()
        assert {path.name for path in (root / "app").iterdir()} == {".venv"}
    finally:
        run(*buildah, "rm", name, cwd=team.clone)


def test_what_is_deployed_reaches_no_other_machine_and_no_model_folder_knows_this_one(deployed):
    team, _ = deployed
    folder = team.host.home / "my_ml_project" / team.running()
    for path in (folder / "model").iterdir():
        assert b"127.0.0.1" not in path.read_bytes(), path


def test_the_model_is_told_what_this_host_has_for_it(deployed):
    environments = map(environment, Path("/proc").glob("[0-9]*/environ"))
    assert any(TOLD.encode() in one and b"MLSERVER_HOST=127.0.0.1" in one for one in environments)


def environment(file: Path) -> list[bytes]:
    """The variables of a process, as long as it lives."""
    try:
        return file.read_bytes().split(b"\0")
    except OSError:
        return []


def test_jenkins_makes_the_same_of_another_release(team_in_a_hurry):
    team = team_in_a_hurry
    before = team.released()
    team.make("train", "publish")
    assert team.released() != before
    team.push()
    result = team.jenkins()
    assert result.result == "SUCCESS", result.log
    ran = {name: outcome for name, outcome in result.stages.items() if name != "Production"}
    assert ran == dict.fromkeys(["Check", "Build", "Deploy", "Smoke test"], "SUCCESS")
    assert team.answering() == team.released()
    assert "emulated-secret" not in result.log


def test_a_pull_request_is_checked_and_built_and_deploys_nothing(team_in_a_hurry):
    team = team_in_a_hurry
    before = team.running()
    team.push("proposal")
    run("git", "branch", "-f", "proposal", cwd=team.clone)
    result = team.github("proposal", event="pull_request")
    assert result.jobs == {"check": "success", "build": "success", "deploy": "skipped"}, result.log
    jenkins_result = team.jenkins("proposal")
    assert jenkins_result.stages["Build"] == "SUCCESS" and jenkins_result.stages["Deploy"] != "SUCCESS"
    assert jenkins_result.result == "SUCCESS" and team.running() == before


def test_without_a_host_nothing_is_deployed(team_in_a_hurry):
    team = team_in_a_hurry
    before = team.running()
    assert team.github(DEPLOY_HOST="").jobs["deploy"] == "skipped"
    assert team.jenkins(DEPLOY_HOST="").result == "SUCCESS"
    assert team.running() == before


@pytest.fixture
def broken(team_in_a_hurry):
    """broken(path, old, new): push a change to main that breaks something; it is taken back after the test."""
    team = team_in_a_hurry
    changed = {}

    def change(path: str, old: str, new: str) -> Team:
        changed.setdefault(path, (team.clone / path).read_text("utf-8"))
        edit(team.clone / path, old, new)
        team.push()
        return team

    yield change
    for path, source in changed.items():
        (team.clone / path).write_text(source, encoding="utf-8")
    team.push()


@pytest.mark.parametrize("ci", [ON_GITHUB, ON_JENKINS])
def test_a_stage_that_fails_stops_what_follows(broken, ci):
    team = broken("src/my_ml_project/errors.py", "class ProjectError", "import os\n\n\nclass ProjectError")
    before = team.running()
    if ci == ON_GITHUB:
        result = team.github()
        assert result.jobs == {"check": "failure", "build": "skipped", "deploy": "skipped"}
        assert not any((team.scratch / f"{team.runs} github" / "artifacts").iterdir())
    else:
        result = team.jenkins()
        assert result.result == "FAILURE" and result.stages["Check"] == "FAILURE"
        assert {result.stages[name] for name in ("Build", "Deploy", "Smoke test")} == {"NOT_BUILT"}
    assert "F401" in result.log and team.running() == before


def test_an_image_that_never_becomes_healthy_gives_way_to_the_one_before(broken):
    broken("Dockerfile", "--start-period=600s", "--start-period=1s")  # so that it is given up soon
    team = broken(
        "Dockerfile", '["python", "-m", "my_ml_project.serving", "/models/my_ml_project"]', '["sleep", "9999"]'
    )
    before, answering = team.running(), team.answering()
    result = team.github()
    assert result.jobs == {"check": "success", "build": "success", "deploy": "failure"}
    assert ("deploy", "Deploy", "failure") in result.steps and ("deploy", "Smoke test", "success") not in result.steps
    assert f"{before} runs again" in result.log
    assert team.running() == before and team.answering() == answering


def test_a_deployment_that_answers_wrongly_gives_way_to_the_one_before(broken):
    runtime = "/app/.venv/lib/*/site-packages/*/serving/runtime.py"
    lie = f"RUN sed -i 's/sha256=self._sha256/sha256=\"0\"/' {runtime}"
    team = broken("Dockerfile", "USER 1000", f"{lie}\nUSER 1000")
    before, answering = team.running(), team.answering()
    result = team.jenkins()
    assert result.stages["Deploy"] == "SUCCESS" and result.stages["Smoke test"] == "FAILURE", result.log
    assert "answers with the model 0, not with" in result.log and f"{before} runs again" in result.log
    assert team.running() == before and team.answering() == answering


def test_a_rollback_is_a_commit_and_brings_the_model_before_back(team_in_a_hurry):
    team = team_in_a_hurry
    second = team.released()
    team.make("rollback")
    first = team.released()
    assert first != second
    team.push()
    result = team.github(event="workflow_dispatch")  # by which level 3 has a release deployed that it has pushed
    assert result.success, result.log
    assert team.answering() == first


def test_a_store_that_only_one_machine_reads_is_refused_with_what_to_do(team_in_a_hurry):
    team = team_in_a_hurry
    pointer = team.clone / "deploy/release.yaml"
    before, deployment = pointer.read_text("utf-8"), team.running()
    pointer.write_text(f"record: releases/1/release.json\nsha256: {'a' * 64}\n", encoding="utf-8")
    team.push()
    result = team.github()
    assert result.jobs["deploy"] == "failure" and "a folder that no other machine can read" in result.log
    assert team.running() == deployment
    pointer.write_text(before, encoding="utf-8")
    team.push()
