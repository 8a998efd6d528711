"""What the project's commands send to Kubeflow Pipelines, whose API server is emulated; kfp's own client sends it."""

import base64
import json
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest
import yaml
from emulation import kubeflow
from support import configure, project_command, run, tool

pytestmark = pytest.mark.real
IMAGE = "registry.example.com/team/my_ml_project-training:1"
TRACKING, DATA = "https://mlflow.example.com", "s3://a-bucket/customers.csv"
STARTING = ["submit", "schedule"]


@pytest.fixture(scope="module")
def project(baked, tmp_path_factory) -> Path:
    """A project whose data and runs are where a cluster reaches them, and its pipeline as a file."""
    tool("uv")
    project = Path(shutil.copytree(baked(maturity_level="2"), tmp_path_factory.mktemp("cluster") / "my_ml_project"))
    run("uv", "add", "s3fs", cwd=project)
    configure(project, data={"uri": DATA}, state={"tracking": TRACKING})
    project_command(project, "pipeline", "compile", "--image", IMAGE)
    return project


@pytest.fixture
def cluster():
    """The emulated API server, which knows nothing yet."""
    with kubeflow.running() as server:
        yield server


def start(project: Path, host: str, how: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Start the pipeline on a cluster, as a person would after having exported where it is."""
    told = {"KF_PIPELINES_ENDPOINT": host, "TRAINING_IMAGE": IMAGE}
    return run("uv", "run", "my_ml_project", "pipeline", how, *words, cwd=project, check=check, **told)


def job_in(sent: dict) -> dict:
    """The job that the pipeline was given."""
    assert list(sent["runtime_config"]["parameters"]) == ["job"]
    return json.loads(zlib.decompress(base64.urlsafe_b64decode(sent["runtime_config"]["parameters"]["job"])))


def test_submit_sends_the_compiled_pipeline_and_the_job_to_the_emulated_server(project, cluster):
    said = start(project, cluster.url, "submit", "--note", "more trees").stdout
    (sent,) = cluster.made["runs"]
    assert sent["pipeline_spec"] == yaml.safe_load((project / "dist/training.yaml").read_text("utf-8"))
    job = job_in(sent)
    assert (job["source"], job["tracking"], job["trigger"], job["note"]) == (DATA, TRACKING, "by hand", "more trees")
    assert f"Run runs-1 was started at {cluster.url}." in said
    assert [one["display_name"] for one in cluster.made["experiments"]] == ["my_ml_project"]


def test_schedule_sends_when_and_never_two_at_once_to_the_emulated_server(project, cluster):
    said = start(project, cluster.url, "schedule", "--cron", "0 30 2 * * *").stdout
    (sent,) = cluster.made["recurringruns"]
    assert sent["trigger"]["cron_schedule"]["cron"] == "0 30 2 * * *"
    assert int(sent["max_concurrency"]) == 1 and sent["no_catchup"] is True and sent["mode"] == "ENABLE"
    assert sent["pipeline_spec"] == yaml.safe_load((project / "dist/training.yaml").read_text("utf-8"))
    assert job_in(sent)["trigger"] == "schedule" and not cluster.made["runs"]
    assert f"Recurring run recurringruns-1 was made at {cluster.url}." in said


def test_both_go_into_one_experiment_of_the_emulated_server(project, cluster):
    for how in STARTING:
        start(project, cluster.url, how)
    assert len(cluster.made["experiments"]) == 1
    for kind in ("runs", "recurringruns"):
        assert [one["experiment_id"] for one in cluster.made[kind]] == ["experiments-1"]


def test_every_step_is_remembered_but_the_look_at_the_data(project, cluster):
    start(project, cluster.url, "submit")
    spec = cluster.made["runs"][0]["pipeline_spec"]
    tasks = spec["root"]["dag"]["tasks"]
    assert [name for name, task in tasks.items() if not task["cachingOptions"].get("enableCache")] == ["fingerprint"]
    assert {one["container"]["image"] for one in spec["deploymentSpec"]["executors"].values()} == {IMAGE}


@pytest.mark.parametrize("how", STARTING)
@pytest.mark.parametrize(
    ("local", "said"),
    [
        ({"state": {"tracking": "sqlite:///mlflow.db"}}, "on this machine alone"),
        ({"data": {"uri": "data/customers.csv"}}, "which a cluster cannot reach"),
    ],
    ids=["tracking", "data"],
)
def test_what_only_this_machine_reaches_is_refused_and_nothing_is_sent(project, cluster, how, local, said):
    configure(project, **local)
    try:
        done = start(project, cluster.url, how, check=False)
    finally:
        configure(project, data={"uri": DATA}, state={"tracking": TRACKING})
    assert done.returncode == 1 and said in done.stderr
    assert done.stderr.startswith("Error: ") and len(done.stderr.splitlines()) == 1 and not done.stdout
    assert cluster.asked == 0


@pytest.mark.parametrize("there", [False, True], ids=["nothing listens", "it is something else"])
def test_where_there_is_no_cluster_the_answer_is_a_sentence(project, there):
    with kubeflow.running() as server:
        elsewhere = f"{server.url}/elsewhere"
        done = start(project, elsewhere, "submit", check=False) if there else None
    done = done or start(project, elsewhere, "submit", check=False)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"Error: Kubeflow Pipelines at {elsewhere} cannot be used: ")
