"""The commands `publish`, `rollback` and `released`: a person decides which model is in use."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from ..core.origin import ask_git
from ..core.storage import latest_model, read_model
from ..errors import ProjectError
from ..serving.model_folder import make_servable
from ..settings import Settings, load_settings
from . import store
from .record import POINTER, Pointer, Release, read_pointer, write_pointer

app = typer.Typer()


def current_pointer() -> Pointer:
    """Where the record of what is released is. Raises ProjectError where nothing is."""
    pointer = read_pointer()
    if pointer is None:
        raise ProjectError("Nothing is released yet: train a model and release it with the command `publish`.")
    return pointer


def current_release() -> Release:
    """What is released. Raises ProjectError where nothing is, or where its record is gone or changed."""
    return store.read_release(current_pointer())


def whoever_runs_this() -> str:
    """The person as git knows them, else the name of their account."""
    name, address = ask_git("config", "user.name"), ask_git("config", "user.email")
    return f"{name} <{address}>" if name else getpass.getuser()


@app.command()
def publish(note: Annotated[str, typer.Option(help="Why this model, for the record.")] = "") -> None:
    """Release the latest model: copy it to the store, write its record, and point the project at it."""
    settings = load_settings()
    release_model(latest_model(Path(settings.state.models)), settings, note)


def release_model(place: Path, settings: Settings, note: str) -> None:
    """Release the model in this folder, unless it is what is released already."""
    _, made = read_model(place)
    before = read_pointer()
    if before and store.read_release(before).model.sha256 == made["sha256"]:
        typer.echo(f"Model {made['sha256'][:12]} is what is released already: nothing to do.")
        return
    make_servable(place)
    pointer = store.publish(place, settings.state.releases, whoever_runs_this(), note, before)
    write_pointer(pointer)
    typer.echo(f"Model {made['sha256'][:12]} is released as {pointer.record}.\nCommit {POINTER} to have it deployed.")
    if store.is_local(settings.state.releases):
        typer.echo("The store is a folder of this machine, which CI cannot read: see state.releases in params.yaml.")


@app.command()
def rollback() -> None:
    """Point the project at the release before the current one."""
    release = current_release()
    if release.previous is None:
        raise ProjectError(f"{release.release} is the first release: there is none before it to go back to.")
    before = store.read_release(release.previous)
    write_pointer(release.previous)
    typer.echo(f"Back from {release.release} to {before.release}.\nCommit {POINTER} to have it deployed.")


@app.command()
def released() -> None:
    """Show what is released, and make sure that the store still holds all of it unchanged."""
    release = current_release()
    store.read_model_files(release)
    before = release.previous.record if release.previous else "none, it is the first"
    for name, value in {
        "release": release.release,
        "model": f"{release.model.uri}, sha256 {release.model.sha256}",
        "released": f"{release.published} by {release.by}. {release.note}",
        "data": f"{release.data['uri']}, sha256 {release.data['sha256']}",
        "code": release.code["commit"] or "not under version control",
        "before": before,
        "scores": ", ".join(f"{name} {value:.4f}" for name, value in release.scores.items()),
    }.items():
        typer.echo(f"  {name:10} {value}")
