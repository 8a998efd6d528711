"""The command `release`: a person sees a candidate beside the model in use, and decides."""

from typing import Annotated

import typer

from ..errors import ProjectError
from ..releases.releasing import roll_back
from ..settings import PRODUCTION, load_settings
from ..tracking import store
from .proposal import propose

app = typer.Typer()


@app.command()
def release(
    version: Annotated[str | None, typer.Argument(help="A version of the model; without it, the challenger.")] = None,
    note: Annotated[str, typer.Option(help="Why this model, for the record.")] = "",
    rollback: Annotated[bool, typer.Option("--rollback", help="Go back to the release before instead.")] = False,
    environment: Annotated[str, typer.Option(help="Where to go back, if there are several.")] = PRODUCTION,
) -> None:
    """Show a version beside the model in use, test how it answers, ask, and release it."""
    if rollback and version:
        raise ProjectError("A roll-back goes to the release before: leave the version out.")
    settings = load_settings()
    if rollback:
        roll_back(settings, typer.echo, note, environment=environment)
        return
    uri = store.address(settings)
    with store.reaching(uri):
        propose(store.connect(uri), version, note, settings)
