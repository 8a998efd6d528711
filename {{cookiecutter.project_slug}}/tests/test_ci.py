"""GitHub Actions and Jenkins go through the same stages with the same commands, and the logic is in the commands."""

import re
from pathlib import Path

import pytest
import yaml

WORKFLOWS, JENKINSFILES = Path(".github/workflows"), Path("jenkins")
STAGES = {
    (WORKFLOWS / "ci.yml", Path("Jenkinsfile")): ["Check", "Build", "Deploy", "Smoke test"],
    (WORKFLOWS / "audit.yml", JENKINSFILES / "audit.Jenkinsfile"): ["Audit"],
    (WORKFLOWS / "predict.yml", JENKINSFILES / "predict.Jenkinsfile"): ["Predict"],
}
TASKS = set(re.findall(r"^([a-z-]+):", "".join(path.read_text("utf-8") for path in Path("mk").glob("*.mk")), re.M))
each_pair = pytest.mark.parametrize(("workflow", "jenkinsfile"), STAGES, ids=lambda path: path.name)


def stages_of_github(workflow: Path) -> list[tuple[str, str]]:
    """The name and the command of every step that runs one, in order."""
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()
    return [(step["name"], step["run"]) for job in jobs for step in job["steps"] if "run" in step]


def stages_of_jenkins(jenkinsfile: Path) -> list[tuple[str, str]]:
    """The name and the command of every stage that runs one, in order."""
    stage = r"stage\('([^']+)'\) \{(?:(?!stage\().)*?\ssteps \{\s+sh '([^']+)'"
    return re.findall(stage, jenkinsfile.read_text(encoding="utf-8"), re.DOTALL)


@each_pair
def test_both_have_the_same_stages_and_commands(workflow, jenkinsfile):
    assert stages_of_github(workflow) == stages_of_jenkins(jenkinsfile)
    assert [name for name, _ in stages_of_github(workflow)] == STAGES[workflow, jenkinsfile]


@each_pair
def test_no_command_hides_from_the_comparison(workflow, jenkinsfile):
    assert len(re.findall(r"\bsh\b", jenkinsfile.read_text(encoding="utf-8"))) == len(stages_of_jenkins(jenkinsfile))


@each_pair
def test_every_command_is_a_task_of_make(workflow, jenkinsfile):
    for _, command in stages_of_github(workflow):
        program, *wanted = command.split()
        assert program == "make" and set(wanted) <= TASKS, command


@pytest.mark.parametrize(("name", "times"), [("audit", "5 * * 1"), ("predict", "4 * * *")])
def test_both_start_at_the_same_times(name, times):
    (said,) = re.findall(r'cron: "\d+ (.*)"', (WORKFLOWS / f"{name}.yml").read_text(encoding="utf-8"))
    (other,) = re.findall(r"cron\('H (.*)'\)", (JENKINSFILES / f"{name}.Jenkinsfile").read_text(encoding="utf-8"))
    assert said == other == times


def test_both_predict_with_the_same_variables_and_secrets():
    workflow = yaml.safe_load((WORKFLOWS / "predict.yml").read_text(encoding="utf-8"))
    told = workflow["env"] | workflow["jobs"]["predict"]["steps"][-1]["env"]
    source = (JENKINSFILES / "predict.Jenkinsfile").read_text(encoding="utf-8")
    said = {name: value for name, value in told.items() if "$" not in value}
    assert said == dict(re.findall(r"(\w+) = '([^']*)'", source)) and said["released"] and said["SHARED_STORES"]
    secrets = {name for name, value in told.items() if re.fullmatch(rf"\$\W+secrets\.{name}\W+", value)}
    credentials = re.findall(r"(\w+) = credentials\('([^']+)'\)", source)
    assert {name: name.lower().replace("_", "-") for name in secrets} == dict(credentials)
