"""The environments of rollout.yaml: where releases come into use there, and what points at them."""

from pathlib import Path

from ..errors import ProjectError
from ..releases.pointers import POINTER, CommittedFile, PointerStore, pointer_of
from ..settings import Settings
from .ci import CiTarget, PushedFile
from .committing import check_ready
from .local.folder import ServingFolder
from .local.target import LocalTarget
from .policy import Environment
from .targets import Target


def target_of(environment: Environment) -> Target:
    """Where releases come into use."""
    return CiTarget() if environment.target == "ci" else LocalTarget(ServingFolder(Path(environment.folder)))


def pointer_in(settings: Settings, name: str, environment: Environment) -> PointerStore:
    """What points at the release of an environment. Raises ProjectError where CI could not follow it."""
    pointer = pointer_of(settings, name)
    if environment.target != "ci":
        return pointer
    if not isinstance(pointer, CommittedFile) or pointer.path != POINTER:
        raise ProjectError(f"CI deploys what {POINTER} says, not {pointer.place}: see state.pointer in params.yaml.")
    check_ready()
    return PushedFile(pointer.path)
