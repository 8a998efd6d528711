"""What a person says of a version that waits."""

from collections.abc import Callable
from datetime import UTC, datetime

from ..core.origin import whoever_runs_this
from ..errors import ProjectError
from ..settings import load_settings
from ..tracking import registry, store
from .decisions import Approval, read_decision, write_approval
from .policy import load_policy


def say(number: str | None, environment: str | None, approved: bool, note: str, tell: Callable[[str], None]) -> str:
    """Note what whoever runs this says of a version, or of the challenger; its number.

    Raises ProjectError where the version does not wait for that, or not any more.
    """
    settings = load_settings()
    name, _ = load_policy()[0].environment(environment)
    uri = store.address(settings)
    with store.reaching(uri):
        client = store.connect(uri)
        version = registry.by_number(client, number) if number else registry.challenger(client)
        decision = read_decision(client, version, name)
        if decision is None or decision.outcome != "waiting":
            state = f"is {decision.outcome}" if decision else "was not judged"
            raise ProjectError(f"Version {version.number} {state} in {name}: nobody is asked about it.")
        by = whoever_runs_this()
        write_approval(client, version, name, Approval(approved=approved, at=datetime.now(UTC), by=by, note=note))
    tell(f"{by} {'approves of' if approved else 'refuses'} version {version.number} in {name}.")
    return version.number
