"""A release is watched for a while: whether it is what answers, and whether more requests fail than before."""

import time
from collections.abc import Mapping

from ..errors import ProjectError
from .policy import Watch
from .targets import Requests, Target

PAUSE, SECONDS_TO_COME_BACK = 1.0, 60.0


def watched(target: Target, sha256: str, before: Mapping[str, Requests] | None, policy: Watch) -> str:
    """Why a release is to be taken back, as soon as that is known; empty where it has come through its time.

    sha256: of the model. before: what became of requests until it was released; None where nobody here can watch.
    """
    if before is None:
        return ""
    end = time.monotonic() + policy.seconds
    seen = time.monotonic()
    while True:
        try:
            if why := wrong(target, sha256, before, policy):
                return why
            seen = time.monotonic()
        except ProjectError as error:  # it may be starting again
            if time.monotonic() - seen > SECONDS_TO_COME_BACK:
                return f"the server does not answer: {error}"
        if time.monotonic() >= end and seen >= end - PAUSE:
            return ""
        left = end - time.monotonic()
        time.sleep(min(PAUSE, left) if left > 0 else PAUSE)


def wrong(target: Target, sha256: str, before: Mapping[str, Requests], policy: Watch) -> str:
    """What is wrong with a release now; empty where nothing is. Raises ProjectError where nothing answers."""
    if (serves := target.serves()) != sha256:
        return f"the server answers with the model {serves}, and not with {sha256}"
    now = since(before.get(sha256, Requests()), (target.requests() or {}).get(sha256, Requests()))
    if now.all < policy.requests_at_least:
        return ""
    if now.share("failed") > policy.failed_at_most:
        return f"{now.share('failed'):.1%} of {now.all} requests failed; {policy.failed_at_most:.1%} are allowed"
    # Of the model that was asked most: another may have been taken back for just that.
    usual = max(before.values(), key=lambda one: one.all, default=Requests()).share("refused")
    if now.share("refused") > usual + policy.refused_more_at_most:
        return (
            f"{now.share('refused'):.1%} of {now.all} requests did not fit the model, {usual:.1%} did not before; "
            f"{policy.refused_more_at_most:.1%} more are allowed"
        )
    return ""


def since(before: Requests, now: Requests) -> Requests:
    """What has come meanwhile: a model that is tried once more has a past. All, where the server counts anew."""
    counts = [getattr(now, name) - getattr(before, name) for name in ("answered", "refused", "failed")]
    return Requests(*counts) if min(counts) >= 0 else now
