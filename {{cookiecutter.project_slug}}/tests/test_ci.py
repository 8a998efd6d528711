"""GitHub Actions and Jenkins go through the same stages with the same commands, and the logic is in the commands."""

import re
from pathlib import Path

import yaml

WORKFLOW, JENKINSFILE = Path(".github/workflows/ci.yml"), Path("Jenkinsfile")


def stages_of_github() -> list[tuple[str, str]]:
    """The name and the command of every step that runs one, in order."""
    jobs = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"].values()
    return [(step["name"], step["run"]) for job in jobs for step in job["steps"] if "run" in step]


def stages_of_jenkins() -> list[tuple[str, str]]:
    """The name and the command of every stage that runs one, in order."""
    return re.findall(r"stage\('([^']+)'\) \{\s+steps \{\s+sh '([^']+)'", JENKINSFILE.read_text(encoding="utf-8"))


def test_both_have_the_same_stages_and_commands():
    assert stages_of_github() == stages_of_jenkins()
    assert [name for name, _ in stages_of_github()] == ["Check", "Build", "Deploy", "Smoke test"]


def test_no_command_hides_from_the_comparison():
    assert len(re.findall(r"\bsh\b", JENKINSFILE.read_text(encoding="utf-8"))) == len(stages_of_jenkins())


def test_every_command_is_a_task_of_make():
    tasks = re.findall(r"^([a-z-]+):", "".join(path.read_text("utf-8") for path in Path("mk").glob("*.mk")), re.M)
    for _, command in stages_of_github():
        program, *wanted = command.split()
        assert program == "make" and set(wanted) <= set(tasks), command
