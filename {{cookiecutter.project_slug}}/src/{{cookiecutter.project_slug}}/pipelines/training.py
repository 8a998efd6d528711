"""Training on this machine: from what came in to a tracked run, once for each content."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..core import storage
from ..core.kept_models import keep
from ..core.origin import describe_project
from ..core.schema_file import read_schema
from ..core.tables import SCHEMA, table_path, write_first_schema
from ..errors import ProjectError
from ..releases.store import is_local
from ..settings import Settings, load_settings
from ..tracking import registry, runs, store
from . import intake
from .job import Job, Trigger
from .kubeflow import runners

LOG = "pipeline.log"
Tell = Callable[[str], None]


def describe_job(settings: Settings, source: str, trigger: Trigger, note: str) -> Job:
    """The job of a pipeline that finds its content at this address."""
    return Job(
        settings=settings,
        source=source,
        columns=read_schema(SCHEMA),
        project=describe_project(),
        tracking=store.address(settings),
        trigger=trigger,
        note=note,
    )


def train_here(settings: Settings, trigger: Trigger, note: str, tell: Tell) -> str | None:
    """Train on what is at data.uri now; the id of the run. None where new data was to start it and there is none.

    One at a time on this machine. tell: called with what people want to know on the way. Raises ProjectError where the
    data does not fit, or where a step fails: then a failed run is tracked, and nothing is registered.
    """
    uri = store.address(settings)
    with store.alone(uri, "training", tell), store.reaching(uri):
        client = store.connect(uri)
        with store.alone(uri, "registering"):  # the last step of a process that was killed may still be at it
            runs.end_abandoned(client)
        content = intake.receive(settings, tell)
        if trigger == "new data" and (known := runs.learned_from(client, storage.sha256(content))):
            tell(f"Nothing new: run {known} has learned from this content.")
            return None
        source = take_in(content, settings, tell)
        job, began = describe_job(settings, str(source), trigger, note), time.time()
        log = Path(settings.state.data) / LOG
        try:
            return runners.run_here(job, log)
        except ProjectError as error:
            tags = {runs.CONTENT: storage.sha256(content), runs.TRIGGER: trigger, "mlflow.note.content": note}
            with suppress(ProjectError), store.reaching(uri):  # that the store is gone may be why the step has failed
                runs.log_failure(client, tags, began, str(error), log)
            raise


def take_in(content: bytes, settings: Settings, tell: Tell) -> Path:
    """Keep content that fits, as the pipeline reads it and as the other commands do; where the pipeline reads it."""
    known = read_schema(SCHEMA)
    source, table, schema = intake.check(content, settings, known)
    storage.write_table(table, table_path(settings))
    if known is None:
        tell(write_first_schema(schema))
    return source


def bring_model(settings: Settings, version: registry.Version) -> Path:
    """Make the model of a version the latest one here; its folder."""
    with runs.fetched_model(version.run_id, version.sha256, version.old) as made:
        return keep(made, Path(settings.state.models)).place


def outcome(run_id: str, settings: Settings) -> str:
    """What a run has made, as a sentence; its model becomes the latest one here.

    Raises ProjectError where the model is not good enough to be a version.
    """
    client = store.connect(store.address(settings))
    version = registry.by_run(client, run_id)
    if version is None:
        verdict = client.get_run(run_id).data.tags[runs.VERDICT]
        raise ProjectError(f"{verdict} Run {run_id} is tracked, but its model is no version and is not released.")
    place = bring_model(settings, version)
    return f"Run {run_id} is tracked; its model is version {version.number}, and here in {place}."


def job_for_cluster(trigger: Trigger, note: str) -> Job:
    """The job for a cluster. Raises ProjectError where that could not reach the data or the tracking store."""
    settings = load_settings()
    store.refuse_local_tracking(settings)
    uri = settings.data.uri
    if uri != uri.whole:
        raise ProjectError(
            f"data.uri is {uri} with a query behind it, which a cluster would show to everybody: give an address "
            "without one, and the cluster's account the right to read it."
        )
    if is_local(uri):
        raise ProjectError(f"data.uri is {uri}, which a cluster cannot reach: put the table elsewhere.")
    return describe_job(settings, uri, trigger, note)
