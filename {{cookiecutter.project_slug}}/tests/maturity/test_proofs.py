"""A proof passes, fails or asks, and says why."""

import json
import shlex
import sys

import pytest
import yaml

from {{cookiecutter.project_slug}} import cli
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.maturity.proofs import examine, read_declaration, report

PASSING = f"{shlex.quote(sys.executable)} -c \"print('one'); print('two')\""
FAILING = f"{shlex.quote(sys.executable)} -c \"raise SystemExit('it broke')\""


@pytest.mark.parametrize(
    ("criterion", "verdict", "evidence"),
    [
        ({"proof": PASSING}, "PASS", "two"),
        ({"proof": FAILING}, "FAIL", "it broke"),
        ({"proof": "no-such-program --x"}, "FAIL", "the proof cannot be run"),
        ({"ask": "Is it so?"}, "ASK", "Is it so?"),
        ({"simulated": PASSING}, "SIMULATED", "two"),
        ({"simulated": FAILING}, "FAIL", "it broke"),
        ({"proof": FAILING, "once": "no/such/file", "simulated": PASSING}, "SIMULATED", "two"),
        ({"proof": FAILING, "once": ".", "simulated": PASSING}, "FAIL", "it broke"),
        ({"proof": PASSING, "once": ".", "simulated": FAILING}, "PASS", "two"),
    ],
)
def test_a_criterion_is_examined(tmp_path, criterion, verdict, evidence):
    found = examine({"says": "It works."} | criterion, tmp_path)
    assert found.verdict == verdict and evidence in found.evidence and found.criterion == "It works."


def declare(folder, *proofs):
    levels = {1: {"name": "Here", "criteria": list(proofs)}, 2: {"name": "Up", "criteria": [{"says": "More."}]}}
    (folder / "maturity.yaml").write_text(yaml.safe_dump({"project": {"level": "1"}, "levels": levels}))


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    (tmp_path / "params.yaml").write_text("data: {uri: t.csv}\ntarget: {column: y, task: regression}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["project", "maturity"])

    def call():
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code, capsys.readouterr().out

    return call


def test_a_level_is_met_when_no_proof_fails(run, tmp_path):
    declare(tmp_path, {"says": "It works.", "proof": PASSING}, {"says": "It is right.", "ask": "Is it?"})
    code, out = run()
    assert code == 0 and "PASS  It works." in out and "ASK  It is right." in out and "-  More." in out
    written = json.loads((tmp_path / "reports/maturity.json").read_text())
    assert written["met"] and written["next"] == {"level": 2, "name": "Up", "missing": ["More."]}
    assert [row["verdict"] for row in written["criteria"]] == ["PASS", "ASK"]


def test_one_proof_that_fails_fails_the_level(run, tmp_path):
    declare(tmp_path, {"says": "It works.", "proof": PASSING}, {"says": "It lasts.", "proof": FAILING})
    code, out = run()
    assert "1 of 2 proofs of level 1 fail" in code and "FAIL  It lasts.\n        it broke" in out
    assert not json.loads((tmp_path / "reports/maturity.json").read_text())["met"]


def test_the_top_has_no_next_level():
    declaration = {"project": {"level": "4"}, "levels": {4: {"name": "Top", "criteria": []}}}
    assert report(declaration, [])["next"] is None


@pytest.mark.parametrize("text", [None, "{", "project: {level: 9}\nlevels: {}"])
def test_a_declaration_that_makes_no_sense_is_named(tmp_path, text):
    if text is not None:
        (tmp_path / "maturity.yaml").write_text(text)
    with pytest.raises(ProjectError, match=r"maturity\.yaml cannot be read"):
        read_declaration(tmp_path / "maturity.yaml")
