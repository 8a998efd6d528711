"""The pipeline as a cluster runs it, from its compiled file and its image, without a cluster.

Real are the file that the project's command writes, the image that it names (built by buildah from the project's
Dockerfile), each step's own command in a container of its own, and MLflow's store. Emulated are docker, Kubernetes and
Kubeflow's launcher.
"""

import json
import os
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest
from emulation import base_image, docker
from emulation.images import Images
from emulation.launcher import Launcher, open_to_all
from support import project_command, run, tool

pytestmark = pytest.mark.real
IMAGE = "registry.example.com/team/my_ml_project-training:1"
SHARED = "/mnt/shared"  # in the containers: what all of them reach, as they would a server
# Run in the project's environment: the job that `pipeline submit` would send.
DESCRIBE_JOB = """
from my_ml_project.pipelines.job import as_text
from my_ml_project.pipelines.training import describe_job
from my_ml_project.settings import load_settings
print(as_text(describe_job(load_settings(), "/mnt/shared/customers.csv", "by hand", "in containers")))
"""
# The same: what each of two models answers to every row of the table, and how often they differ.
COMPARE = """
import sys
from pathlib import Path
from my_ml_project.core.predict import predict
from my_ml_project.core.model_folder import open_folder
from my_ml_project.core.storage import read_table
first, second = (open_folder(Path(place)) for place in sys.argv[1:])
rows = read_table(Path("data/checked/table.csv"), first.record.features)
one, other = (predict(model.load(), rows) for model in (first, second))
print(len(one), int((one != other).to_numpy().sum()))
"""


@dataclass
class Ran:
    """A run of the pipeline in containers."""

    project: Path
    launcher: Launcher
    shared: Path
    job: str
    run_id: str

    def ask(self, question: str) -> list[tuple]:
        """What MLflow's own database answers."""
        with sqlite3.connect(self.shared / "mlflow.db") as database:
            return database.execute(question).fetchall()


@pytest.fixture(scope="module")
def project(baked, tmp_path_factory) -> Path:
    """A project of level 2 that has trained a model on this machine."""
    for name in ("uv", "make", "buildah"):
        tool(name)
    project = Path(shutil.copytree(baked(maturity_level="2"), tmp_path_factory.mktemp("image") / "my_ml_project"))
    project_command(project, "train")
    return project


@pytest.fixture(scope="module")
def images(project, base_system, tmp_path_factory) -> Images:
    """The images of a machine on which the project's commands have built the one for the steps, and the pipeline."""
    folder = tmp_path_factory.mktemp("machine")
    base_image.make(folder / "storage", base_system)
    docker.install(folder, folder / "storage")
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    run("make", "training-image", "pipeline", cwd=project, PATH=path, TRAINING_IMAGE=IMAGE)
    yield Images(folder / "storage")
    docker.remove(folder / "storage")


@pytest.fixture(scope="module")
def ran(project, images, tmp_path_factory) -> Ran:
    """The whole pipeline, run to its end."""
    folder = tmp_path_factory.mktemp("cluster")
    (shared := folder / "shared").mkdir()
    shutil.copy(project / "data/customers.csv", shared)
    open_to_all(shared)
    launcher = Launcher(project / "dist/training.yaml", images, folder / "bucket", {shared: SHARED})
    tracking = f"sqlite:///{SHARED}/mlflow.db"
    job = run("uv", "run", "python", "-c", DESCRIBE_JOB, cwd=project, MLFLOW_TRACKING_URI=tracking).stdout.strip()
    return Ran(project, launcher, shared, job, launcher.run({"job": job}))


def test_a_run_is_finished_and_its_model_is_a_version(ran):
    assert ran.ask("SELECT run_uuid, status FROM runs") == [(ran.run_id, "FINISHED")]
    assert ran.ask("SELECT version, run_id FROM model_versions") == [(1, ran.run_id)]
    tags = dict(ran.ask("SELECT key, value FROM tags"))
    assert tags["mlflow.note.content"] == "in containers" and tags["trigger"] == "by hand"


def test_the_model_answers_as_the_one_that_was_trained_outside(ran):
    (inside,) = ran.shared.glob("mlartifacts/**/model.skops")
    outside = ran.project / "models" / (ran.project / "models/latest").read_text("utf-8").strip()
    words = ("uv", "run", "python", "-c", COMPARE, outside, inside.parent)
    rows, different = map(int, run(*words, cwd=ran.project).stdout.split())
    assert rows > 1000 and different == 0


def test_a_step_that_fails_ends_so_and_says_why(ran):
    ran.launcher.outputs["fingerprint", "Output"] = "0" * 64
    done = ran.launcher.step("prepare", {"job": ran.job})
    assert done.returncode != 0 and "ProjectError" in done.stderr + done.stdout


def test_all_steps_run_in_the_one_image_that_the_pipeline_names(ran):
    assert {ran.launcher.container_of(task)["image"] for task in ran.launcher.tasks} == {IMAGE}
    assert len(ran.launcher.tasks) == 5


def test_a_step_is_nobody_without_a_network_and_writes_to_its_own_folder_alone(ran, tmp_path):
    networks = "tail -n +3 /proc/net/dev | cut -d: -f1"
    writable = "for place in /app /var/tmp /tmp; do touch $place/probe 2>/dev/null; echo $?; done"
    open_to_all(tmp_path)
    done = ran.launcher.start(IMAGE, ["sh", "-c", f"id -u; {networks}; {writable}"], {tmp_path: "/tmp"})
    assert done.stdout.split() == ["1000", "lo", "1", "1", "0"], done.stderr


def test_the_image_holds_what_training_needs_and_no_server_or_tool(images):
    config = images.inspect(IMAGE)["Docker"]["config"]
    assert config["User"] == "1000" and not config.get("Entrypoint") and "127.0.0.1" not in json.dumps(config)
    name = images.buildah("from", "--pull-never", IMAGE)
    try:
        root = Path(images.buildah("mount", name))
        installed = {path.name for path in (root / "app/.venv/lib/python3.11/site-packages").iterdir()}
        assert {"my_ml_project", "kfp", "mlflow", "sklearn"} <= installed
        assert not installed & {"pytest", "mypy", "ruff", "jupyterlab", "pre_commit", "mlserver", "flask"}
        assert {path.name for path in (root / "app").iterdir()} == {".venv"}
    finally:
        images.buildah("rm", name)
