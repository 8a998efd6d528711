"""What is in use: a person releases a model, or goes back to the release before."""

import getpass
from collections.abc import Callable
from pathlib import Path

from ..core.locking import alone
from ..core.model_folder import ModelFolder
from ..core.origin import ask_git
from ..core.record import FORMAT, as_json
from ..core.storage import write_file
from ..errors import ProjectError
from ..serving.protocol import to_request
from ..settings import Settings
from . import store
from .record import POINTER, Pointer, Release, read_pointer, write_pointer

Tell = Callable[[str], None]
LOCK, REQUEST = POINTER.with_name(".release.lock"), "request.json"


def current_pointer() -> Pointer:
    """Where the record of what is released is. Raises ProjectError where nothing is."""
    pointer = read_pointer()
    if pointer is None:
        raise ProjectError("Nothing is released yet: train a model and release it with the command `publish`.")
    return pointer


def current_release(settings: Settings) -> Release:
    """What is released. Raises ProjectError where nothing is, or where its record is gone or changed."""
    return store.read_release(current_pointer(), settings.state.releases)


def whoever_runs_this() -> str:
    """The person as git knows them, else the name of their account."""
    name, address = ask_git("config", "user.name"), ask_git("config", "user.email")
    return f"{name} <{address}>" if name else getpass.getuser()


def release_model(folder: ModelFolder, settings: Settings, note: str, before: Pointer | None, tell: Tell) -> None:
    """Release a model in place of the release before, unless it is what is released already.

    before: the pointer as it was when this model was chosen. tell: called with what came of it. Raises ProjectError,
    and changes nothing, where something else was released meanwhile.
    """
    check_format(folder)
    with alone(LOCK, wait=lambda: tell("Waiting: another process is releasing.")):
        check_unchanged(before)
        if before and is_released(folder, before, settings):
            tell(f"Model {folder.sha256[:12]} is what is released already: nothing to do.")
            return
        pointer = store.publish(folder, settings.state.releases, whoever_runs_this(), note, before)
        write_pointer(pointer)
    request = Path(settings.state.reports) / REQUEST
    write_file(request, as_json(to_request(folder.example(), folder.record.features)))
    tell(
        f"Model {folder.sha256[:12]} is released as {pointer.record}.\nCommit {POINTER} to have it deployed.\n"
        f"{request} holds a request that it answers."
    )
    if store.is_local(settings.state.releases):
        tell("The store is a folder of this machine, which CI cannot read: see state.releases in params.yaml.")


def check_format(folder: ModelFolder) -> None:
    """Raise ProjectError where a model was kept in an older format than the one that is released today."""
    if folder.record.format < FORMAT:
        raise ProjectError(
            f"Model {folder.sha256[:12]} was kept by an older version of this project, whose record does not vouch for "
            "its scores. Train it anew, with `train`: the same data and settings give the same model."
        )


def check_unchanged(before: Pointer | None) -> None:
    """Raise ProjectError where the pointer is not any more what it was. Call it where no other process writes it."""
    if read_pointer() != before:
        raise ProjectError(
            f"Meanwhile {POINTER} was changed, and nothing else was: look at what is released, and decide anew."
        )


def is_released(folder: ModelFolder, pointer: Pointer, settings: Settings) -> bool:
    """Whether this model is what is pointed at; not where that is in another store than the settings name now."""
    try:
        store.folder_of(pointer.record, settings.state.releases)
    except ProjectError:
        return False
    return store.read_release(pointer, settings.state.releases).model.sha256 == folder.sha256


def roll_back(settings: Settings, tell: Tell) -> None:
    """Point the project at the release before the current one. tell: called with what came of it."""
    pointer = current_pointer()
    release = store.read_release(pointer, settings.state.releases)
    if release.previous is None:
        raise ProjectError(f"{release.release} is the first release: there is none before it to go back to.")
    before = store.read_release(release.previous, settings.state.releases)
    with alone(LOCK, wait=lambda: tell("Waiting: another process is releasing.")):
        check_unchanged(pointer)
        write_pointer(release.previous)
    tell(f"Back from {release.release} to {before.release}.\nCommit {POINTER} to have it deployed.")
