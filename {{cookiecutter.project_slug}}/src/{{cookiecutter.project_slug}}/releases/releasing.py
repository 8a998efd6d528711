"""What is in use: a person releases a model, or goes back to the release before."""

import pkgutil
from collections.abc import Callable, Sequence
from importlib import import_module, util

from .. import __name__ as package
from .. import __path__ as parts
from ..core.locking import alone
from ..core.model_folder import ModelFolder
from ..core.origin import whoever_runs_this
from ..core.record import FORMAT
from ..errors import ProjectError
from ..settings import Settings
from . import store
from .record import POINTER, Check, Pointer, Release, read_pointer, write_pointer

Tell = Callable[[str], None]
LOCK = POINTER.with_name(".release.lock")


def current_pointer() -> Pointer:
    """Where the record of what is released is. Raises ProjectError where nothing is."""
    pointer = read_pointer()
    if pointer is None:
        raise ProjectError("Nothing is released yet: train a model and release it with the command `publish`.")
    return pointer


def current_release(settings: Settings) -> Release:
    """What is released. Raises ProjectError where nothing is, or where its record is gone or changed."""
    return store.read_release(current_pointer(), settings.state.releases)


def refuse_own_stores(table: str, out: str, releases: str | None) -> None:
    """Raise ProjectError where the answers, or the releases, are kept on this machine alone, or no table is named.

    A table may be a file of the project. releases: where they are, if one of them is asked.
    """
    if not table:
        raise ProjectError("No table is named. Set PREDICT_TABLE to its address, and PREDICT_OUT to where to write.")
    if store.is_local(out):
        raise ProjectError(
            f"The predictions would be in {out}, on this machine alone. Set PREDICT_OUT, or --out, to an address that "
            "others reach, such as s3://bucket/predictions.csv."
        )
    if releases and store.is_local(releases):
        raise ProjectError(
            f"The releases are in {releases}, a folder that no other machine can read. Set state.releases in "
            "params.yaml to an address such as s3://bucket/releases, and publish again."
        )


def release_model(
    folder: ModelFolder,
    settings: Settings,
    note: str,
    before: Pointer | None,
    tell: Tell,
    checks: Sequence[Check] = (),
) -> None:
    """Release a model in place of the release before, unless it is what is released already.

    before: the pointer as it was when this model was chosen. tell: called with what came of it. checks: what it was
    held against. Raises ProjectError, and changes nothing, where something else was released meanwhile.
    """
    check_format(folder)
    with alone(LOCK, wait=lambda: tell("Waiting: another process is releasing.")):
        check_unchanged(before)
        if before and is_released(folder, before, settings, tell):
            tell(f"Model {folder.sha256[:12]} is what is released already: nothing to do.")
            tell_others(settings, folder.sha256, tell)
            return
        pointer = store.publish(folder, settings.state.releases, whoever_runs_this(), note, before, checks)
        write_pointer(pointer)
        tell_others(settings, folder.sha256, tell)
    tell(f"Model {folder.sha256[:12]} is released as {pointer.record}.\nCommit {POINTER} to have it deployed.")
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
            f"Meanwhile {POINTER} was changed by somebody else. Nothing was released: see `released`, and decide anew."
        )


def is_released(folder: ModelFolder, pointer: Pointer, settings: Settings, tell: Tell) -> bool:
    """Whether this model is what is pointed at; not where that is lost, or in another store than before."""
    try:
        return store.read_release(pointer, settings.state.releases).model.sha256 == folder.sha256
    except ProjectError as error:
        tell(f"The release before cannot be read: {error}")
        return False


def tell_others(settings: Settings, sha256: str, tell: Tell) -> None:
    """Let the parts that follow what is in use know its digest: those with a module `after_release`, found as commands.

    What is released is released: a part that cannot follow keeps nothing from it. tell: called where one cannot.
    """
    for part in pkgutil.iter_modules(parts):
        name = f"{package}.{part.name}.after_release"
        if part.ispkg and util.find_spec(name):
            try:
                import_module(name).after_release(settings, sha256)
            except (ProjectError, ImportError) as error:  # out of reach, or not installed where this runs
                tell(f"{error} Once that is mended, release model {sha256[:12]} again: then it is told, and no more.")


def roll_back(settings: Settings, tell: Tell) -> None:
    """Point the project at the release before the current one. tell: called with what came of it."""
    pointer = current_pointer()
    release = store.read_release(pointer, settings.state.releases)
    if release.previous is None:
        raise ProjectError(f"{release.release} is the first release: there is none before it to go back to.")
    before = store.read_release(release.previous, settings.state.releases)
    with store.fetched_model(before):
        pass  # that it could be fetched is the proof
    with alone(LOCK, wait=lambda: tell("Waiting: another process is releasing.")):
        check_unchanged(pointer)
        write_pointer(release.previous)
        tell_others(settings, before.model.sha256, tell)
    tell(f"Back from {release.release} to {before.release}.\nCommit {POINTER} to have it deployed.")
