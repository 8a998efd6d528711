"""A person says yes or no to a version that waits for that."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..core.origin import whoever_runs_this
from ..errors import ProjectError
from ..settings import load_settings
from ..tracking import registry, store
from .decisions import Approval, Decision, read_decision, write_approval, write_decision
from .policy import load_policy

if TYPE_CHECKING:
    from mlflow import MlflowClient  # takes seconds to import


def approve(number: str | None, environment: str | None, note: str) -> tuple[str, str]:
    """Approve of a version, or of the challenger: the next rollout releases it, if it still passes.

    Its number, and who approves. Raises ProjectError where nobody is asked about it.
    """
    with waiting(number, environment) as (client, name, version, _):
        by = whoever_runs_this()
        write_approval(client, version, name, Approval(at=datetime.now(UTC), by=by, note=note))
    return version.number, by


def refuse(number: str | None, environment: str | None, note: str) -> tuple[str, str]:
    """Refuse a version, or the challenger. The rest as in `approve`."""
    with waiting(number, environment) as (client, name, version, decision):
        by = whoever_runs_this()
        told = {"outcome": "refused", "at": datetime.now(UTC), "by": by, "reasons": (f"by {by}. {note}".strip(),)}
        write_decision(client, version, name, decision.model_copy(update=told))
    return version.number, by


@contextmanager
def waiting(
    number: str | None, environment: str | None
) -> Iterator[tuple["MlflowClient", str, registry.Version, Decision]]:
    """The version of this number, or the challenger, in an environment, with the decision to wait for a person.

    Raises ProjectError where it was decided otherwise.
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
        yield client, name, version, decision
