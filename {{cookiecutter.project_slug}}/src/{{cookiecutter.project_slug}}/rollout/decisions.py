"""What was decided of a version, and by what: kept with the version, where everybody who trains and releases sees it.

`decide` looks at nothing but what it is told.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import ValidationError

from .. import __name__ as package
from ..candidates.gate import outcome_of
from ..core.record import Digest, Fixed, as_json
from ..core.storage import sha256
from ..errors import shortened
from ..releases.record import Check
from ..settings import Evaluation
from ..tracking.registry import Version
from .policy import Environment, RolloutPolicy

if TYPE_CHECKING:
    from mlflow import MlflowClient  # takes seconds to import

# `started`: it is being released, or whoever did that was stopped. `judged`: it passes, and the policy only judges.
Outcome = Literal[
    "started", "released", "rejected", "not judged", "judged", "waiting", "refused", "expired", "taken back"
]
FINAL = ("rejected", "refused", "expired", "taken back")  # until something has changed, or somebody asks for it again
LONGEST = 300  # characters of a reason
Kind = TypeVar("Kind", bound=Fixed)


class Decision(Fixed):
    """One decision: of when, by whom, by which rules, on which basis (see `basis_of`), and why.

    asked: since when a person is asked, if so.
    """

    outcome: Outcome
    at: datetime
    by: str
    policy: Digest
    basis: Digest
    asked: datetime | None = None
    reasons: tuple[str, ...] = ()


class Approval(Fixed):
    """That a person approves of a version that waits."""

    at: datetime
    by: str
    note: str = ""


def basis_of(candidate: str, champion: str | None, evaluation: Evaluation, policy: Digest) -> Digest:
    """What a decision rests on: as long as none of it changes, it would be the same again.

    candidate, champion, policy: their digests. evaluation: what is asked of a model.
    """
    return sha256(as_json([candidate, champion, evaluation.model_dump(), policy]))


def decide(
    checks: Sequence[Check],
    required: Collection[str],
    policy: RolloutPolicy,
    environment: Environment,
    asked: datetime | None,
    approval: Approval | None,
    now: datetime,
) -> tuple[Outcome, list[str]]:
    """What becomes of a candidate, and the reasons.

    required: the names of the checks that there must be. asked: since when a person is asked, if so. approval: of a
    person, whatever they were asked.
    """
    said = [f"{check.name}: {check.outcome}, {check.said}" for check in checks if check.outcome != "pass"]
    worst = outcome_of(checks, required)
    if worst == "fail":
        return "rejected", said
    if worst != "pass":
        return "not judged", said or [f"not all of {sorted(required)} were looked at"]
    if policy.mode == "judge":
        return "judged", ["it passes, and `mode` of rollout.yaml is judge"]
    if not environment.require_approval:
        return "started", []
    if approval and (asked is None or not asked <= approval.at <= asked + timedelta(days=environment.approval_days)):
        approval = None  # of what was asked another time, or too late
    if approval is None:
        late = asked is not None and now - asked > timedelta(days=environment.approval_days)
        return ("expired", [f"nobody approved of it since {asked:%Y-%m-%d %H:%M}"]) if late else ("waiting", [])
    return "started", [f"approved by {approval.by}"]


def read_decision(client: "MlflowClient", version: Version, environment: str) -> Decision | None:
    """The last decision about a version; None where there is none."""
    return read(client, version, f"rollout.{environment}", Decision)


def write_decision(client: "MlflowClient", version: Version, environment: str, decision: Decision) -> None:
    """Keep a decision with its version, in place of the one before."""
    short = decision.model_copy(update={"reasons": tuple(shortened(one, LONGEST) for one in decision.reasons)})
    client.set_model_version_tag(package, version.number, f"rollout.{environment}", short.model_dump_json())


def read_approval(client: "MlflowClient", version: Version, environment: str) -> Approval | None:
    """The approval of a version; None where nobody has given one."""
    return read(client, version, f"approval.{environment}", Approval)


def write_approval(client: "MlflowClient", version: Version, environment: str, approval: Approval) -> None:
    """Keep an approval with its version."""
    client.set_model_version_tag(package, version.number, f"approval.{environment}", approval.model_dump_json())


def read(client: "MlflowClient", version: Version, tag: str, kind: type[Kind]) -> Kind | None:
    """What is in a tag of a version; None where it is not there, or was written by something else."""
    text = client.get_model_version(package, version.number).tags.get(tag)
    try:
        return kind.model_validate_json(text) if text else None
    except ValidationError:
        return None
