"""What follows a new version: its rollout, from one environment to the next."""

from collections.abc import Callable

from ..settings import Settings
from ..tracking import registry, store
from .policy import load_policy


def after_version(settings: Settings, run_id: str, tell: Callable[[str], None]) -> None:
    """Roll out the version that this run has made, as long as it is released. Raises ProjectError where that fails."""
    from .rolling import roll_out

    version = registry.by_run(store.connect(store.address(settings)), run_id)
    policy, _ = load_policy()
    for environment in policy.environments:
        if version is None or roll_out(version.number, environment, again=False, tell=tell) != "released":
            return
