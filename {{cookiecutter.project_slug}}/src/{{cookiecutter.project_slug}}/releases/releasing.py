"""What is in use: a person releases a model, or goes back to the release before."""

import getpass
from collections.abc import Callable
from pathlib import Path

from ..core.origin import ask_git
from ..core.storage import read_model
from ..errors import ProjectError
from ..serving.model_folder import make_servable
from ..settings import Settings
from . import store
from .record import POINTER, Pointer, Release, read_pointer, write_pointer

Tell = Callable[[str], None]


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


def release_model(place: Path, settings: Settings, note: str, tell: Tell) -> None:
    """Release the model in this folder, unless it is what is released already. tell: called with what came of it."""
    _, made = read_model(place)
    before = read_pointer()
    if before and store.read_release(before).model.sha256 == made["sha256"]:
        tell(f"Model {made['sha256'][:12]} is what is released already: nothing to do.")
        return
    make_servable(place)
    pointer = store.publish(place, settings.state.releases, whoever_runs_this(), note, before)
    write_pointer(pointer)
    tell(f"Model {made['sha256'][:12]} is released as {pointer.record}.\nCommit {POINTER} to have it deployed.")
    if store.is_local(settings.state.releases):
        tell("The store is a folder of this machine, which CI cannot read: see state.releases in params.yaml.")


def roll_back(tell: Tell) -> None:
    """Point the project at the release before the current one. tell: called with what came of it."""
    release = current_release()
    if release.previous is None:
        raise ProjectError(f"{release.release} is the first release: there is none before it to go back to.")
    before = store.read_release(release.previous)
    write_pointer(release.previous)
    tell(f"Back from {release.release} to {before.release}.\nCommit {POINTER} to have it deployed.")
