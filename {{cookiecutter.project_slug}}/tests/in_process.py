"""What the tests of the training share: a store to track in, and the steps one after another in this process."""

import functools
import tempfile
from pathlib import Path

import pandas as pd
import pytest

from {{cookiecutter.project_slug}}.core import pictures
from {{cookiecutter.project_slug}}.core.origin import describe_project
from {{cookiecutter.project_slug}}.pipelines import steps
from {{cookiecutter.project_slug}}.pipelines.job import Job
from {{cookiecutter.project_slug}}.settings import Settings
from {{cookiecutter.project_slug}}.tracking import store


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
