"""The commands `predictions` and `labels`, and `serve-labels`: what was answered, and what came true."""

from typing import Annotated

import typer

from ..addresses import without_secrets
from ..errors import ProjectError
from ..settings import load_settings
from .policy import load_policy

app = typer.Typer()
predictions = typer.Typer(no_args_is_help=True, help="The log of predictions: write it out, forget, tidy up.")
app.add_typer(predictions, name="predictions")
Days = Annotated[int, typer.Option(min=1, help="How many days, until now.")]


@predictions.command()
def export(out: Annotated[str, typer.Option(help="Where to write.")] = "predictions.csv", days: Days = 30) -> None:
    """Write the predictions of the last days as a table, each with its label, where that is known."""
    from .exporting import export, names_of_releases
    from .joined import Window, joined
    from .parts import Parts

    state, horizon = load_settings().state, load_policy().labels.horizon
    with joined(Parts(state.predictions), Parts(state.labels), Window.until_now(days), horizon) as found:
        count = export(found, names_of_releases(state.releases), out)
        known = found.counts["counts"]
    typer.echo(f"{count} predictions, {known} with a label, are in {without_secrets(out)}.")


@predictions.command()
def forget(key: Annotated[str, typer.Argument(help="Who or what: a value of data.key.")]) -> None:
    """Remove all predictions and labels about one key. What the model has learned from is kept elsewhere."""
    from .delivering import known_schema
    from .labels import key_as_kept
    from .parts import Parts
    from .tidying import forget

    settings = load_settings()
    log, kept = Parts(settings.state.predictions), Parts(settings.state.labels)
    rows, labels = forget(log, kept, key_as_kept(key, settings, known_schema()))
    if not rows and not labels:
        raise ProjectError(f"There is nothing about {key!r}, neither a prediction nor a label.")
    typer.echo(f"{rows} predictions and {labels} labels are forgotten.")


@predictions.command()
def tidy() -> None:
    """Put small files together, and remove what monitoring.yaml does not keep. Call it every hour or every day."""
    from .parts import Parts
    from .tidying import tidy

    state, policy = load_settings().state, load_policy()
    keep = policy.predictions
    log = tidy(Parts(state.predictions), keep.keep_days, keep.keep_megabytes)
    labels = tidy(Parts(state.labels), keep.keep_days)
    typer.echo(f"{log.merged + labels.merged} files are put together, {log.days + labels.days} days removed.")


@app.command()
def labels(
    address: Annotated[
        str,
        typer.Argument(help="A table of labels, or a folder of them; without it, what became of all so far."),
    ] = "",
    days: Days = 30,
) -> None:
    """Take what came true: each table once, so this may be called again and again."""
    from .delivering import take_all
    from .joined import Window, outcomes
    from .parts import Parts

    settings, policy = load_settings(), load_policy()
    if address:
        take_all(address, settings, policy, typer.echo)
        return
    log, kept = Parts(settings.state.predictions), Parts(settings.state.labels)
    found = outcomes(log, kept, Window.until_now(days), policy.labels.horizon)
    for outcome, count in found.items():
        typer.echo(f"  {outcome:10} {count}")


@app.command()
def serve_labels(
    token: Annotated[
        str | None, typer.Option(envvar="LABELS_TOKEN", help="The secret that whoever sends labels has, too.")
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port for HTTP.")] = 8090,
) -> None:
    """Take labels over HTTP until stopped: POST /labels with {"labels": [{...}, ...]} and the token."""
    from .delivering import known_schema
    from .label_server import application, run

    run(application(load_settings(), known_schema(), load_policy(), token), host, port)
