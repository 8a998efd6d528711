"""Level 2, run for real: each content is trained on once, whoever asks at the same time and whoever dies on the way."""

import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from servers import serving, stop
from support import own_environment, project_command, run

pytestmark = pytest.mark.real
# What MLflow holds, asked without a line of the project; run in the project's environment.
ASK_MLFLOW = """
import mlflow
client = mlflow.MlflowClient("sqlite:///mlflow.db")
for run in client.search_runs([one.experiment_id for one in client.search_experiments()]):
    print(run.info.status, *run.data.tags.get("error", "").splitlines()[:1])
print(len(client.search_model_versions()), "versions")
"""


@pytest.fixture
def project(copied_2) -> Path:
    """A project that has tracked nothing yet."""
    for made in ("mlartifacts", "models", "data/checked"):
        shutil.rmtree(copied_2 / made, ignore_errors=True)
    (copied_2 / "mlflow.db").unlink(missing_ok=True)
    return copied_2


def start(project: Path, *words: str) -> subprocess.Popen[str]:
    """Start a command of the project, which goes on by itself."""
    return subprocess.Popen(
        [project / ".venv/bin/my_ml_project", *words],
        cwd=project,
        env=own_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def tracked(project: Path) -> list[str]:
    return [line.strip() for line in run("uv", "run", "python", "-c", ASK_MLFLOW, cwd=project).stdout.splitlines()]


def hear(process: subprocess.Popen[str], *words: str) -> str:
    """The next line of what a process prints that begins with one of these words."""
    for line in process.stdout:
        if line.startswith(words):
            return line
    raise AssertionError(f"it has ended before it said any of {words}")


def wait_for_step(project: Path, name: str, training: subprocess.Popen) -> None:
    """Wait until the pipeline has come to a step."""
    log = project / "data/checked/pipeline.log"
    while not (log.exists() and f"'{name}'" in log.read_text("utf-8", "replace")):
        assert training.poll() is None, training.communicate()[0]
        time.sleep(0.05)


def test_two_at_once_make_one_run(project):
    both = [start(project, "train", "--if-new") for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted("Nothing new" in text for text in said) == [False, True], said
    assert tracked(project) == ["FINISHED", "1 versions"]


def test_two_watchers_of_one_folder_make_one_run_of_each_table(project):
    both = [start(project, "watch") for _ in range(2)]
    try:
        for rows in (None, 3900):
            if rows:
                lines = (project / "data/customers.csv").read_text("utf-8").splitlines(keepends=True)
                (project / "data/customers.csv").write_text("".join(lines[:rows]), encoding="utf-8")
            said = [hear(watcher, "Run ", "Nothing new", "Error") for watcher in both]
            assert sorted(line.split()[0] for line in said) == ["Nothing", "Run"], said
    finally:
        stop(*both)
    assert tracked(project) == ["FINISHED", "FINISHED", "2 versions"]


@pytest.mark.parametrize("step", ["train", "register"])
def test_a_training_that_is_killed_is_made_good_by_the_next_exactly_once(project, step):
    training = start(project, "train", "--if-new")
    wait_for_step(project, step, training)
    training.kill()  # the step itself is a process of its own, and goes on
    training.communicate()
    project_command(project, "train", "--if-new")
    assert "Nothing new" in project_command(project, "train", "--if-new").stdout
    assert tracked(project) == ["FINISHED", "1 versions"]


def test_a_step_whose_code_breaks_fails_the_run_and_registers_nothing(project):
    path = project / "src/my_ml_project/candidates/comparison.py"
    path.write_text(path.read_text("utf-8") + "\nraise RuntimeError('a bug')\n", encoding="utf-8")
    done = project_command(project, "train", "--if-new", check=False)
    assert done.returncode == 1 and "RuntimeError: a bug" in done.stderr and "pipeline.log has all of it" in done.stderr
    failed, versions = tracked(project)
    assert failed.startswith("FAILED A step of the pipeline failed") and versions == "0 versions"


def test_a_store_that_goes_away_in_the_middle_is_said_and_the_next_training_is_whole(project):
    training = start(project, "train", "--if-new")
    wait_for_step(project, "train", training)
    (project / "mlflow.db").rename(project / "away.db")
    (project / "mlflow.db").mkdir()  # where the file was, nothing can be opened now
    said, _ = training.communicate()
    assert training.returncode == 1 and "cannot be used" in said and "Traceback" not in said
    (project / "mlflow.db").rmdir()
    (project / "away.db").rename(project / "mlflow.db")
    project_command(project, "train", "--if-new")
    assert tracked(project) == ["FINISHED", "1 versions"]


def test_the_runs_can_be_looked_at_in_the_user_interface_of_mlflow(project, tmp_path):
    assert "make ui" in project_command(project, "ui", check=False).stderr  # which is not installed here
    shown_by = ("uv", "run", "--isolated", "--group", "ui", "my_ml_project", "ui")
    assert " ".join(shown_by) in (project / "mk/training.mk").read_text("utf-8")
    with serving(*shown_by, cwd=project, log=tmp_path / "log") as url, urllib.request.urlopen(url) as page:
        assert "<title>MLflow</title>" in page.read().decode()
