"""Each step does its part over the core, and together they make the model that the core makes by itself."""

import json
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from conftest import make_settings
from in_process import empty_store, make_job, run_steps

from {{cookiecutter.project_slug}}.core import storage
from {{cookiecutter.project_slug}}.core.data import features_and_target, known_rows
from {{cookiecutter.project_slug}}.core.fitting import fit
from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.core.split import split
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.pipelines import job as jobs
from {{cookiecutter.project_slug}}.pipelines import steps
from {{cookiecutter.project_slug}}.tracking import registry, runs

BY_TIME = {"drop": ["order"], "time": "day"}


@pytest.fixture
def client(tmp_path):
    return empty_store(tmp_path)[0]


def settings_for(task: str, **sections):
    return make_settings(task, **({"data": BY_TIME, "evaluation": {"slices": ["shop"], "held_out": 0.6}} | sections))


def job_for(client, orders, folder, settings=None, **details):
    return make_job(orders, settings or settings_for("binary"), client.tracking_uri, folder, **details)


@pytest.mark.parametrize("data", [BY_TIME, {"drop": ["order", "day"]}], ids=["by time", "by hash"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_steps_make_the_model_of_the_core_and_hold_out_the_same_rows(client, orders, tmp_path, task, data):
    settings = settings_for(task, data=data)
    run_id = run_steps(job_for(client, orders, tmp_path, settings), tmp_path)
    table = known_rows(steps.read_rows(tmp_path / "checked")[0], settings)
    older, newer = split(table, settings)
    X, _ = features_and_target(table, settings)
    with runs.fetched_model(run_id, client.get_run(run_id).data.tags[runs.MADE], old=False) as folder:
        expected = predict(fit(*features_and_target(older, settings), settings), X)
        pd.testing.assert_frame_equal(predict(folder.load(), X), expected, check_exact=True)
        assert folder.record.rows == {"train": len(older), "test": len(newer)}
    trained, held_out = (set(steps.read_rows(tmp_path / name)[0]["order"]) for name in ("train_rows", "test_rows"))
    assert trained == set(older["order"]) and held_out == set(newer["order"]) and not trained & held_out


def test_a_run_leads_to_its_version_commit_and_data_and_back(client, orders, tmp_path):
    job = job_for(client, orders, tmp_path, trigger="new data", note="more rows")
    run_id = run_steps(job, tmp_path)
    run, version = client.get_run(run_id), registry.challenger(client)
    assert version.run_id == run_id and version.sha256 == run.data.tags[runs.MADE]
    tags = client.get_model_version(registry.package, version.number).tags
    content = storage.sha256((tmp_path / "orders.csv").read_bytes())
    assert tags[runs.CONTENT] == run.data.tags[runs.CONTENT] == content
    assert tags["commit"] == run.data.tags["commit"] == str(job.project["code"]["commit"])
    assert run.data.tags[runs.TRIGGER] == "new data" and run.data.tags["mlflow.note.content"] == "more rows"
    assert any(name.startswith("shop: ") for name in run.data.metrics)
    kept = {entry.path.removeprefix("report/") for entry in client.list_artifacts(run_id, "report")}
    assert {"card.md", "comparison.json", "comparison.png", "evaluation.png", "importance.png"} <= kept
    assert jobs.read_job(client.download_artifacts(run_id, runs.RECIPE)) == job == jobs.read_job(jobs.as_text(job))


def test_content_that_has_a_run_gets_another_only_by_hand(client, orders, tmp_path):
    first = run_steps(job_for(client, orders, tmp_path, trigger="new data"), tmp_path)
    made = [tmp_path / name for name in ("checked", "judged", "compared")]
    for trigger in ("new data", "schedule"):
        assert steps.register(job_for(client, orders, tmp_path, trigger=trigger), *made) == first
    assert steps.register(job_for(client, orders, tmp_path, trigger="by hand"), *made) != first
    assert len(runs.search(client, "")) == len(registry.versions(client)) == 2


def test_to_register_a_model_takes_none_of_what_made_it(client, orders, tmp_path):
    """Each step is a process of its own, and to import these takes longer than all else that this one does."""
    job = job_for(client, orders, tmp_path)
    run_steps(job, tmp_path)
    (tmp_path / "job.json").write_text(job.model_dump_json(), encoding="utf-8")
    register = (
        "import pathlib, sys; from {{cookiecutter.project_slug}}.pipelines import job, steps;"
        "steps.register(job.read_job(str(pathlib.Path('job.json').absolute())),"
        " *map(pathlib.Path, ('checked', 'judged', 'compared')));"
        "print({'kfp', 'matplotlib', 'mlserver', 'sklearn', 'skops'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", register], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()" and len(registry.versions(client)) == 2


def test_a_model_that_misses_what_is_asked_is_tracked_and_no_version(client, orders, tmp_path):
    settings = settings_for("binary", evaluation={"at_least": {"roc_auc": 1.0}})
    run_id = run_steps(job_for(client, orders, tmp_path, settings), tmp_path)
    assert "It misses" in client.get_run(run_id).data.tags[runs.VERDICT] and registry.versions(client) == []


def test_the_second_is_compared_with_the_champion(client, orders, tmp_path):
    run_steps(job_for(client, orders.head(150), tmp_path), tmp_path / "1")
    champion = registry.challenger(client)
    registry.make_champion(client, champion.sha256)
    run_id = run_steps(job_for(client, orders, tmp_path), tmp_path / "2")
    found = json.loads((tmp_path / "2/compared/comparison.json").read_text("utf-8"))
    assert found["champion"]["sha256"] == champion.sha256 and found["rows"] == 120
    run = client.get_run(run_id)
    assert "the champion's" in run.data.tags[runs.VERDICT]
    assert run.data.metrics["difference/low"] == found["difference"]["low"]


def test_a_champion_whose_files_are_gone_keeps_no_other_from_being_made(client, orders, tmp_path):
    run_steps(job_for(client, orders.head(150), tmp_path), tmp_path / "1")
    registry.make_champion(client, registry.challenger(client).sha256)
    shutil.rmtree(tmp_path / "mlartifacts")
    run_id = run_steps(job_for(client, orders, tmp_path), tmp_path / "2")
    assert "the champion cannot be read" in client.get_run(run_id).data.tags[runs.VERDICT]
    assert registry.challenger(client).run_id == run_id and registry.by_alias(client, registry.CHAMPION).number == "1"


def test_the_record_of_a_champion_of_the_first_format_judges_nobody(client, orders, tmp_path):
    """Its digest is that of the model's file alone: whoever may write there may have changed the rest."""
    run_steps(job_for(client, orders.head(150), tmp_path), tmp_path / "1")
    champion = registry.challenger(client)
    registry.make_champion(client, champion.sha256)
    client.delete_model_version_tag(registry.package, champion.number, runs.MADE_FORMAT)
    run_id = run_steps(job_for(client, orders, tmp_path), tmp_path / "2")
    assert "only `release` compares with it" in client.get_run(run_id).data.tags[runs.VERDICT]
    assert registry.challenger(client).run_id == run_id


def test_a_registry_that_fails_leaves_the_content_to_be_trained_on_again(client, orders, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(registry, "register", lambda *_: (_ for _ in ()).throw(RuntimeError))
        run_steps(job_for(client, orders, tmp_path, trigger="new data"), tmp_path / "1")
    assert [run.info.status for run in runs.search(client, "")] == ["FAILED"]
    run_id = run_steps(job_for(client, orders, tmp_path, trigger="new data"), tmp_path / "2")
    assert registry.challenger(client).run_id == run_id


def test_only_the_content_that_was_seen_is_validated(client, orders, tmp_path):
    job = job_for(client, orders, tmp_path)
    seen = steps.fingerprint(job)
    orders.head(100).to_csv(tmp_path / "orders.csv", index=False)
    with pytest.raises(ProjectError, match="has changed since the pipeline looked at it first"):
        steps.validate(job, seen, tmp_path / "checked")
    assert not (tmp_path / "checked").exists()


def test_a_table_that_breaks_the_schema_ends_the_pipeline_at_its_first_step(client, orders, tmp_path):
    from conftest import schema_of

    broken = orders.assign(days=orders["days"] * 1000)
    job = job_for(client, broken, tmp_path, columns=schema_of(orders, ["order", "day"]))
    with pytest.raises(ProjectError, match=r"column days: \d+ rows, the first in line 2"):
        run_steps(job, tmp_path)
    assert runs.search(client, "") == [] and not (tmp_path / "checked").exists()
