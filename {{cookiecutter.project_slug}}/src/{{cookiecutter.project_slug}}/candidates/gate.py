"""The gate: whether a candidate may take the place of the model in use. Whatever releases asks here, and nowhere else.

Only what passes every check passes. What fails does not, nor what nobody can tell, nor what was not even looked at.
"""

import os
import re
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.model_folder import ModelFolder
from ..releases.record import Check, CheckOutcome
from ..settings import Evaluation
from .comparison import NO_CHAMPION, Comparison

SCORING_TESTS = Path("tests/scoring")
REQUIREMENTS, BASELINE, ANSWERS, COMPARISON = "requirements", "baseline", "scoring tests", "comparison"
CHECKS = (REQUIREMENTS, BASELINE, ANSWERS, COMPARISON)


def gate(
    candidate: ModelFolder, judged: Mapping[str, Any], comparison: Comparison, evaluation: Evaluation
) -> list[Check]:
    """All checks of a candidate.

    judged: what the core's `judge` says of it. comparison: of it and the model in use. evaluation: what is asked.
    """
    return [
        check_requirements(judged["missed"]),
        check_baseline(judged, evaluation),
        check_answers(candidate),
        check_comparison(candidate, comparison, evaluation),
    ]


def outcome_of(checks: Sequence[Check], required: Collection[str] = CHECKS) -> CheckOutcome:
    """What the gate says: the worst of its checks, each of which must be there once.

    required: their names; who asks for more than the gate adds to them.
    """
    found = [check.outcome for check in checks]
    if "fail" in found:
        return "fail"
    if "no data" in found or sorted(check.name for check in checks) != sorted(required):
        return "no data"
    return "inconclusive" if "inconclusive" in found else "pass"


def check_requirements(missed: Sequence[str]) -> Check:
    """Whether the candidate reaches what params.yaml asks for, on all rows held out and in each slice."""
    return Check(name=REQUIREMENTS, outcome="fail" if missed else "pass", said="; ".join(missed) or "all are met")


def check_baseline(judged: Mapping[str, Any], evaluation: Evaluation) -> Check:
    """Whether the candidate is better than always answering the same, by more than chance."""
    name, score = next(iter(judged["scores"].items()))
    ends, same = judged["spread"].get(name), judged["baseline"][name]
    chance = f" (95 %: {ends[0]:.4f} to {ends[1]:.4f})" if ends else ""
    said = f"{name} is {score:.4f}{chance}, always answering the same reaches {same:.4f}"
    if not evaluation.beat_baseline:
        return Check(name=BASELINE, outcome="pass", said=f"{said}, which evaluation.beat_baseline does not ask for")
    if ends is None or score != score:
        return Check(name=BASELINE, outcome="no data", said=f"{said}; what is chance cannot be told on these rows")
    outcome: CheckOutcome = "pass" if ends[0] > same else "inconclusive" if score > same else "fail"
    return Check(name=BASELINE, outcome=outcome, said=said)


def check_answers(candidate: ModelFolder) -> Check:
    """Whether the candidate passes the tests of how a model answers."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--color=no", str(SCORING_TESTS)],
        env=os.environ | {"CANDIDATE": str(candidate.place)},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        return Check(name=ANSWERS, outcome="fail", said=f"{SCORING_TESTS}:\n{done.stdout}{done.stderr}")
    said = done.stdout.strip().splitlines()[-1]
    return Check(name=ANSWERS, outcome="pass" if re.search(r"\b[1-9]\d* passed", said) else "no data", said=said)


def check_comparison(candidate: ModelFolder, comparison: Comparison, evaluation: Evaluation) -> Check:
    """Whether the candidate is as good beside the model in use as evaluation.replace_when asks."""
    if comparison.candidate.sha256 != candidate.sha256:
        return Check(name=COMPARISON, outcome="no data", said="another model was compared")
    wanted = {"better"} if evaluation.replace_when == "better" else {"better", "not worse"}
    outcome: CheckOutcome = "inconclusive"
    if comparison.outcome in wanted or comparison.why == NO_CHAMPION:
        outcome = "pass"
    elif comparison.outcome == "worse":
        outcome = "fail"
    elif comparison.outcome == "not judged":
        outcome = "no data"
    return Check(name=COMPARISON, outcome=outcome, said=comparison.verdict)
