"""Only what passes every check passes the gate: what fails, what nobody can tell and what is missing does not."""

from pathlib import Path

import pytest

from {{cookiecutter.project_slug}}.candidates import gate as gates
from {{cookiecutter.project_slug}}.candidates.comparison import NO_CHAMPION, Comparison, Judged
from {{cookiecutter.project_slug}}.candidates.gate import CHECKS, gate, outcome_of
from {{cookiecutter.project_slug}}.core.model_folder import ModelFolder
from {{cookiecutter.project_slug}}.releases.record import Check
from {{cookiecutter.project_slug}}.settings import Evaluation


def compared(outcome: str, why: str = "", sha256: str = "") -> Comparison:
    """A comparison of this model with this outcome."""
    judged = Judged(sha256=sha256, scores={"first": 0.5}, slices=[])
    return Comparison(
        rows=9,
        learned=0,
        candidate=judged,
        champion=judged,
        changed=None,
        outcome=outcome,
        difference=None,
        margin=0.01,
        why=why,
        verdict="a sentence",
    )


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose scoring tests are one that passes."""
    monkeypatch.chdir(tmp_path)
    write_test("def test_it(): pass")


def write_test(text: str) -> None:
    path = gates.SCORING_TESTS / "test_ours.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


JUDGED = {"missed": [], "scores": {"first": 0.5}, "spread": {"first": (0.4, 0.6)}, "baseline": {"first": 0.1}}


def outcomes(folder: ModelFolder, known: dict | None = None, comparison: Comparison | None = None, **evaluation):
    comparison = comparison or compared("better", sha256=folder.sha256)
    checks = gate(folder, JUDGED | (known or {}), comparison, Evaluation(**evaluation))
    return {check.name: check.outcome for check in checks}


def test_what_passes_all_checks_passes(make_model, project):
    folder = make_model()
    checks = gate(folder, JUDGED, compared("better", sha256=folder.sha256), Evaluation())
    assert [check.name for check in checks] == list(CHECKS) and outcome_of(checks) == "pass"


def test_what_is_missed_fails(make_model, project):
    assert outcomes(make_model(), {"missed": ["roc_auc is low"]})["requirements"] == "fail"


@pytest.mark.parametrize(
    ("known", "outcome"),
    [
        ({}, "pass"),
        ({"baseline": {"first": 0.45}}, "inconclusive"),
        ({"baseline": {"first": 0.5}}, "fail"),
        ({"spread": {"first": None}}, "no data"),
        ({"scores": {"first": float("nan")}}, "no data"),
    ],
)
def test_the_baseline_must_be_below_what_chance_leaves_of_the_score(make_model, project, known, outcome):
    assert outcomes(make_model(), known)["baseline"] == outcome


def test_a_baseline_that_is_not_asked_for_keeps_nothing_back(make_model, project):
    assert outcomes(make_model(), {"baseline": {"first": 0.9}}, beat_baseline=False)["baseline"] == "pass"


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("def test_it(): assert False", "fail"),
        ("import nothing_like_this", "fail"),
        ("", "fail"),
        ("import pytest\n@pytest.mark.skip\ndef test_it(): pass", "no data"),
        ("import pytest\n@pytest.mark.skip\ndef test_it(): pass\ndef test_too(): pass", "pass"),
    ],
)
def test_tests_that_fail_or_break_or_are_not_there_do_not_pass(make_model, project, text, outcome):
    write_test(text)
    assert outcomes(make_model())["scoring tests"] == outcome


def test_colours_do_not_hide_that_tests_have_passed(make_model, project, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert outcomes(make_model())["scoring tests"] == "pass"


def test_without_a_folder_of_tests_nothing_passes(make_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not Path("tests").exists() and outcomes(make_model())["scoring tests"] == "fail"


@pytest.mark.parametrize(
    ("outcome", "why", "not_worse", "better"),
    [
        ("better", "", "pass", "pass"),
        ("not worse", "", "pass", "inconclusive"),
        ("cannot be told apart", "", "inconclusive", "inconclusive"),
        ("worse", "", "fail", "fail"),
        ("not judged", "too few rows", "no data", "no data"),
        ("not judged", NO_CHAMPION, "pass", "pass"),
    ],
)
def test_a_comparison_passes_as_replace_when_asks(make_model, project, outcome, why, not_worse, better):
    folder = make_model()
    for mode, expected in (("not_worse", not_worse), ("better", better)):
        assert (
            outcomes(folder, None, compared(outcome, why, folder.sha256), replace_when=mode)["comparison"] == expected
        )


def test_the_comparison_of_another_model_is_none(make_model, project):
    assert outcomes(make_model(), None, compared("better", sha256="0" * 64))["comparison"] == "no data"


def checks_of(*outcomes: str) -> list[Check]:
    return [Check(name=name, outcome=one, said="") for name, one in zip(CHECKS, outcomes, strict=False)]


@pytest.mark.parametrize(
    ("checks", "outcome"),
    [
        (checks_of("pass", "pass", "pass", "pass"), "pass"),
        (checks_of("pass", "inconclusive", "pass", "pass"), "inconclusive"),
        (checks_of("inconclusive", "no data", "pass", "pass"), "no data"),
        (checks_of("no data", "inconclusive", "fail", "pass"), "fail"),
        (checks_of("pass", "pass", "pass"), "no data"),
        ([], "no data"),
        (checks_of("pass", "pass", "pass", "pass") + checks_of("pass"), "no data"),
    ],
)
def test_the_worst_check_decides_and_a_missing_one_is_never_a_pass(checks, outcome):
    assert outcome_of(checks) == outcome
