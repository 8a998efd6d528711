"""The steps of the pipeline, as functions from files to files: any engine can run each in a process of its own.

A table lies in a folder with the schema of its columns. A step that cannot do its work raises ProjectError.
"""

import shutil
import time
from pathlib import Path

import pandas as pd
import yaml

from ..core import schema_file, storage
from ..core.data import features_and_target, known_rows
from ..core.model_file import load_model, save_model
from ..core.model_folder import MODEL, complete, open_folder
from ..core.origin import describe_origin
from ..core.schema import Schema
from ..core.split import split
from ..core.tables import accept
from ..errors import ProjectError
from ..tracking import registry, runs, store
from .job import FOR_PEOPLE, Job

TABLE, SCHEMA, RECEIVED = "table.csv", "schema.yaml", "received.yaml"
MISSES = "It misses what params.yaml asks for: "


def say(sentence: str) -> None:
    """Tell whoever looks on how it goes, on a line that can be told from those of the engine."""
    print(f"{FOR_PEOPLE}{sentence}", flush=True)


def write_rows(table: pd.DataFrame, schema: Schema, folder: Path) -> None:
    """Put a table and its schema into a folder."""
    storage.write_table(table, folder / TABLE)
    schema_file.write_schema(schema, folder / SCHEMA)


def read_schema(folder: Path) -> Schema:
    """The schema of the table in a folder."""
    return schema_file.read_schema(folder / SCHEMA) or {}


def read_rows(folder: Path) -> tuple[pd.DataFrame, Schema]:
    """The table in a folder, and its schema."""
    schema = read_schema(folder)
    return storage.read_table(folder / TABLE, schema), schema


def fingerprint(job: Job) -> str:
    """The fingerprint of the content that there is now: engines remember by it what they have done already."""
    return storage.sha256(storage.fetch(job.source, job.settings.data.max_megabytes))


def validate(job: Job, content_sha256: str, checked: Path) -> None:
    """From the content with this fingerprint to a table that fits the schema."""
    began, data = time.time(), job.settings.data
    content = storage.fetch(job.source, data.max_megabytes)
    if storage.sha256(content) != content_sha256:
        raise ProjectError(f"{data.uri} has changed since the pipeline looked at it first. Start the training again.")
    storage.check_fingerprint(content, data.sha256, data.uri)
    table, schema = accept(content, job.settings, job.columns)
    say(f"Checked {len(table)} rows, {len(table.columns)} columns")
    write_rows(table, schema, checked)
    (checked / RECEIVED).write_text(yaml.safe_dump({"began": began, "sha256": content_sha256}), encoding="utf-8")


def prepare(job: Job, checked: Path, train_rows: Path, test_rows: Path) -> None:
    """From the table to the rows to train on and the rows held out."""
    table, schema = read_rows(checked)
    older, newer = split(known_rows(table, job.settings), job.settings)
    write_rows(older, schema, train_rows)
    write_rows(newer, schema, test_rows)


def train(job: Job, train_rows: Path, fitted: Path) -> None:
    """From the rows to train on to a fitted model, in a folder."""
    from ..core.fitting import fit  # here and below: takes seconds to import, and other steps go without

    X, y = features_and_target(read_rows(train_rows)[0], job.settings)
    say(f"Training on {len(X)} rows with {X.shape[1]} features")
    fitted.mkdir(parents=True, exist_ok=True)
    save_model(fit(X, y, job.settings), fitted / MODEL)


def evaluate(
    job: Job, checked: Path, train_rows: Path, test_rows: Path, fitted: Path, judged: Path
) -> dict[str, float]:
    """From a fitted model to the folder that is served, with record, card and pictures; its scores on rows held out."""
    from ..core.training import describe, illustrate

    older, schema = read_rows(train_rows)
    newer, _ = read_rows(test_rows)
    say(f"Judging on {len(newer)} rows held out")
    model = load_model(fitted / MODEL)
    origin = describe_origin(job.settings, job.note, (checked / TABLE).read_bytes(), job.project)
    record = describe(model, older, newer, schema, job.settings, origin)
    judged.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(fitted / MODEL, judged / MODEL)
    complete(judged, record, illustrate(model, record, older, newer, job.settings))
    return record.scores


def compare(job: Job, checked: Path, judged: Path, compared: Path) -> None:
    """From a judged model to its comparison with the champion, on rows that it has not learned from."""
    from ..candidates.comparison import OLD_CHAMPION, readable
    from ..candidates.comparison import compare as compare_models

    client = store.connect(job.tracking)
    candidate, table = open_folder(judged), known_rows(read_rows(checked)[0], job.settings)
    champion = registry.by_alias(client, registry.CHAMPION)
    known = champion if champion and not champion.old else None
    with readable(runs.fetched_model(known.run_id, known.sha256, known.old) if known else None) as (kept, absent):
        absent = OLD_CHAMPION if champion and champion.old else absent
        found = compare_models(candidate, kept, table, job.settings, compared, absent)
    say(found.verdict)


def register(job: Job, checked: Path, judged: Path, compared: Path) -> str:
    """Log the training as a run and, where it reaches what is asked of it, its model as a version; the run's id.

    A run for content that has one already is not logged twice, unless a person asked for it.
    """
    from ..candidates.comparison import read_comparison

    received = yaml.safe_load((checked / RECEIVED).read_text(encoding="utf-8"))
    found = read_comparison(compared)
    model = open_folder(judged)
    record = model.record
    client = store.connect(job.tracking)
    with store.alone(job.tracking, "registering"), store.reaching(job.tracking):
        known = runs.learned_from(client, received["sha256"])
        if known and job.trigger != "by hand":
            say(f"Run {known} has learned from this content already")
            return known
        tags = {
            runs.CONTENT: received["sha256"],
            runs.MADE: model.sha256,
            runs.MADE_FORMAT: str(record.format),
            runs.MAIN_SCORE: next(iter(record.scores)),
            runs.TRIGGER: job.trigger,
            runs.VERDICT: f"{MISSES}{'; '.join(record.missed)}." if record.missed else found.verdict,
            "commit": str(record.code["commit"]),
            "uncommitted_changes": str(record.code["changed"]),
            "lock_sha256": str(record.lock),
            "mlflow.note.content": job.note,
        }
        with runs.logging_run(client, tags, received["began"]) as run_id:
            recipe = job.model_dump_json(indent=2)
            table, schema = (checked / TABLE).read_bytes(), read_schema(checked)
            uri = runs.log_training(
                model, table, schema, recipe, received["began"], compared.iterdir(), found.metrics()
            )
            if not record.missed:  # before the run is finished: then its content is not trained on again
                known_by = {name: tags[name] for name in (runs.CONTENT, runs.MADE, runs.MADE_FORMAT, "commit")}
                registry.register(client, uri, run_id, known_by)
    return run_id
