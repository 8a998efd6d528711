"""GitHub Actions and Jenkins go through the same stages with the same commands, and the logic is in the commands."""

import re
from pathlib import Path

import pytest
import yaml

WORKFLOWS, JENKINSFILES = Path(".github/workflows"), Path("jenkins")
STAGES = {
    (WORKFLOWS / "ci.yml", Path("Jenkinsfile")): ["Check", "Build", "Deploy", "Smoke test"],
    (WORKFLOWS / "audit.yml", JENKINSFILES / "audit.Jenkinsfile"): ["Audit"],
}
TASKS = set(re.findall(r"^([a-z-]+):", "".join(path.read_text("utf-8") for path in Path("mk").glob("*.mk")), re.M))
each_pair = pytest.mark.parametrize(("workflow", "jenkinsfile"), STAGES, ids=lambda path: path.name)


def stages_of_github(workflow: Path) -> list[tuple[str, str]]:
    """The name and the command of every step that runs one, in order."""
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()
    return [(step["name"], step["run"]) for job in jobs for step in job["steps"] if "run" in step]


def stages_of_jenkins(jenkinsfile: Path) -> list[tuple[str, str]]:
    """The name and the command of every stage that runs one, in order."""
    return re.findall(r"stage\('([^']+)'\) \{\s+steps \{\s+sh '([^']+)'", jenkinsfile.read_text(encoding="utf-8"))


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


def test_both_look_for_known_weaknesses_every_week():
    (times,) = re.findall(r'cron: "(.*)"', (WORKFLOWS / "audit.yml").read_text(encoding="utf-8"))
    (other,) = re.findall(r"cron\('(.*)'\)", (JENKINSFILES / "audit.Jenkinsfile").read_text(encoding="utf-8"))
    assert times.split()[1:] == other.split()[1:] == ["5", "*", "*", "1"]
