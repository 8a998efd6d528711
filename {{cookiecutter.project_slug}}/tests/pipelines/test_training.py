"""New content is trained on once, whoever asks and however the one before ended; what fails is tracked as failed."""

import shutil
from pathlib import Path

import pytest
from conftest import write_params
from in_process import empty_store, run_steps

from {{cookiecutter.project_slug}}.core import fitting
from {{cookiecutter.project_slug}}.core.kept_models import latest_model
from {{cookiecutter.project_slug}}.core.record import Learned
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.pipelines import intake
from {{cookiecutter.project_slug}}.pipelines.kubeflow import runners
from {{cookiecutter.project_slug}}.pipelines.reproduction import differences, job_of
from {{cookiecutter.project_slug}}.tracking import registry, runs

DATA = {"uri": "orders.csv", "drop": ["order"], "time": "day"}


@pytest.fixture
def client(run, tmp_path, orders, monkeypatch):
    """A project with a table and an empty store; what is written to the table is taken as whole at once."""
    monkeypatch.setattr(intake, "QUIET_SECONDS", 0)
    write_params(data=DATA)
    orders.to_csv("orders.csv", index=False)
    return empty_store(tmp_path)[0]


@pytest.fixture
def steps_here(monkeypatch, tmp_path):
    """The pipeline's steps run in this process, which takes a tenth of the time; the jobs that were run."""
    jobs = []

    def run_here(job, log):
        jobs.append(job)
        log.write_text("what the steps said", encoding="utf-8")
        return run_steps(job, tmp_path / f"steps {len(jobs)}")

    monkeypatch.setattr(runners, "run_here", run_here)
    return jobs


def finished(client) -> list:
    return runs.search(client, "attributes.status = 'FINISHED'")


def test_new_content_is_trained_on_once_whatever_its_name_and_time(client, run, steps_here, orders):
    assert "is version 1" in run("train", "--if-new")
    assert "Nothing new" in run("train", "--if-new")
    Path("orders.csv").touch()
    Path("orders.csv").rename("renamed.csv")
    write_params(data=DATA | {"uri": "renamed.csv"})
    assert "Nothing new" in run("train", "--if-new")
    orders.head(180).to_csv("renamed.csv", index=False)
    assert "is version 2" in run("train", "--if-new")
    shutil.copy("renamed.csv", "copy.csv")
    assert [run.data.tags[runs.TRIGGER] for run in finished(client)] == ["new data"] * 2 and len(steps_here) == 2
    assert "is version 3" in run("train", "--note", "by hand")
    assert finished(client)[0].data.tags[runs.TRIGGER] == "by hand"


def test_the_model_is_the_latest_here_and_the_other_commands_know_it(client, run, steps_here):
    run("train")
    assert latest_model(Path("models")).sha256 == registry.challenger(client).sha256
    assert "roc_auc" in run("evaluate") and "200 rows" in run("predict", "orders.csv")
    assert "is released as" in run("publish")


def test_no_training_moves_the_champion_whatever_its_checkout_points_at(client, run, steps_here, orders):
    run("train")
    registry.make_champion(client, registry.challenger(client).sha256)
    orders.head(180).to_csv("orders.csv", index=False)
    assert "is version 2" in run("train", "--if-new")
    assert registry.by_alias(client, registry.CHAMPION).number == "1"
    Path("deploy").mkdir()
    Path("deploy/release.yaml").write_text("of another time")
    assert "is version 3" in run("train", "--note", "with a pointer that makes no sense")
    assert registry.by_alias(client, registry.CHAMPION).number == "1"


def test_a_model_that_misses_what_is_asked_is_no_version_and_not_the_latest(client, run, steps_here):
    write_params(data=DATA, evaluation={"at_least": {"roc_auc": 1.0}})
    assert "It misses what params.yaml asks for" in run("train", "--if-new")
    assert registry.versions(client) == [] and not Path("models").exists()
    assert "Nothing new" in run("train", "--if-new")


def test_what_does_not_fit_starts_no_training(client, run, steps_here, orders):
    run("data")
    orders.assign(shop="moon").to_csv("orders.csv", index=False)
    said = run("train", "--if-new")
    assert "column shop: 200 rows, the first in line 2" in said and "Nothing was trained" in said
    assert steps_here == [] and runs.search(client, "") == []
    assert len(list(Path("data/checked/quarantine").glob("*/report.txt"))) == 1


def test_a_step_that_fails_is_a_failed_run_and_is_tried_again(client, run, steps_here, monkeypatch):
    with monkeypatch.context() as patch:

        def fail(job, log):
            log.write_text("what the steps said", encoding="utf-8")
            raise ProjectError("the step broke")

        patch.setattr(runners, "run_here", fail)
        assert "the step broke" in run("train", "--if-new")
    (failed,) = runs.search(client, "")
    assert failed.info.status == "FAILED" and failed.data.tags["error"] == "the step broke"
    assert registry.versions(client) == []
    assert "is version 1" in run("train", "--if-new")


def test_a_store_that_others_cannot_reach_is_refused_where_it_would_be_lost(client, run, steps_here, monkeypatch):
    refused = "on this machine alone"
    assert refused in run("train", "--shared") and refused in run("pipeline", "submit", "--host", "http://127.0.0.1:9")
    monkeypatch.setenv("SHARED_STORES", "1")
    assert refused in run("train", "--if-new") and steps_here == []
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert "data.uri is orders.csv" in run("pipeline", "schedule", "--host", "http://127.0.0.1:9")
    write_params(data=DATA | {"uri": "https://data.example.com/orders.csv?secret"})
    said = run("pipeline", "submit", "--host", "http://127.0.0.1:9")
    assert "orders.csv with a query behind it" in said and "secret" not in said


def test_only_a_file_can_be_watched(run):
    write_params(data=DATA | {"uri": "https://data.example.com/orders.csv"})
    assert "let a schedule call" in run("watch")


def test_a_run_is_reproduced_from_what_it_recorded(client, run, steps_here, orders, monkeypatch):
    run("train")
    (made,) = finished(client)
    orders.head(50).to_csv("orders.csv", index=False)
    write_params(data=DATA, model={"seed": 7})
    assert "answer the same on all 200 rows" in run("reproduce", made.info.run_id[:8])
    fit = fitting.fit
    monkeypatch.setattr(fitting, "fit", lambda X, y, settings: fit(X, y[::-1].set_axis(y.index), settings))
    assert "answers otherwise on " in run("reproduce", made.info.run_id)
    assert "There are 0 finished runs" in run("reproduce", "nothing")


def test_a_run_from_before_the_hash_is_said_to_have_held_out_other_rows(client, make_model):
    record = make_model().record
    job = job_of(record, "a run")
    said = "held out rows that its seed drew"
    assert not any(said in one for one in differences(job, record))
    for learned in (None, Learned()):
        assert any(said in one for one in differences(job, record.model_copy(update={"learned": learned})))
