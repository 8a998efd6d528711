"""What follows a new version, such as its release: parts with a module `after_version` are told of it."""

from collections.abc import Callable
from importlib import import_module

from ..discovery import modules
from ..errors import ProjectError
from ..settings import Settings


def follow(settings: Settings, run_id: str, tell: Callable[[str], None]) -> None:
    """Let all of them know the run that has made the version; what keeps one from its work is told, and no more.

    tell: called with what comes of it.
    """
    followers = modules("after_version")
    for name in followers:
        try:
            import_module(name).after_version(settings, run_id, tell)
        except ProjectError as error:
            tell(f"The training is done, but not what follows it: {error}")
    if not followers:
        tell("Nothing is released by that: `release` shows it beside the one in use, and asks.")
