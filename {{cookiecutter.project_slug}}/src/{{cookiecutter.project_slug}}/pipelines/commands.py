"""The commands that train: by hand, when there is new data, again as before, or on a cluster."""

from pathlib import Path
from typing import Annotated

import typer

from ..addresses import without_secrets
from ..errors import ProjectError
from ..settings import load_settings
from ..tracking.store import refuse_local_tracking
from . import intake
from .following import follow
from .kubeflow import IMAGE, runners
from .training import job_for_cluster, outcome, train_here

app = typer.Typer()
pipeline = typer.Typer(no_args_is_help=True, help="The training pipeline: run it here or on a cluster, or compile it.")
app.add_typer(pipeline, name="pipeline")

Note = Annotated[str, typer.Option(help="What is different this time, for the run.")]
IfNew = Annotated[bool, typer.Option("--if-new", help="Only if no run has learned from this content yet.")]
Shared = Annotated[
    bool, typer.Option("--shared", envvar="SHARED_STORES", help="Refuse a tracking store that others cannot reach.")
]
Image = Annotated[str, typer.Option(envvar="TRAINING_IMAGE", help="The image that the steps run in.")]
Host = Annotated[str, typer.Option(envvar="KF_PIPELINES_ENDPOINT", help="Where Kubeflow Pipelines is.")]


@app.command()
@pipeline.command("run")
def train(note: Note = "", if_new: IfNew = False, shared: Shared = False) -> None:
    """Run the training pipeline here on the newest table: a tracked run, and a version if it reaches what is asked."""
    settings = load_settings()
    if shared:
        refuse_local_tracking(settings)
    run_id = train_here(settings, "new data" if if_new else "by hand", note, typer.echo)
    if run_id:
        typer.echo(outcome(run_id, settings))
        if not shared:  # where CI trains, it has a job of its own for what follows
            follow(settings, run_id, typer.echo)


@app.command()
def watch() -> None:
    """Train whenever there is new data at data.uri, until stopped."""
    settings = load_settings()
    path = intake.local_path(settings.data.uri)
    if path is None:
        raise ProjectError(f"{settings.data.uri} is no file to watch: let a schedule call `train --if-new`.")
    typer.echo(f"Watching {path}; stop with Ctrl-C")
    for _ in intake.arrivals(path):
        try:
            train(if_new=True)
        except ProjectError as error:
            typer.echo(f"Error: {error}", err=True)


@app.command()
def reproduce(
    run: Annotated[str | None, typer.Argument(help="The id of a run, or its beginning; else the newest.")] = None,
) -> None:
    """Train again what a run has trained, from what it has recorded, and compare the predictions."""
    from .reproduction import reproduce as train_again  # takes seconds to import

    rows = train_again(load_settings(), run, typer.echo)
    typer.echo(f"Reproduced: both models answer the same on all {rows} rows.")


@pipeline.command("compile")
def compile_pipeline(
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("dist/training.yaml"), image: Image = IMAGE
) -> None:
    """Write the pipeline as a file for a cluster."""
    runners.compile_to(out, image)
    typer.echo(f"The pipeline is in {out}.")


@pipeline.command()
def submit(host: Host, note: Note = "", image: Image = IMAGE) -> None:
    """Run the pipeline on a cluster, now."""
    run = runners.submit(job_for_cluster("by hand", note), host, image)
    typer.echo(f"Run {run} was started at {without_secrets(host)}.")


@pipeline.command()
def schedule(
    host: Host,
    cron: Annotated[str, typer.Option(help="When: second, minute, hour, day, month, weekday.")] = "0 0 3 * * *",
    image: Image = IMAGE,
) -> None:
    """Let a cluster look for new data again and again, and train on it."""
    run = runners.schedule(job_for_cluster("schedule", ""), host, image, cron)
    typer.echo(f"Recurring run {run} was made at {without_secrets(host)}.")
