"""The commands `rollout`, `serve` and `lineage`: what passes comes into use, serves, and leads back to what made it."""

import json
from typing import Annotated

import typer

from ..addresses import without_secrets
from ..releases.releasing import refuse_own_releases
from ..settings import load_settings
from ..tracking.store import refuse_local_tracking
from .policy import load_policy

app = typer.Typer()
rollout = typer.Typer(no_args_is_help=True, help="From a version to a release, by the rules of rollout.yaml.")
app.add_typer(rollout, name="rollout")
Number = Annotated[str | None, typer.Argument(help="A version of the model; without it, the challenger.")]
EnvironmentName = Annotated[str | None, typer.Option("--environment", help="Of rollout.yaml; without it, the first.")]
Note = Annotated[str, typer.Option(help="Why, for the record.")]


@rollout.command()
def run(
    version: Number = None,
    environment: EnvironmentName = None,
    again: Annotated[bool, typer.Option("--again", help="Also what was rejected, and has not changed since.")] = False,
    shared: Annotated[
        bool, typer.Option("--shared", envvar="SHARED_STORES", help="Refuse stores that others cannot reach.")
    ] = False,
) -> None:
    """Judge a version by all that is asked, and release it if it passes; else say why not."""
    from .rolling import roll_out_everywhere

    if shared:
        settings = load_settings()
        refuse_local_tracking(settings)
        refuse_own_releases(settings.state.releases)
    roll_out_everywhere(version, environment, again, typer.echo)


@rollout.command()
def approve(version: Number = None, environment: EnvironmentName = None, note: Note = "") -> None:
    """Approve of a version that waits for a person, and release it, if it still passes."""
    from .approving import approve
    from .rolling import roll_out

    number, by = approve(version, environment, note)
    typer.echo(f"{by} approves of version {number}.")
    if load_policy()[0].environment(environment)[1].target == "local":
        roll_out(number, environment, False, typer.echo)
    else:
        typer.echo("The next rollout of CI releases it, if it still passes.")


@rollout.command()
def refuse(version: Number = None, environment: EnvironmentName = None, note: Note = "") -> None:
    """Refuse a version that waits for a person."""
    from .approving import refuse

    number, by = refuse(version, environment, note)
    typer.echo(f"{by} refuses version {number}.")


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="The port for HTTP.")] = 8080,
    latest: Annotated[bool, typer.Option("--latest", help="The model trained last, released or not.")] = False,
    environment: EnvironmentName = None,
) -> None:
    """Serve the released model to this machine alone, and each that is released after it, until stopped with Ctrl-C."""
    from .local.starting import serve_latest, serve_released

    settings = load_settings()
    if latest:
        serve_latest(settings, port, typer.echo)
    else:
        serve_released(settings, environment, port, typer.echo)


@app.command()
def lineage(
    environment: EnvironmentName = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show where what serves comes from: asked from what serves, back to data, code, policy and who decided."""
    from .lineage import lineage, lines

    found = lineage(load_settings(), environment)
    as_text = json.dumps(found, indent=2, ensure_ascii=False) if as_json else "\n".join(lines(found))
    typer.echo(without_secrets(as_text))  # which a record of the first format may have
