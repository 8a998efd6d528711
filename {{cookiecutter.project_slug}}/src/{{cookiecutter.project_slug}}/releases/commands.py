"""The commands `publish`, `rollback` and `released`, by which a person decides which model is in use, and `predict`."""

from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from ..addresses import without_secrets
from ..core.card import code_line
from ..core.kept_models import latest_model
from ..core.scoring import score_table
from ..core.tables import table_path
from ..discovery import modules
from ..settings import OWN, load_settings
from . import store
from .observing import observing
from .pointers import pointer_of
from .releasing import current_release, refuse_own_stores, release_model, roll_back

app = typer.Typer()


@app.command()
def publish(note: Annotated[str, typer.Option(help="Why this model, for the record.")] = "") -> None:
    """Release the latest model: copy it to the store, write its record, and point the project at it."""
    settings = load_settings()
    before = pointer_of(settings).read()
    release_model(latest_model(Path(settings.state.models)), settings, note, before, typer.echo)


@app.command()
def rollback() -> None:
    """Point the project at the release before the current one."""
    roll_back(load_settings(), typer.echo)


@app.command()
def predict(
    uri: Annotated[
        str, typer.Argument(help="A table: a path, or any address that fsspec reads; else the checked one.")
    ] = "",
    out: Annotated[str, typer.Option(help="Where to write the rows with their predictions.")] = "predictions.csv",
    released: Annotated[bool, typer.Option("--released", help="Ask the released model, not the latest.")] = False,
    shared: Annotated[
        bool, typer.Option("--shared", envvar="SHARED_STORES", help="Refuse stores that others cannot reach.")
    ] = False,
) -> None:
    """Ask the latest model, or the released one, about the rows of a table."""
    settings = load_settings()
    if shared:
        refuse_own_stores(uri, out, settings.state.releases if released else None)
    checked = str(table_path(settings))
    read = OWN if uri in ("", checked) else settings.data.read
    with ExitStack() as stack:
        if released:
            folder = stack.enter_context(store.fetched_model(current_release(settings)))
        else:
            folder = latest_model(Path(settings.state.models))
        count = score_table(folder, uri or checked, out, read, observing(folder) if released else None)
    typer.echo(f"{count} rows with the predictions of model {folder.sha256[:12]} are in {without_secrets(out)}.")


@app.command()
def released() -> None:
    """Show what is released, and make sure that the store still holds all of it unchanged."""
    release = current_release(load_settings())
    with store.fetched_model(release):
        pass  # that it could be fetched is the proof
    before = release.previous.record if release.previous else "none, it is the first"
    for name, value in {
        "release": release.release,
        "model": f"{release.model.uri}, sha256 {release.model.sha256}",
        "released": f"{release.published} by {release.by}. {release.note}",
        "data": f"{release.data['uri']}, sha256 {release.data['sha256']}",
        "code": code_line(release.code),
        "before": before,
        "checks": ", ".join(f"{check.name}: {check.outcome}" for check in release.checks) or "none",
        "scores": ", ".join(f"{name} {value:.4f}" for name, value in release.scores.items()),
    }.items():
        typer.echo(without_secrets(f"  {name:10} {value}"))  # which a record of the first format may have
    for module in modules("serves"):  # whoever knows what serves
        typer.echo(f"  {'serves':10} {import_module(module).serves(release.model.sha256)}")
