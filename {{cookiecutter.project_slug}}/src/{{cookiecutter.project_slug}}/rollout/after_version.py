"""What follows a new version: its rollout, from one environment to the next."""

from collections.abc import Callable

from ..settings import Settings
from ..tracking import registry, store


def after_version(settings: Settings, run_id: str, tell: Callable[[str], None]) -> None:
    """Roll out the version that this run has made, as long as it is released. Raises ProjectError where that fails."""
    from .rolling import roll_out_everywhere

    uri = store.address(settings)
    with store.reaching(uri):
        version = registry.by_run(store.connect(uri), run_id)
    if version:
        roll_out_everywhere(version.number, None, again=False, tell=tell)
