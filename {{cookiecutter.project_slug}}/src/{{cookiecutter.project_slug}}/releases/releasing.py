"""What is in use: a person releases a model, or goes back to the release before."""

from collections import deque
from collections.abc import Callable, Sequence
from importlib import import_module

from ..core.locking import alone
from ..core.model_folder import ModelFolder
from ..core.origin import whoever_runs_this
from ..core.record import FORMAT
from ..discovery import modules
from ..errors import ProjectError
from ..settings import PRODUCTION, Settings
from . import store
from .pointers import LOCK, PointerStore, changed, pointer_of
from .record import Check, Pointer, Policy, Release

Tell = Callable[[str], None]
MOST_RELEASES = 1000


def current_pointer(settings: Settings, environment: str = PRODUCTION) -> Pointer:
    """Where the record of what is released is. Raises ProjectError where nothing is."""
    pointer = pointer_of(settings, environment).read()
    if pointer is None:
        where = "" if environment == PRODUCTION else f" for {environment}"
        raise ProjectError(f"Nothing is released yet{where}: train a model and release it with the command `publish`.")
    return pointer


def current_release(settings: Settings, environment: str = PRODUCTION) -> Release:
    """What is released. Raises ProjectError where nothing is, or where its record is gone or changed."""
    return store.read_release(current_pointer(settings, environment), settings.state.releases)


def release_of(settings: Settings, sha256: str, environment: str = PRODUCTION) -> Release | None:
    """The release of the model with this digest that was in use last; None where none is known.

    Looked for where the pointer was, the newest first, then among those that these have replaced: 1,000 at most. One
    that cannot be read any more is passed over.
    """
    waiting = deque(move.pointer for move in pointer_of(settings, environment).history())
    known: set[Pointer] = set()
    while waiting and len(known) < MOST_RELEASES:
        pointer = waiting.popleft()
        if pointer in known:
            continue
        known.add(pointer)
        try:
            release = store.read_release(pointer, settings.state.releases)
        except ProjectError:
            continue
        if release.model.sha256 == sha256:
            return release
        if release.previous:
            waiting.append(release.previous)
    return None


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
    if releases:
        refuse_own_releases(releases)


def refuse_own_releases(releases: str) -> None:
    """Raise ProjectError where the store of releases is on this machine alone."""
    if store.is_local(releases):
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
    by: str | None = None,
    policy: Policy | None = None,
    environment: str = PRODUCTION,
    pointed: PointerStore | None = None,
) -> Pointer:
    """Release a model in place of the release before, unless it is what is released already.

    before: the pointer as it was when this model was chosen. tell: called with what came of it. checks: what it was
    held against. by: who or what decided, by which policy; None for who runs this. pointed: the pointer of the
    environment, where it is moved in another way than params.yaml says. What is pointed at then. Raises ProjectError,
    and releases nothing, where something else was released meanwhile.
    """
    check_format(folder)
    pointed, by = pointed or pointer_of(settings, environment), by or whoever_runs_this()
    with alone(LOCK, wait=lambda: tell("Waiting: another process is releasing.")):
        check_unchanged(pointed, before)
        if before and is_released(folder, before, settings, tell):
            tell(f"Model {folder.sha256[:12]} is what is released already: nothing to do.")
            tell_others(settings, folder.sha256, environment, tell)
            return before
        pointer = store.publish(folder, settings.state.releases, by, note, before, checks, policy)
        pointed.move(before, pointer, by, note)
        tell_others(settings, folder.sha256, environment, tell)
    tell(f"Model {folder.sha256[:12]} is released as {pointer.record}.\n{what_follows(pointed)}")
    if store.is_local(settings.state.releases):
        tell("The store is a folder of this machine, which CI cannot read: see state.releases in params.yaml.")
    return pointer


def check_format(folder: ModelFolder) -> None:
    """Raise ProjectError where a model was kept in an older format than the one that is released today."""
    if folder.record.format < FORMAT:
        raise ProjectError(
            f"Model {folder.sha256[:12]} was kept by an older version of this project, whose record does not vouch for "
            "its scores. Train it anew, with `train`: the same data and settings give the same model."
        )


def check_unchanged(pointed: PointerStore, before: Pointer | None) -> None:
    """Raise ProjectError where the pointer is not any more what it was, before anything is written in vain."""
    if pointed.read() != before:
        raise changed(pointed.place)


def what_follows(pointed: PointerStore) -> str:
    """What is to be done, or has happened, now that the pointer was moved."""
    place = pointed.place
    return f"Commit {place} to have it deployed." if pointed.committed else f"{place} points at it now."


def is_released(folder: ModelFolder, pointer: Pointer, settings: Settings, tell: Tell) -> bool:
    """Whether this model is what is pointed at; not where that is lost, or in another store than before."""
    try:
        return store.read_release(pointer, settings.state.releases).model.sha256 == folder.sha256
    except ProjectError as error:
        tell(f"The release before cannot be read: {error}")
        return False


def tell_others(settings: Settings, sha256: str, environment: str, tell: Tell) -> None:
    """Let the parts that follow what is in use know its digest: those with a module `after_release`, found as commands.

    What is released is released: a part that cannot follow keeps nothing from it. tell: called where one cannot.
    """
    for name in modules("after_release"):
        try:
            import_module(name).after_release(settings, sha256, environment)
        except (ProjectError, ImportError) as error:  # out of reach, or not installed where this runs
            tell(f"{error} Once that is mended, release model {sha256[:12]} again: then it is told, and no more.")


def roll_back(
    settings: Settings,
    tell: Tell,
    note: str = "",
    by: str | None = None,
    environment: str = PRODUCTION,
    current: Pointer | None = None,
) -> None:
    """Point the project at the release before the current one. tell: called with what came of it.

    note: why. by: who or what decided; None for who runs this. current: the pointer of which that was decided; None for
    whatever it is. Raises ProjectError, and changes nothing, where there is none before, or it is not current any more.
    """
    pointed, by = pointer_of(settings, environment), by or whoever_runs_this()
    pointer = current or current_pointer(settings, environment)
    release = store.read_release(pointer, settings.state.releases)
    if release.previous is None:
        raise ProjectError(f"{release.release} is the first release: there is none before it to go back to.")
    before = store.read_release(release.previous, settings.state.releases)
    with store.fetched_model(before):
        pass  # that it could be fetched is the proof
    with alone(LOCK, wait=lambda: tell("Waiting: another process is releasing.")):
        pointed.move(pointer, release.previous, by, note or f"back from {release.release}")
        tell_others(settings, before.model.sha256, environment, tell)
    tell(f"Back from {release.release} to {before.release}.\n{what_follows(pointed)}")
