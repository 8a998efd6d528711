"""The commands `report` and `ui`: what was tried, and what came of it."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from ..core.storage import write_file, write_table
from ..errors import ProjectError
from ..serving.server import HERE
from ..settings import load_settings
from . import store
from .leaderboard import leaderboard

app = typer.Typer()


@app.command()
def report() -> None:
    """Draw the performance of all runs over time, and list them, best first."""
    from ..core.pictures import as_png
    from .pictures import over_time

    settings = load_settings()
    uri = store.address(settings)
    with store.reaching(uri):
        table, score = leaderboard(store.connect(uri))
    if table.empty:
        raise ProjectError(f"No run is tracked in {uri} yet: train a model first.")
    reports = Path(settings.state.reports)
    write_table(table, reports / "leaderboard.csv")
    write_file(reports / "performance.png", as_png(over_time(table, score)))
    typer.echo(table.round(4).to_string(index=False))
    typer.echo(f"The same is in {reports / 'leaderboard.csv'}, over time in {reports / 'performance.png'}.")


@app.command()
def ui(port: Annotated[int, typer.Option(help="The port of this machine to listen on.")] = 5000) -> None:
    """Open MLflow's own user interface on the tracked runs, to this machine alone."""
    uri = store.address(load_settings())
    if not store.is_local(uri):
        typer.echo(f"The server has its own: open {uri} in a browser.")
        return
    if not find_spec("flask"):
        raise ProjectError("MLflow's user interface is not installed: `make ui` brings it and opens it.")
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--host", HERE, "--port", str(port)]
    os.execv(sys.executable, command)  # it takes the place of this process, and ends with it
