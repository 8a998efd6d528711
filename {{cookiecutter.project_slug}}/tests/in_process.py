"""What the tests of training and release share: a store to track in, versions in it, and the steps in this process."""

import functools
import io
import json
import tempfile
import time
from pathlib import Path

import pandas as pd
import pytest
from conftest import make_settings, schema_of

from {{cookiecutter.project_slug}}.core import pictures
from {{cookiecutter.project_slug}}.core.data import known_rows
from {{cookiecutter.project_slug}}.core.model_folder import RECORD, ModelFolder, open_folder
from {{cookiecutter.project_slug}}.core.origin import describe_project
from {{cookiecutter.project_slug}}.core.schema_file import as_yaml
from {{cookiecutter.project_slug}}.core.storage import as_csv, read_table, sha256
from {{cookiecutter.project_slug}}.core.training import learned_from
from {{cookiecutter.project_slug}}.pipelines import steps
from {{cookiecutter.project_slug}}.pipelines.job import Job
from {{cookiecutter.project_slug}}.settings import Settings
from {{cookiecutter.project_slug}}.tracking import registry, runs, store


@functools.cache
def empty_database() -> bytes:
    """MLflow's database with nothing in it, which takes seconds to make."""
    import mlflow

    with tempfile.TemporaryDirectory() as folder:
        mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db").search_experiments()
        return (Path(folder) / "mlflow.db").read_bytes()


def empty_store(folder: Path):
    """A client of a new store in this folder, where params.yaml has it by default, and its URI."""
    (folder / "mlflow.db").write_bytes(empty_database())
    uri = f"sqlite:///{folder.absolute()}/mlflow.db"
    return store.connect(uri), uri


def make_job(table: pd.DataFrame, settings: Settings, uri: str, folder: Path, **details: str) -> Job:
    """The job of training on this table, which is put into the folder."""
    source = folder / "orders.csv"
    table.to_csv(source, index=False)
    known = {"columns": None, "project": describe_project(), "trigger": "by hand"}
    return Job(settings=settings, source=str(source), tracking=uri, **known | details)


def run_steps(job: Job, folder: Path) -> str:
    """All steps of the pipeline in order, with their files below this folder; the id of the run.

    Pictures stay empty: to draw them takes longer than all else, and they have tests of their own.
    """
    names = ("checked", "train_rows", "test_rows", "fitted", "judged", "compared")
    checked, train_rows, test_rows, fitted, judged, compared = (folder / name for name in names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "as_png", lambda figure: b"")
        patch.setattr(pictures, "importance", lambda *_: None)
        steps.validate(job, steps.fingerprint(job), checked)
        steps.prepare(job, checked, train_rows, test_rows)
        steps.train(job, train_rows, fitted)
        steps.evaluate(job, checked, train_rows, test_rows, fitted, judged)
        steps.compare(job, checked, judged, compared)
        return steps.register(job, checked, judged, compared)


def add_version(client, folder: ModelFolder, orders: pd.DataFrame, learned: bool = True) -> str:
    """Make this model the next version; its digest. learned: whether it says which rows it has learned from."""
    table = orders.assign(gift=orders["days"] > 7)
    content = as_csv(table)
    known = {"data": {"uri": "orders.csv", "sha256": sha256(content), "bytes": len(content)}}
    known |= {"schema_sha256": sha256(as_yaml(schema_of(table)))}
    settings = make_settings(data={"drop": ["order", "day"]})
    typed = known_rows(read_table(io.BytesIO(content), schema_of(table)), settings)
    known |= {"learned": learned_from(typed, settings).model_dump()} if learned else {"learned": None}
    record = json.loads((folder.place / RECORD).read_text("utf-8")) | known
    (folder.place / RECORD).write_text(json.dumps(record), "utf-8")
    folder = open_folder(folder.place)
    tags = {runs.MADE: folder.sha256} | ({} if folder.record.format == 1 else {runs.MADE_FORMAT: "2"})
    with runs.logging_run(client, tags, time.time()) as run_id:
        uri = runs.log_training(folder, content, schema_of(table), "{}", time.time())
    registry.register(client, uri, run_id, tags)
    return tags[runs.MADE]
