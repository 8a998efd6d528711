"""Runs a workflow of a project with act, each job as on a machine of its own: an emulation, not GitHub."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import support
import yaml
from emulation import machine

if TYPE_CHECKING:
    from emulation.hub import Hub

ACT = Path(sys.executable).with_name("act")
STAND_INS = {
    yaml.safe_load(path.read_text("utf-8"))["name"]: path.parent
    for path in (Path(__file__).parent / "actions").glob("*/action.yml")
}
WORKFLOWS = ".github/workflows"
# With the filters that are emulated.
EMULATED_EVENTS = {
    "push": {"branches"},
    "pull_request": {"branches"},
    "workflow_dispatch": set(),
    "schedule": set(),
    "workflow_run": {"branches", "types", "workflows"},
}
TOKEN = "emulated-token"  # of each workflow that runs
# act would ask for Docker, or pass over them in silence.
NOT_EMULATED = {"container", "services", "strategy", "uses"}
# The one folder that act makes anew for each job, besides the one for the checkout.
ON_THE_RUNNER = {"HOME": "${{ runner.temp }}", "TMPDIR": "${{ runner.temp }}"}
# Stands before bash on the PATH: act gives a step a terminal, reads no further once it has failed, and hangs up on what
# it leaves running. A hosted runner does none of this. So a last word of ours tells that all of a step is heard, though
# others may still speak; and after a failure, more blanks than the terminal takes have act read what is before them.
SHELL = """#!{bash}
[[ -t 0 ]] || exec {bash} "$@"
exec 3> >(exec sed --unbuffered -e '/^{end}$/Q' -e '/{end}$/{{s///;q}}')
reader=$!
setsid --wait {bash} "$@" < /dev/null >&3 2>&3 3>&-
status=$?
echo {end} >&3
wait $reader
((status == 0)) || printf '%65536s'
exit $status
"""
END = "end-of-the-emulated-step"


@dataclass(frozen=True)
class Result:
    """What became of a run: jobs in the order of the workflow, steps as (job, step, outcome) in theirs."""

    success: bool
    jobs: dict[str, str]
    steps: list[tuple[str, str, str]]
    log: str


def run(
    clone: Path,
    workflow: str,
    *,
    event: str,
    branch: str = "main",
    after: tuple[str, str] = ("", ""),
    secrets: dict[str, str],
    variables: dict[str, str],
    environment: dict[str, str],
    artifacts: Path,
    hub: "Hub | None" = None,
) -> Result:
    """Run a file of .github/workflows for an event on a branch of a clone; `artifacts` is made and filled.

    after: for `workflow_run`, the name of the workflow that has ended on this branch, and how. hub: what serves the
    origin of the clone and GitHub's API; without it, jobs reach neither.
    """
    artifacts.mkdir(parents=True)
    origin = support.run("git", "remote", "get-url", "origin", cwd=clone).stdout.strip()
    # A short name: what jobs put below it includes sockets, whose paths are limited. A service may outlive its job.
    with tempfile.TemporaryDirectory(prefix="", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        commit = checked_out(clone, folder / "commit", event, branch)
        contents = {path.name: read(path.read_text("utf-8")) for path in (commit / WORKFLOWS).iterdir()}
        content = contents[workflow]
        assert not after[0] or after[0] in [one.get("name") for one in contents.values()], f"there is no {after[0]}"
        assert starts(content["on"], event, branch, after[0]), f"{workflow} does not start on {event} of {branch}"
        if hub:
            hub.permissions = permissions(content)
        emulated = {"ARTIFACTS": artifacts.resolve(), "COMMIT": commit, "ORIGIN": origin}
        done = subprocess.run(
            [
                *(ACT, event, "-C", commit, "-W", f"{WORKFLOWS}/{workflow}", "--action-cache-path", folder),
                *options(content, repository(origin), hub.api if hub else "https://api.github.invalid"),
                *written(folder, payload(event, branch, after), secrets, variables),
            ],
            cwd=folder,  # else act reads the .actrc of wherever the tests run
            env=surroundings(folder, environment) | {f"EMULATED_{key}": str(value) for key, value in emulated.items()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60 * sum(int(job.get("timeout-minutes", 360)) for job in content["jobs"].values()),
        )
    return result(done, list(content["jobs"]))


def checked_out(clone: Path, folder: Path, event: str, branch: str) -> Path:
    """A repository at the commit that GitHub runs: of a pull request, its merge into main."""
    everything = ["refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"]
    support.run("git", "init", "-q", folder, cwd=clone)
    support.run("git", "fetch", "-q", "--update-head-ok", clone.resolve(), *everything, cwd=folder)
    if event != "pull_request":
        support.run("git", "checkout", "-q", "main" if event == "workflow_run" else branch, cwd=folder)
        return folder
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    support.run("git", "checkout", "-q", "--detach", "main", cwd=folder)
    support.run("git", *identity, "merge", "-q", "--no-ff", "-m", "Merge", branch, cwd=folder)
    return folder


def read(workflow: str) -> dict:
    """What a workflow says, in which `on` is no truth value."""
    return yaml.load(workflow, Loader=yaml.BaseLoader)


def starts(triggers: str | list | dict, event: str, branch: str, after: str = "") -> bool:
    """Whether an event starts the workflow: act looks at the event's name and at no filter.

    after: the name of the workflow that has ended.
    """
    if not isinstance(triggers, dict):
        triggers = dict.fromkeys([triggers] if isinstance(triggers, str) else triggers)
    assert event in EMULATED_EVENTS, f"{event} is not emulated"
    if event not in triggers or not EMULATED_EVENTS[event]:
        return event in triggers
    filters, target = triggers[event] or {}, "main" if event == "pull_request" else branch
    branches = filters.get("branches", [target])
    known = set(filters) <= EMULATED_EVENTS[event] and filters.get("types", ["completed"]) == ["completed"]
    assert known and not re.search(r"[*?+!\[]", "".join(branches)), f"not emulated: {filters}"
    return target in branches and (event != "workflow_run" or after in filters["workflows"])


def permissions(content: dict) -> dict[str, str]:
    """What the token of a workflow may, which all of its jobs share here."""
    found = [job.get("permissions", content.get("permissions")) for job in content["jobs"].values()]
    assert all(isinstance(one, dict) for one in found), "not emulated: a token whose permissions are not named"
    return {name: value for one in found for name, value in one.items()}


def payload(event: str, branch: str, after: tuple[str, str]) -> dict:
    """What GitHub tells of the event, as far as act reads it."""
    about = {"repository": {"default_branch": "main"}}
    if event == "pull_request":
        return about | {"number": 1, "pull_request": {"head": {"ref": branch}, "base": {"ref": "main"}}}
    if event == "workflow_run":
        ended = {"name": after[0], "conclusion": after[1], "head_branch": branch}
        return about | {"ref": "refs/heads/main", "action": "completed", "workflow_run": ended}
    return about | {"ref": f"refs/heads/{branch}"}


def repository(origin: str) -> str:
    """The owner and the name in the URL of a remote."""
    return "/".join(re.split("[/:]", origin.removesuffix(".git"))[-2:])


def surroundings(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """The variables of every job: those of the machine, those that the caller names, and our bash first on the PATH."""
    shell = folder / "bin" / "bash"
    shell.parent.mkdir()
    shell.write_text(SHELL.format(bash=shutil.which("bash"), end=END), encoding="utf-8")
    shell.chmod(0o755)
    inherited = machine.inherited() | environment
    own = {"ACT_DISABLE_VERSION_CHECK": "1", "HOME": str(folder), "LANG": "C.UTF-8"}
    return inherited | own | {"PATH": f"{shell.parent}{os.pathsep}{inherited['PATH']}"}


def options(content: dict, name: str, api: str) -> list[str]:
    """What act is told of the jobs: to run them here, one after the other, with stand-ins for actions."""
    named = {
        "--platform": {runner(job): "-self-hosted" for job in content["jobs"].values()},
        "--local-repository": stand_ins(content),
        "--env": ON_THE_RUNNER | {"GITHUB_REPOSITORY": name, "GITHUB_API_URL": api},
    }
    return [
        *("--json", "--verbose", "--rm", "--no-cache-server", "--no-skip-checkout"),
        *("--concurrent-jobs", "1"),  # two at once would write act's table of actions at once
        *(part for option, values in named.items() for key in values for part in (option, f"{key}={values[key]}")),
    ]


def written(folder: Path, event: dict, secrets: dict[str, str], variables: dict[str, str]) -> list[str]:
    """Options that name files with their values, since others can read a command line."""
    values = {
        "--eventpath": event,
        "--secret-file": {"GITHUB_TOKEN": TOKEN} | secrets,  # else act asks the machine's `gh` for one
        "--var-file": variables,
        # Nothing: else act reads the project's .env and .input.
        "--env-file": {},
        "--input-file": {},
    }
    for option, value in values.items():
        (folder / f"{option}.yaml").write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return [part for option in values for part in (option, str(folder / f"{option}.yaml"))]


def runner(job: dict) -> str:
    """The label that a job runs on."""
    assert not NOT_EMULATED & set(job), f"not emulated: {NOT_EMULATED & set(job)}"
    assert job["runs-on"].startswith("ubuntu-"), f"not emulated: {job['runs-on']}"
    return job["runs-on"]


def stand_ins(content: dict) -> dict[str, str]:
    """What stands in for each action that a step uses, which must know all that the step gives it."""
    steps = [step for job in content["jobs"].values() for step in job["steps"] if "uses" in step]
    for step in steps:
        name = step["uses"].partition("@")[0]
        assert name in STAND_INS, f"nothing stands in for {name}"
        inputs = yaml.safe_load((STAND_INS[name] / "action.yml").read_text("utf-8"))["inputs"]
        given, required = set(step.get("with", {})), {key for key, value in inputs.items() if value.get("required")}
        assert given <= set(inputs), f"the stand-in for {name} does not know {sorted(given - set(inputs))}"
        assert required <= given, f"{name} needs {sorted(required - given)}"
    return {step["uses"]: str(STAND_INS[step["uses"].partition("@")[0]]) for step in steps}


def result(done: subprocess.CompletedProcess[str], order: list[str]) -> Result:
    """What act's log, one JSON object a line, says of jobs and steps; of an action's inner steps nothing."""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    log = "\n".join(f"[{line['jobID']}] {line['msg'].rstrip()}" for line in lines if line["level"] != "debug")
    ended = {line["jobID"]: line["jobResult"] for line in lines if "jobResult" in line}
    failed = set(ended) != set(order) or (done.returncode != 0) != ("failure" in ended.values())
    assert not failed, f"act could not run the workflow:\n{log}\n{done.stderr}"
    outer = [line for line in lines if line.get("stage") == "Main" and len(line["stepID"]) == 1]
    steps = [(line["jobID"], line["step"], line["stepResult"]) for line in outer if "stepResult" in line]
    steps.sort(key=lambda step: order.index(step[0]))
    return Result(done.returncode == 0, {job: ended[job] for job in order}, steps, log)
