"""What follows a release or a roll-back: the server of this machine serves it, without a pause."""

from pathlib import Path

from ..releases.releasing import current_release
from ..releases.store import fetched_model
from ..settings import Settings
from .local.folder import ServingFolder
from .policy import POLICY, load_policy


def after_release(settings: Settings, sha256: str, environment: str) -> None:
    """Let what serves in an environment follow its pointer. Raises ProjectError where it cannot.

    A server that does not run follows when it starts.
    """
    found = load_policy()[0].environments.get(environment) if POLICY.exists() else None
    if found is None or found.target != "local" or (folder := ServingFolder(Path(found.folder))).running() is None:
        return
    from .local.target import LocalTarget

    with fetched_model(current_release(settings, environment)) as model:
        LocalTarget(folder).promote(model)
