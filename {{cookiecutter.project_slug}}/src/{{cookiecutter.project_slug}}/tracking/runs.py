"""A run: one training, with all that it was made from and all that came of it."""

import gzip
import importlib.metadata
import io
import platform
import re
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd

from .. import __name__ as package
from ..addresses import file_name
from ..core import storage
from ..core.model_folder import RECORD, ModelFolder, open_folder
from ..core.origin import LIBRARIES
from ..core.record import Data, Record
from ..core.schema import Schema
from ..core.schema_file import read_schema, write_schema
from ..errors import ProjectError
from .store import experiment_of

if TYPE_CHECKING:
    from mlflow import MlflowClient  # takes seconds to import
    from mlflow.entities import Run
    from mlflow.models import ModelSignature
    from mlflow.types import Schema as Columns

MODEL, REPORT, RECIPE, DATA = "model", "report", "recipe.json", "data"
TABLE, SCHEMA = "table.csv.gz", "schema.yaml"
# Tags of a run: what it learned from, what it made, which score decides; what asked for it, where it ran, how it ended.
CONTENT, MADE, MAIN_SCORE = "content_sha256", "model_sha256", "main_score"
MADE_FORMAT = "model_format"  # of the model's record, by which its digest is to be understood; without it, the first
TRIGGER, MACHINE, VERDICT = "trigger", "machine", "verdict"
LONGEST_NAME, LONGEST_VALUE = 200, 500
# The types of columns and of answers, in MLflow's words.
DATATYPES = {"number": "double", "integer": "long", "boolean": "boolean", "date": "datetime"}
DATATYPES |= {"category": "string", "text": "string"}


@contextmanager
def logging_run(client: "MlflowClient", tags: dict[str, str], started: float) -> Iterator[str]:
    """A new run of the project to log to, by its id: finished at the end, or failed where an exception comes through.

    started: when the training began, in seconds since the epoch.
    """
    import mlflow

    run_id = begin(client, tags, started)
    with mlflow.start_run(run_id=run_id):
        yield run_id


def begin(client: "MlflowClient", tags: dict[str, str], started: float) -> str:
    """A new run of the project, which is running until somebody ends it; its id."""
    run = client.create_run(experiment_of(client), int(started * 1000), tags | {MACHINE: platform.node()})
    return str(run.info.run_id)


def log_training(
    model: ModelFolder,
    table: bytes,
    schema: Schema,
    recipe: str,
    started: float,
    reports: Iterable[Path] = (),
    more: Mapping[str, float] | None = None,
) -> str:
    """Log to the active run what a training was made from and what came of it; the URI of the model in the store.

    table, schema: what was checked, and against what. recipe: the job, as JSON.
    started: as above. reports: files to keep beside the card and the pictures. more: metrics beside the record's.
    """
    import mlflow

    place, record = model.place, model.record
    mlflow.log_params(flat(record.settings))
    mlflow.log_metrics(metrics_of(record) | dict(more or {}))
    for path in [*sorted(place.glob("*.png")), place / "card.md", place / RECORD, *reports]:
        mlflow.log_artifact(str(path), REPORT)
    mlflow.log_text(recipe, RECIPE)
    mlflow.log_text(environment(), "environment.txt")
    log_table(table, schema, record.data)
    uri = log_model(model)
    mlflow.log_metric("seconds", round(time.time() - started, 1))
    return uri


def flat(settings: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as parameters of a run: `model.seed`, `target.column`."""
    parameters: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            parameters |= flat(value, f"{prefix}{name}.")
        else:
            parameters[allowed(f"{prefix}{name}")] = str(value)[:LONGEST_VALUE]
    return parameters


def allowed(name: str, letters: str = " .:/-") -> str:
    """The name with only such letters, and no more of them, than MLflow takes; no two names become the same.

    letters: those that may be in it beside those of words.
    """
    plain = re.sub(rf"[^\w{re.escape(letters)}]", "_", name)[:LONGEST_NAME]
    return plain if plain == name else f"{plain}-{storage.sha256(name.encode())[:8]}"


def metrics_of(record: Record) -> dict[str, float]:
    """The scores of a model by name, those of a slice as `column: value/score`, and the numbers of rows.

    Also what surrounds each score: `baseline/`, and the ends of its spread, `low/` and `high/`.
    """
    metrics = record.scores | {f"{name}_rows": count for name, count in record.rows.items()}
    metrics |= {f"baseline/{name}": value for name, value in record.baseline.items()}
    for name, ends in record.spread.items():
        metrics |= dict(zip((f"low/{name}", f"high/{name}"), ends, strict=True)) if ends else {}
    for line in record.slices:
        where = allowed(f"{line['slice']}: {line['value']}", letters=" .:-")
        metrics |= {f"{where}/{score}": line[score] for score in record.scores}
    return metrics


def environment() -> str:
    """Every package that is installed here with its version, one to a line."""
    found = {"{Name}=={Version}".format_map(one.metadata) for one in importlib.metadata.distributions()}
    return "\n".join(sorted(found, key=str.lower)) + "\n"


def log_table(content: bytes, schema: Schema, data: Data) -> None:
    """Log a table as a data set with name, fingerprint, columns and rows, and as files.

    data: what the record says of it.
    """
    import mlflow

    from .dataset import TableDataset

    digest = data.sha256[:36]  # MLflow keeps no more of it
    rows = len(pd.read_csv(io.BytesIO(content), usecols=[0], dtype="str", keep_default_na=False))
    mlflow.log_input(TableDataset(data.uri, file_name(data.uri), digest, columns_of(schema), rows), "training")
    with TemporaryDirectory() as folder:
        # Of the nine levels of gzip, this one takes a tenth of the time of the last, for a file a fifth larger.
        (Path(folder) / TABLE).write_bytes(gzip.compress(content, compresslevel=3, mtime=0))
        write_schema(schema, Path(folder) / SCHEMA)
        mlflow.log_artifacts(folder, DATA)


def columns_of(schema: Schema) -> "Columns":
    """The columns of a table, in MLflow's words, to which whole numbers with gaps are none."""
    from mlflow.types import ColSpec
    from mlflow.types import Schema as Columns

    kinds = {
        name: "double" if rules.type == "integer" and rules.missing else DATATYPES[rules.type]
        for name, rules in schema.items()
    }
    return Columns([ColSpec(kind, name, required=not schema[name].missing) for name, kind in kinds.items()])


def log_model(model: ModelFolder) -> str:
    """Log the folder of a model, with its signature; its URI in the store."""
    import mlflow

    info = mlflow.pyfunc.log_model(
        name=MODEL,
        loader_module=f"{package}.tracking.loader",
        data_path=str(model.place),
        # Without an input example, which is in the folder: MLflow would load the model to try it, for seconds.
        signature=signature_of(model.record),
        # Named here: to find them out by itself, MLflow loads the model in a process of its own, for ten seconds.
        pip_requirements=[f"{name}=={importlib.metadata.version(name)}" for name in LIBRARIES],
    )
    return str(info.model_uri)


def signature_of(record: Record) -> "ModelSignature":
    """What a model takes and answers, in MLflow's words."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec
    from mlflow.types import Schema as Columns

    outputs: list[Any] = [ColSpec(DATATYPES[kind], name) for name, kind in record.answers.items()]
    return ModelSignature(columns_of(record.features), Columns(outputs))


def log_failure(client: "MlflowClient", tags: dict[str, str], started: float, error: str, log: Path) -> None:
    """Log a run that failed: what asked for it, the error, and what its steps have printed."""
    run_id = begin(client, tags | {"error": error[:LONGEST_VALUE]}, started)
    client.log_artifact(run_id, str(log))
    client.set_terminated(run_id, "FAILED")  # at no moment finished: its content is still to be trained on


def search(client: "MlflowClient", condition: str) -> "list[Run]":
    """The runs of the pipeline that meet a condition in MLflow's filter syntax, newest first."""
    experiment = experiment_of(client)
    page = client.search_runs([experiment], condition)
    found = list(page)
    while page.token:
        page = client.search_runs([experiment], condition, page_token=page.token)
        found += page
    return [run for run in found if TRIGGER in run.data.tags]


def learned_from(client: "MlflowClient", content: str) -> str | None:
    """The newest finished run that learned from the content with this fingerprint."""
    found = search(client, f"attributes.status = 'FINISHED' and tags.{CONTENT} = '{content}'")
    return found[0].info.run_id if found else None


def end_abandoned(client: "MlflowClient") -> None:
    """Mark as killed the runs that a process of this machine began to log and died. Call it where no other logs."""
    for run in search(client, f"attributes.status = 'RUNNING' and tags.{MACHINE} = '{platform.node()}'"):
        client.set_terminated(run.info.run_id, "KILLED")


def find(client: "MlflowClient", beginning: str | None) -> "Run":
    """The finished run whose id begins so, or the newest. Raises ProjectError where there is none, or more than one."""
    found = search(client, "attributes.status = 'FINISHED'")
    if beginning is None and found:
        return found[0]
    found = [run for run in found if run.info.run_id.startswith(beginning or "")]
    if len(found) != 1:
        beginning = "" if beginning is None else f" with an id that begins with {beginning!r}"
        raise ProjectError(f"There are {len(found)} finished runs{beginning}: `report` lists them.")
    return found[0]


def download(run_id: str, path: str, folder: Path) -> Path:
    """Bring an artifact of a run into this folder; where it is. Raises ProjectError where the store has lost it."""
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        place = Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=path, dst_path=str(folder)))
        if place.is_dir() and not any(place.iterdir()):
            raise FileNotFoundError("the folder is empty")
    except (MlflowException, OSError) as error:
        raise ProjectError(f"{path} of run {run_id} is gone from where MLflow keeps files: {error}") from None
    return place


@contextmanager
def fetched_model(run_id: str, expected: str, old: bool) -> Iterator[ModelFolder]:
    """The model that a run has made, for as long as it is needed.

    expected: its digest, as the database has it. old: whether that is one of format 1. Raises ProjectError where the
    files, which others may be able to write to, are not exactly those of that model.
    """
    with TemporaryDirectory() as folder:
        places = list(download(run_id, f"{MODEL}/data", Path(folder)).iterdir())
        if len(places) != 1:
            raise ProjectError(f"The model of run {run_id} is not alone in its folder: {[one.name for one in places]}.")
        yield open_folder(places[0], expected, where=f"run {run_id}", old=old)


def data_of(run_id: str, record: Record) -> tuple[pd.DataFrame, Schema]:
    """The table that a run has learned from, and the schema that it was checked against.

    record: that of the model that the run has made. Raises ProjectError where either was changed since.
    """
    most = record.data.bytes or int(record.settings["data"]["max_megabytes"] * 1e6)
    with TemporaryDirectory() as folder:
        place = download(run_id, DATA, Path(folder))
        try:
            with gzip.open(place / TABLE) as packed:
                content = packed.read(most + 1)
            schema = (place / SCHEMA).read_bytes()
        except (OSError, EOFError, zlib.error) as error:
            raise ProjectError(f"The table of run {run_id} cannot be read: {error}") from None
        held = [(content, record.data.sha256), (schema, record.schema_sha256)]  # format 1 knows the schema's not
        if any(digest and storage.sha256(one) != digest for one, digest in held):
            raise ProjectError(
                f"The table of run {run_id} was changed where MLflow keeps files. Nothing is judged by it."
            )
        columns = read_schema(place / SCHEMA) or {}
        return storage.read_table(io.BytesIO(content), columns), columns
