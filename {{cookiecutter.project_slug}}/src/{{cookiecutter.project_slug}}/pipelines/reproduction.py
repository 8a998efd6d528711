"""Train again what a run has trained, from what it has recorded, and see whether the model answers the same."""

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from ..core.card import code_line
from ..core.data import features_and_target
from ..core.model_file import load_model
from ..core.model_folder import MODEL
from ..core.origin import describe_project
from ..core.predict import predict
from ..core.record import Record, settings_of
from ..errors import ProjectError
from ..serving.client import alike
from ..settings import Settings
from ..tracking import runs, store
from . import steps
from .job import Job


def reproduce(settings: Settings, beginning: str | None, tell: Callable[[str], None]) -> int:
    """Train again what the run whose id begins so has trained; on how many rows both models answer the same.

    Raises ProjectError where they answer otherwise on any row of the table that the run had.
    """
    uri = store.address(settings)
    with store.reaching(uri):
        run = runs.find(store.connect(uri), beginning)
        run_id = run.info.run_id
        tags = run.data.tags
        with runs.fetched_model(run_id, tags[runs.MADE], old=runs.MADE_FORMAT not in tags) as folder:
            made, (table, schema) = folder.load(), runs.data_of(run_id, folder.record)
            job = job_of(folder.record, run_id)
    for difference in differences(job, folder.record):
        tell(f"Not the same: {difference}")
    with TemporaryDirectory(prefix="reproduce-") as work:
        checked, train_rows, test_rows, fitted = (Path(work) / name for name in ("all", "train", "test", "model"))
        steps.write_rows(table, schema, checked)
        tell(f"Training again what run {run_id} has trained")
        with redirect_stdout(io.StringIO()):  # what the steps say is meant for those who look on at a pipeline
            steps.prepare(job, checked, train_rows, test_rows)
            steps.train(job, train_rows, fitted)
        again = load_model(fitted / MODEL)
    X, _ = features_and_target(table, job.settings)
    if count := differing_rows(predict(made, X), predict(again, X)):
        raise ProjectError(f"Trained again, the model answers otherwise on {count} of {len(X)} rows.")
    return len(X)


def job_of(record: Record, run_id: str) -> Job:
    """The job that makes the same again, from the record of the model: its digest says that nobody has changed that."""
    return Job(
        settings=settings_of(record, f"run {run_id}"),
        source="",  # the table is there
        columns=None,
        project={"code": record.code, "lock": record.lock},
        tracking="",
        trigger="by hand",
    )


def differing_rows(one: pd.DataFrame, other: pd.DataFrame) -> int:
    """On how many rows two tables of answers differ, by more than the last digits in which processors do."""
    if list(one) != list(other):
        return len(one)
    unlike = one.index[(one != other).any(axis="columns")]
    return sum(not all(alike(one[name][[row]], other[name][[row]]) for name in one) for row in unlike)


def differences(job: Job, record: Record) -> list[str]:
    """In what the project that is checked out differs from the one that the job was made for. record: of the model."""
    now, then = describe_project(), job.project
    found = []
    if job.settings.data.time is None and (record.learned is None or record.learned.held_out is None):
        found.append("the run has held out rows that its seed drew, what is here holds out those of a hash")
    if now["code"] != then["code"]:
        found.append(f"the run is of {code_line(then['code'])}, what is here of {code_line(now['code'])}")
    if now["lock"] != then["lock"]:
        found.append("the environment, since uv.lock has changed")
    return found
