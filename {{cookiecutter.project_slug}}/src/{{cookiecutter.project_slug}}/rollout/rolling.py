"""A rollout: from a version to a release, or to a rejection with reasons, in one environment.

The pointer says what is to serve, and all else follows it: a rollout that is cut short, wherever it is, is brought to
an end by the next one, before that does anything of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..candidates.comparison import readable
from ..candidates.gate import CHECKS, REQUIREMENTS, outcome_of
from ..candidates.judging import AskedInVainError, examine
from ..candidates.proposal import in_use
from ..core.locking import alone
from ..core.model_folder import ModelFolder
from ..errors import ProjectError
from ..releases.pointers import PointerStore
from ..releases.record import Check, Pointer, Release
from ..releases.record import Policy as DecidedBy
from ..releases.releasing import check_format, current_release, release_model, roll_back, tell_others
from ..settings import PRODUCTION, Settings, load_settings
from ..tracking import registry, runs, store
from . import decisions
from .decisions import Decision, Outcome
from .environments import pointer_in, target_of
from .latency import LATENCY, check_latency
from .policy import Environment, RolloutPolicy, load_policy
from .shadow import COLUMNS, SHADOW, check_columns, check_shadow, replay, rows_asked
from .targets import MissingTargetError, Target
from .watching import watched

if TYPE_CHECKING:
    from mlflow import MlflowClient

Tell = Callable[[str], None]
BESIDE = "served beside"


@dataclass(frozen=True)
class Rollout:
    """Where a rollout goes and by which rules. tell: called with what people want to know."""

    client: "MlflowClient"
    settings: Settings
    policy: RolloutPolicy
    decided_by: DecidedBy
    name: str
    environment: Environment
    pointer: PointerStore
    target: Target
    tell: Tell

    def decide(
        self,
        version: registry.Version,
        basis: str,
        outcome: Outcome,
        reasons: Sequence[str] = (),
        asked: datetime | None = None,
    ) -> Outcome:
        """Keep a decision about a version, and say it. asked: since when a person is asked, if so."""
        made = Decision(
            outcome=outcome,
            at=datetime.now(UTC),
            by=self.decided_by.file,
            policy=self.decided_by.sha256,
            basis=basis,
            asked=asked,
            reasons=tuple(reasons),
        )
        decisions.write_decision(self.client, version, self.name, made)
        if outcome != "started":
            self.tell(f"Version {version.number} in {self.name}: {outcome}.")
        for reason in reasons:
            self.tell(f"  {reason}")
        return outcome


@contextmanager
def rollout(environment: str | None, tell: Tell) -> Iterator[Rollout]:
    """All that a rollout needs, while no other is under way in the environment. None: the first one."""
    settings = load_settings()
    policy, decided_by = load_policy()
    name, found = policy.environment(environment)
    uri = store.address(settings)
    lock = Path("deploy") / f".rollout.{name}.lock"
    with alone(lock, wait=lambda: tell(f"Waiting: another rollout in {name} is under way.")), store.reaching(uri):
        pointer, client = pointer_in(settings, name, found), store.connect(uri)
        yield Rollout(client, settings, policy, decided_by, name, found, pointer, target_of(found), tell)


def roll_out_everywhere(number: str | None, environment: str | None, again: bool, tell: Tell) -> None:
    """Roll a version out in an environment or, where none is named, from one to the next, as long as it is released.

    The rest as in `roll_out`.
    """
    names = [environment] if environment else list(load_policy()[0].environments)
    for name in names:
        if roll_out(number, name, again, tell) != "released":
            return


def roll_out(number: str | None, environment: str | None, again: bool, tell: Tell) -> Outcome | None:
    """Judge a version and release it, if it passes; what was decided. None where there is no version to be judged.

    number: of the version; else the challenger. environment: its name, or None for the first. again: also where it was
    rejected before and nothing has changed since. Raises ProjectError where it could not be judged, or not released.
    """
    with rollout(environment, tell) as work:
        finish(work)
        found = (
            registry.by_number(work.client, number) if number else registry.by_alias(work.client, registry.CHALLENGER)
        )
        if found is None:
            tell("There is no challenger: since the last release, no training has made a version.")
            return None
        pointer = work.pointer.read()
        with (
            runs.fetched_model(found.run_id, found.sha256, found.old) as candidate,
            readable(in_use(pointer, work.settings) if pointer else None) as (champion, absent),
        ):
            return decided(work, found, candidate, champion, absent, pointer, again)


def decided(
    work: Rollout,
    version: registry.Version,
    candidate: ModelFolder,
    champion: ModelFolder | None,
    absent: str,
    pointer: Pointer | None,
    again: bool,
) -> Outcome:
    """Judge a candidate, decide, and release it, if that is what was decided."""
    if champion and champion.sha256 == candidate.sha256:
        work.tell(f"Version {version.number} is what is released in {work.name} already.")
        return "released"
    check_format(candidate)
    evaluation = work.settings.evaluation
    basis = decisions.basis_of(
        candidate.sha256, champion.sha256 if champion else None, evaluation, work.decided_by.sha256
    )
    before = decisions.read_decision(work.client, version, work.name)
    if before and before.basis != basis:
        before = None
    if before and before.outcome in decisions.FINAL and not again:
        work.tell(f"Version {version.number} in {work.name}: {before.outcome}, on {before.at:%Y-%m-%d %H:%M}.")
        for reason in before.reasons:
            work.tell(f"  {reason}")
        work.tell("Nothing has changed since: `rollout run --again` judges it once more.")
        return before.outcome
    checks, required = judge(work, version.run_id, candidate, champion, absent)
    asked = before.asked if before and before.outcome in ("waiting", "started") else None
    approval = decisions.read_approval(work.client, version, work.name)
    now = datetime.now(UTC)
    outcome, reasons = decisions.decide(checks, required, work.policy, work.environment, asked, approval, now)
    if outcome == "waiting":
        reasons = [f"for a person since {asked or now:%Y-%m-%d %H:%M}: `rollout approve {version.number}` releases it"]
    work.decide(version, basis, outcome, reasons, asked=asked or (now if outcome == "waiting" else None))
    if outcome != "started":
        return outcome
    by = f"{work.decided_by.file}, {reasons[0]}" if reasons else work.decided_by.file
    return release(work, version, candidate, pointer, checks, basis, by)


def judge(
    work: Rollout, run_id: str, candidate: ModelFolder, champion: ModelFolder | None, absent: str
) -> tuple[list[Check], list[str]]:
    """All checks, and the names of those that there must be. What has failed already is not tried beside what serves.

    Raises ProjectError where nothing serves.
    """
    work.target.serves()
    required = [*CHECKS, LATENCY, COLUMNS, BESIDE]
    try:
        _, checks = examine(run_id, candidate, champion, absent, work.settings)
    except AskedInVainError as error:
        return [Check(name=REQUIREMENTS, outcome="fail", said=str(error))], required
    rows = rows_asked(work.settings, work.policy.shadow)
    checks.append(check_columns(candidate, champion, rows))
    checks.append(check_latency(candidate, champion, rows, work.policy.gate.slower_at_most))
    if outcome_of(checks, required[:-1]) != "pass":
        return checks, required
    shadow = work.policy.shadow
    try:
        with work.target.beside(candidate) as ask:
            checks.append(Check(name=BESIDE, outcome="pass", said="it is served, and answers as it should"))
            if len(rows) >= shadow.rows_at_least:
                replayed = replay(rows, candidate.record.features, ask, shadow.refused_at_most)
                digest = candidate.record.data.sha256
                checks.append(check_shadow(replayed, champion, work.settings, shadow, digest))
                if replayed.refusals:
                    work.target.serves()  # raises where it is the server that has gone
    except MissingTargetError:
        raise
    except ProjectError as error:
        work.target.serves()  # likewise
        checks.append(Check(name=BESIDE, outcome="fail", said=str(error)))
    if len(rows) >= shadow.rows_at_least or shadow.required:
        required.append(SHADOW)
    else:
        work.tell(f"Not judged by what clients ask: {len(rows)} rows in the log, of {shadow.rows_at_least} at least.")
    return checks, required


def release(
    work: Rollout,
    version: registry.Version,
    candidate: ModelFolder,
    before: Pointer | None,
    checks: Sequence[Check],
    basis: str,
    by: str,
) -> Outcome:
    """Point at the candidate, which the target follows, watch it, and take it back if need be."""
    counts = work.target.requests()
    pointer = release_model(
        candidate,
        work.settings,
        f"Version {version.number} of run {version.run_id}.",
        before,
        work.tell,
        checks,
        by=by,
        policy=work.decided_by,
        environment=work.name,
        pointed=work.pointer,
    )
    why = watched(work.target, candidate.sha256, counts, work.policy.watch)
    return conclude(work, version, basis, why, pointer)


def conclude(work: Rollout, version: registry.Version, basis: str, why: str, pointer: Pointer) -> Outcome:
    """Let a release stay, or take it back. why: what is wrong with it, if anything. pointer: at the release.

    Raises ProjectError where it is the first, which stays.
    """
    if work.pointer.read() != pointer:
        return work.decide(version, basis, "released", ["and something else was released since, which counts"])
    if not why:
        return work.decide(version, basis, "released")
    if pointed_at(work).previous is None:
        work.decide(version, basis, "released", [why])
        raise ProjectError(f"Version {version.number} would be taken back, as {why}; but no release was before it.")
    work.decide(version, basis, "taken back", [why])  # first, so that it is, whatever comes in between
    roll_back(work.settings, work.tell, why, work.decided_by.file, work.name, pointer)
    return "taken back"


def pointed_at(work: Rollout) -> Release:
    """What is released. Raises ProjectError where nothing is."""
    return current_release(work.settings, work.name)


def finish(work: Rollout) -> None:
    """Bring to an end what was cut short: let the target follow the pointer, and conclude what was not concluded.

    Raises ProjectError where what is pointed at cannot be served.
    """
    pointer = work.pointer.read()
    if pointer is None:
        return
    pointed = pointed_at(work)
    sha256 = pointed.model.sha256
    version = next((one for one in registry.versions(work.client) if one.sha256 == sha256), None)
    last = decisions.read_decision(work.client, version, work.name) if version else None
    if version and last and last.outcome == "taken back" and pointed.policy:  # not what a person has released since
        roll_back(work.settings, work.tell, "; ".join(last.reasons), work.decided_by.file, work.name, pointer)
        return
    unfinished = last is not None and last.outcome == "started"
    if not unfinished and followed(work, sha256, version):
        return
    work.tell(f"Release {pointed.release} is what is to serve in {work.name}: that is brought to an end first.")
    tell_others(work.settings, sha256, work.name, work.tell)
    if version and last and unfinished:
        counts = work.target.requests()
        others = None if counts is None else {model: count for model, count in counts.items() if model != sha256}
        conclude(work, version, last.basis, watched(work.target, sha256, others, work.policy.watch), pointer)
    elif (serves := work.target.serves()) != sha256:
        raise ProjectError(f"In {work.name} serves the model {serves}, and not {sha256}, which is released.")


def followed(work: Rollout, sha256: str, version: registry.Version | None) -> bool:
    """Whether the target, as far as it tells, and the registry follow the pointer, which leads to this model."""
    if work.name == PRODUCTION and registry.by_alias(work.client, registry.CHAMPION) != version:
        return False
    return work.target.serves() in (sha256, *([None] if work.environment.target == "ci" else []))
