"""What becomes of a candidate follows from its checks, the policy, what a person has said, and the time."""

from datetime import UTC, datetime, timedelta

import pytest

from {{cookiecutter.project_slug}}.releases.record import Check
from {{cookiecutter.project_slug}}.rollout.decisions import Approval, basis_of, decide
from {{cookiecutter.project_slug}}.rollout.policy import Environment, RolloutPolicy
from {{cookiecutter.project_slug}}.settings import Evaluation

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
REQUIRED = ["one", "other"]
NOT_ASKING = Environment()
ASKING = Environment(require_approval=True, approval_days=7)


def checks(one: str = "pass", other: str = "pass") -> list[Check]:
    return [Check(name="one", outcome=one, said="as it is"), Check(name="other", outcome=other, said="as it is")]


def decided(made: list[Check], environment=NOT_ASKING, asked=None, approval=None, **policy) -> tuple[str, list[str]]:
    return decide(made, REQUIRED, RolloutPolicy(**policy), environment, asked, approval, NOW)


@pytest.mark.parametrize(
    ("made", "outcome", "reason"),
    [
        (checks(), "started", None),
        (checks(other="fail"), "rejected", "other: fail, as it is"),
        (checks("inconclusive", "fail"), "rejected", "one: inconclusive, as it is"),
        (checks("inconclusive"), "not judged", "one: inconclusive, as it is"),
        (checks("no data"), "not judged", "one: no data, as it is"),
        (checks()[:1], "not judged", "not all of ['one', 'other'] were looked at"),
        ([*checks(), *checks()], "not judged", "not all of"),
        ([], "not judged", "not all of"),
    ],
)
def test_only_what_passes_every_check_that_is_required_is_released(made, outcome, reason):
    found, reasons = decided(made)
    assert found == outcome and (reasons == [] if reason is None else reasons[0].startswith(reason))


def test_a_policy_that_only_judges_releases_nothing():
    assert decided(checks(), mode="judge")[0] == "judged"
    assert decided(checks("fail"), mode="judge")[0] == "rejected"


def approved(days_ago: float) -> Approval:
    return Approval(at=NOW - timedelta(days=days_ago), by="Ada", note="after a look")


@pytest.mark.parametrize(
    ("asked", "approval", "outcome", "reason"),
    [
        (None, None, "waiting", None),
        (NOW - timedelta(days=6), None, "waiting", None),
        (NOW - timedelta(days=8), None, "expired", "nobody approved of it since 2026-03-02 12:00"),
        (NOW - timedelta(days=8), approved(2), "started", "approved by Ada"),
        (NOW - timedelta(days=8), approved(0.5), "expired", "nobody approved of it since 2026-03-02 12:00"),
        (NOW - timedelta(days=1), approved(2), "waiting", None),  # of what was asked another time
        (None, approved(1), "waiting", None),
    ],
)
def test_where_a_person_is_asked_nothing_is_released_without_one(asked, approval, outcome, reason):
    assert decided(checks(), ASKING, asked, approval) == (outcome, [reason] if reason else [])


def test_no_approval_releases_what_does_not_pass():
    for worst, outcome in (("fail", "rejected"), ("inconclusive", "not judged")):
        assert decided(checks(worst), ASKING, NOW, approved(0.1))[0] == outcome


def test_a_decision_rests_on_the_model_the_one_in_use_what_is_asked_and_the_policy():
    known = ("a" * 64, "b" * 64, Evaluation(), "c" * 64)
    others = [("x" * 64, *known[1:]), (known[0], None, *known[2:])]
    others += [(*known[:2], Evaluation(margin=0.02), known[3]), (*known[:3], "x" * 64)]
    assert basis_of(*known) == basis_of(*known)
    assert len({basis_of(*one) for one in [known, *others]}) == 5
