"""GitHub Actions and Jenkins train in the same way, and the logic is in the command that both call."""

import re
from pathlib import Path

import yaml

WORKFLOW, JENKINSFILE = Path(".github/workflows/train.yml"), Path("jenkins/train.Jenkinsfile")
PAGE = Path("docs/training.md")


def read_workflow() -> tuple[list[tuple[str, str]], dict[str, str]]:
    """The name and the command of every step that runs one, and all variables that are set."""
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    variables = {name: value for part in (workflow, *steps) for name, value in part.get("env", {}).items()}
    return [(step["name"], step["run"]) for step in steps], variables


def taken_from(kind: str) -> list[str]:
    """The variables that are those of the same name among GitHub's `vars` or `secrets`."""
    return [name for name, value in read_workflow()[1].items() if re.fullmatch(rf"\$\W+{kind}\.{name}\W+", value)]


def test_both_have_the_same_stage_and_command():
    found = re.findall(r"stage\('([^']+)'\).*?sh '([^']+)'", JENKINSFILE.read_text(encoding="utf-8"), re.DOTALL)
    assert read_workflow()[0] == found == [("Train", "make train-new")]


def test_both_set_the_same_variables_and_have_the_same_secrets():
    source = JENKINSFILE.read_text(encoding="utf-8")
    said = {name: value for name, value in read_workflow()[1].items() if "$" not in value}
    assert said == dict(re.findall(r"(\w+) = '([^']*)'", source))
    credentials = {name.lower().replace("_", "-"): name for name in taken_from("secrets")}
    assert credentials == {id_: name for name, id_ in re.findall(r"(\w+) = credentials\('([^']+)'\)", source)}


def test_what_both_are_told_is_on_the_page():
    rows = re.findall(r"^\| (`.*`) \| (variable|secret)s? \|", PAGE.read_text(encoding="utf-8"), re.M)
    for row, kind in (("variable", "vars"), ("secret", "secrets")):
        names = " ".join(cell for cell, told in rows if told == row)
        assert sorted(re.findall(r"`(\w+)`", names)) == sorted(taken_from(kind))
    assert len(taken_from("vars") + taken_from("secrets")) == sum("$" in value for value in read_workflow()[1].values())


def test_both_look_for_new_data_every_night():
    (times,) = re.findall(r'cron: "(.*)"', WORKFLOW.read_text(encoding="utf-8"))
    (other,) = re.findall(r"cron\('(.*)'\)", JENKINSFILE.read_text(encoding="utf-8"))
    assert times.split()[1:] == other.split()[1:] == ["3", "*", "*", "*"]
