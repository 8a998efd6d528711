"""GitHub Actions and Jenkins release in the same way after a training; the logic is in the command that both call."""

import re
from pathlib import Path

import yaml

WORKFLOWS = Path(".github/workflows")
JENKINSFILE = Path("jenkins/release.Jenkinsfile")


def read_workflow(name: str) -> dict:
    """A workflow, whose `on` is no truth value."""
    return yaml.load((WORKFLOWS / f"{name}.yml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def step(name: str) -> dict:
    """The step of this name in the workflow of the release."""
    (found,) = [one for one in read_workflow("release")["jobs"]["release"]["steps"] if one.get("name") == name]
    return found


def test_both_have_the_same_stage_and_command():
    found = re.findall(r"stage\('([^']+)'\).*?sh '([^']+)'", JENKINSFILE.read_text(encoding="utf-8"), re.DOTALL)
    assert found == [("Release", "make rollout")] and step("Release")["run"] == "make rollout"


def test_both_set_the_same_variables_and_have_the_same_secrets():
    source, told = JENKINSFILE.read_text(encoding="utf-8"), read_workflow("release")["env"] | step("Release")["env"]
    said = {name: value for name, value in told.items() if "$" not in value}
    assert said == dict(re.findall(r"(\w+) = '([^']*)'", source)) and said["SHARED_STORES"]
    secrets = {name for name, value in told.items() if re.fullmatch(rf"\$\W+secrets\.{name}\W+", value)}
    credentials = re.findall(r"(\w+) = credentials\('([^']+)'\)", source)
    assert {name: name.lower().replace("_", "-") for name in secrets} == dict(credentials)


def test_they_are_told_what_the_training_is_told():
    training = read_workflow("train")["jobs"]["train"]["steps"][-1]["env"]
    assert step("Release")["env"] == training


def test_both_follow_the_training_once_that_is_wished():
    workflow, source = read_workflow("release"), JENKINSFILE.read_text(encoding="utf-8")
    assert workflow["on"]["workflow_run"]["workflows"] == [read_workflow("train")["name"]]
    assert "upstream(upstreamProjects: 'train', threshold: hudson.model.Result.SUCCESS)" in source
    assert "vars.RELEASE_AFTER_TRAINING != ''" in workflow["jobs"]["release"]["if"]
    assert "expression { env.RELEASE_AFTER_TRAINING }" in source


def test_the_workflow_that_is_started_can_be():
    (started,) = re.findall(r"workflows/(\w+)\.yml/dispatches", step("Start CI")["run"])
    assert "workflow_dispatch" in read_workflow(started)["on"]
    assert read_workflow("release")["jobs"]["release"]["permissions"] == {"contents": "write", "actions": "write"}
