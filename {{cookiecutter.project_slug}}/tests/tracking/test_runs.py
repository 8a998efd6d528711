"""A run says all that a model was made from and all that came of it, and how it ended."""

import gzip
import json
import shutil
import time

import pandas as pd
import pytest
from conftest import schema_of
from in_process import empty_store

from {{cookiecutter.project_slug}}.core.model_folder import RECORD, open_folder
from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.core.record import Data
from {{cookiecutter.project_slug}}.core.schema_file import as_yaml
from {{cookiecutter.project_slug}}.core.storage import as_csv, sha256
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.tracking import runs

TAGS = {runs.CONTENT: "c0ffee", runs.TRIGGER: "new data"}


@pytest.fixture
def client(tmp_path):
    return empty_store(tmp_path)[0]


@pytest.fixture
def model(make_model):
    """A model with a slice in its record."""
    return with_record(make_model(), slices=[{"slice": "shop", "value": "a=b/é", "rows": 40, "first": 0.25}])


def with_record(folder, **fields):
    """The same folder, after its record was written anew with these fields."""
    record = folder.record.model_copy(update=fields)
    (folder.place / RECORD).write_bytes(record.as_bytes())
    return open_folder(folder.place)


def log(client, model, table, **tags):
    with runs.logging_run(client, TAGS | tags, started=time.time() - 60) as run_id:
        uri = runs.log_training(model, as_csv(table), schema_of(table), '{"the": "recipe"}', time.time() - 60)
    return run_id, uri


def test_it_holds_settings_scores_by_slice_data_and_environment(client, model, orders):
    run_id, _ = log(client, model, orders)
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED" and run.info.end_time - run.info.start_time >= 60_000
    assert run.data.params["target.column"] == "returned" and run.data.params["model.seed"] == "0"
    expected = {
        "first": 0.5,
        "low/first": 0.4,
        "high/first": 0.6,
        "baseline/first": 0.1,
        "train_rows": 200,
        "test_rows": 5,
        f"{runs.allowed('shop: a=b/é', letters=' .:-')}/first": 0.25,
    }
    assert expected.items() <= run.data.metrics.items() and run.data.metrics["seconds"] >= 60
    (used,) = run.inputs.dataset_inputs
    assert used.dataset.name == "orders.csv" and used.dataset.digest == model.record.data.sha256[:36]
    assert json.loads(used.dataset.profile)["num_rows"] == len(orders)
    kept = {entry.path for folder in ("", "report", "data") for entry in client.list_artifacts(run_id, folder)}
    assert {"recipe.json", "environment.txt", "report/card.md", "report/model.json", "data/table.csv.gz"} <= kept
    assert f"mlflow-skinny=={runs.importlib.metadata.version('mlflow-skinny')}" in runs.environment().splitlines()


def test_the_model_in_the_store_is_the_folder_that_is_served_and_answers_the_same(client, model, orders):
    import mlflow

    run_id, uri = log(client, model, orders)
    with runs.fetched_model(run_id, model.sha256, old=False) as folder:
        assert {path.name: path.read_bytes() for path in folder.place.iterdir()} == {
            path.name: path.read_bytes() for path in model.place.iterdir()
        }
    rows = model.example()
    loaded = mlflow.pyfunc.load_model(uri)
    pd.testing.assert_frame_equal(loaded.predict(rows), predict(model.load(), rows))
    takes, answers = loaded.metadata.signature.inputs.to_dict(), loaded.metadata.signature.outputs.to_dict()
    assert [one["name"] for one in takes] == list(rows)
    assert {one["name"]: one["type"] for one in answers} == {
        "prediction": "string",
        "probability of no": "double",
        "probability of yes": "double",
    }


@pytest.mark.parametrize("name", ["skops.py", "card.md", "model.skops", "model.json"])
def test_what_somebody_put_into_the_store_of_files_is_not_taken_for_the_model(client, model, orders, tmp_path, name):
    run_id, _ = log(client, model, orders)
    (kept,) = (tmp_path / "mlartifacts").rglob("data/*/model.json")
    with (kept.parent / name).open("a") as file:
        file.write(" ")
    with pytest.raises(ProjectError), runs.fetched_model(run_id, model.sha256, old=False):
        pass


def test_another_model_that_is_whole_in_itself_is_not_taken_for_the_one_that_was_made(client, make_model, orders):
    model, other = make_model(), make_model(rows=150)
    run_id, _ = log(client, other, orders)
    with pytest.raises(ProjectError, match="which it should be"), runs.fetched_model(run_id, model.sha256, old=False):
        pass


def test_the_table_comes_back_as_it_was(client, model, orders):
    data = Data(uri="orders.csv", sha256=sha256(as_csv(orders)), bytes=len(as_csv(orders)))
    learned = model.record.model_copy(update={"data": data, "schema_sha256": sha256(as_yaml(schema_of(orders)))})
    run_id, _ = log(client, model, orders)
    table, schema = runs.data_of(run_id, learned)
    assert schema == schema_of(orders)
    pd.testing.assert_frame_equal(table, orders.astype({"day": "datetime64[us]"}), check_dtype=False)
    short, other = (data.model_copy(update=one) for one in ({"bytes": 10}, {"sha256": "0" * 64}))
    for field in ({"data": short}, {"data": other}, {"schema_sha256": "0" * 64}):
        with pytest.raises(ProjectError, match="Nothing is judged by it"):
            runs.data_of(run_id, learned.model_copy(update=field))


@pytest.mark.parametrize(
    "content", [b"no gzip", gzip.compress(b"cut off" * 1000, mtime=0)[:-9], b"\x1f\x8b\x08" + b"x" * 50]
)
def test_a_table_that_is_damaged_is_named(client, model, orders, tmp_path, content):
    run_id, _ = log(client, model, orders)
    (kept,) = (tmp_path / "mlartifacts").rglob("table.csv.gz")
    kept.write_bytes(content)
    with pytest.raises(ProjectError, match=rf"The table of run {run_id} (cannot be read|was changed)"):
        runs.data_of(run_id, model.record)


def test_the_digest_of_a_model_of_the_second_format_is_not_one_of_the_first(client, model, orders, tmp_path):
    """The record comes as the model's file, so that the digest is its own, with somebody else's record beside it."""
    run_id, _ = log(client, model, orders)
    (record,) = (tmp_path / "mlartifacts").rglob("data/*/model.json")
    record.with_name("model.skops").write_bytes(record.read_bytes())
    told = json.loads(record.read_text("utf-8")) | {"format": 1, "sha256": model.sha256}
    record.write_text(json.dumps(told), "utf-8")
    with pytest.raises(ProjectError, match="which it should be"), runs.fetched_model(run_id, model.sha256, old=False):
        pass


def test_only_a_finished_run_has_learned_from_its_content(client, model, orders):
    assert runs.learned_from(client, "c0ffee") is None
    with pytest.raises(RuntimeError), runs.logging_run(client, TAGS, time.time()) as broken:
        raise RuntimeError
    assert client.get_run(broken).info.status == "FAILED" and runs.learned_from(client, "c0ffee") is None
    run_id, _ = log(client, model, orders)
    assert runs.learned_from(client, "c0ffee") == run_id and runs.learned_from(client, "other") is None
    assert runs.find(client, run_id[:8]).info.run_id == runs.find(client, None).info.run_id == run_id
    for beginning in (broken, "no such run"):
        with pytest.raises(ProjectError, match="There are 0 finished runs"):
            runs.find(client, beginning)


def test_what_a_process_of_this_machine_left_open_is_ended_and_what_others_do_is_not(client):
    experiment = client.get_experiment_by_name(runs.package).experiment_id
    here, there = (
        client.create_run(experiment, tags=TAGS | {runs.MACHINE: name}).info.run_id
        for name in (runs.platform.node(), "another machine")
    )
    runs.end_abandoned(client)
    assert [client.get_run(one).info.status for one in (here, there)] == ["KILLED", "RUNNING"]


def test_the_names_that_a_table_brings_are_made_such_as_mlflow_takes(client, model, orders):
    settings = {"data": {"read": {"dtype": {"zip (US) %": "str"}}}}
    assert runs.flat(settings) == {"data.read.dtype.zip _US_ _-7084cf60": "str"}
    long = [{"slice": "shop", "value": "x" * 1000, "rows": 40, "first": 0.5}]
    run_id, _ = log(client, with_record(model, settings=settings, slices=long), orders)
    assert client.get_run(run_id).info.status == "FINISHED"


def test_slices_whose_names_mlflow_does_not_take_stay_apart(client, model, orders):
    values = [
        "km//h",
        "km/h",
        "km_h",
        "per m2/",
        "a(b",
        "a)b",
        "a_b",
        "..",
        "./x",
        " ",
        "{$.inputs}",
        "x" * 300,
        "x" * 301,
    ]
    slices = [{"slice": "shop", "value": value, "rows": 40, "first": n / 100} for n, value in enumerate(values)]
    run_id, _ = log(client, with_record(model, slices=slices), orders)
    found = [score for name, score in client.get_run(run_id).data.metrics.items() if name.startswith("shop: ")]
    assert sorted(found) == [n / 100 for n in range(len(values))]


def test_runs_that_somebody_else_has_logged_are_left_alone(client, model, orders):
    theirs = client.create_run(client.get_experiment_by_name(runs.package).experiment_id).info.run_id
    client.set_terminated(theirs)
    assert runs.search(client, "") == []
    with pytest.raises(ProjectError, match="There are 0 finished runs:"):
        runs.find(client, None)


def test_files_that_the_store_has_lost_are_named(client, model, orders, tmp_path):
    run_id, _ = log(client, model, orders)
    shutil.rmtree(tmp_path / "mlartifacts")
    with pytest.raises(ProjectError, match=rf"data of run {run_id} is gone"):
        runs.data_of(run_id, model.record)
    with (
        pytest.raises(ProjectError, match=rf"model/data of run {run_id} is gone"),
        runs.fetched_model(run_id, "", old=False),
    ):
        pass


def test_a_failure_is_a_failed_run_with_its_reason_and_its_log(client, tmp_path):
    (tmp_path / "pipeline.log").write_text("what the steps said", encoding="utf-8")
    runs.log_failure(client, TAGS, time.time(), "because", tmp_path / "pipeline.log")
    (run,) = runs.search(client, "attributes.status = 'FAILED'")
    assert run.data.tags["error"] == "because" and run.data.tags[runs.CONTENT] == "c0ffee"
    assert [entry.path for entry in client.list_artifacts(run.info.run_id)] == ["pipeline.log"]


def test_a_failure_whose_logging_breaks_off_is_not_taken_for_a_finished_run(client, tmp_path):
    with pytest.raises(FileNotFoundError):
        runs.log_failure(client, TAGS, time.time(), "because", tmp_path / "gone.log")
    assert runs.learned_from(client, TAGS[runs.CONTENT]) is None
