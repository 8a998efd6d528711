"""What Jenkins would make of a Jenkinsfile, without a Jenkins: its pipeline emulated, and its Groovy linted."""

import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import support
from emulation import machine

JAVA = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dfile.encoding=UTF-8", "-cp"]  # starts twice as fast
EMULATION = Path(__file__).with_name("declarative_pipeline.groovy")


class RefusedError(Exception):
    """The Jenkinsfile says something that the emulation does not know."""


@dataclass(frozen=True)
class Result:
    """How a build ended: SUCCESS, UNSTABLE or FAILURE; a stage also SKIPPED by its `when`, or NOT_BUILT."""

    result: str
    stages: dict[str, str]
    log: str


def run(
    jenkinsfile: Path,
    workspace: Path,
    *,
    branch: str,
    environment: dict[str, str],
    credentials: dict,
    archive: Path,
    cause: str = "BranchEventCause",
) -> Result:
    """Build the commit whose checkout is in the workspace. Steps see the machine, this, and what Jenkins adds.

    cause: what started the build, by the name that `triggeredBy` knows.

    Credentials by their id: {"type": "text", "value": …}, {"type": "file", "path": …}, {"type": "userpass",
    "username": …, "password": …} or {"type": "ssh", "username": …, "path": …}.
    """
    with tempfile.TemporaryDirectory() as temporary:
        order, outcome, source = (Path(temporary) / name for name in ("order.json", "outcome.json", "source"))
        shutil.copytree(workspace, source, symlinks=True)
        support.run("git", "checkout", "-q", "--detach", cwd=source)  # as Jenkins does
        folders = {"workspace": workspace, "source": source, "archive": archive, "temporary": temporary}
        told = {"BRANCH_NAME": branch, "BUILD_NUMBER": "1", "CI": "true"}
        build = {
            "cause": cause,
            "commit": support.run("git", "rev-parse", "HEAD", cwd=workspace).stdout.strip(),
            "environment": machine.inherited() | environment | told,
            "credentials": credentials,
        }
        everything = {"jenkinsfile": jenkinsfile, "folders": folders, "build": build}
        order.write_text(json.dumps(everything, default=str), encoding="utf-8")
        log = emulate(order, outcome)
        return Result(**json.loads(outcome.read_text(encoding="utf-8")), log=log)


def emulate(order: Path, outcome: Path) -> str:
    """Run the emulation and return its log. What its steps leave running is killed at the end, as by Jenkins."""
    with subprocess.Popen(
        [*JAVA, compiled(), "declarative_pipeline", str(order), str(outcome)],
        env=os.environ | {"LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    ) as emulation:
        log, problem = emulation.communicate()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(emulation.pid, signal.SIGKILL)
    if emulation.returncode == 2:
        raise RefusedError(problem.strip())
    assert emulation.returncode == 0, log + problem
    return log


@functools.cache
def compiled() -> str:
    """The class path of the emulation: it takes longer to compile than to run."""
    support.tool("java")
    jars = f"{package()}/lib/java/groovy/lib/*"
    classes = tempfile.mkdtemp()
    compiler = "org.codehaus.groovy.tools.FileSystemCompiler"
    support.run(*JAVA, jars, compiler, "-d", classes, EMULATION, cwd=EMULATION.parent)
    return f"{jars}:{classes}"


def lint(folder: Path, *jenkinsfiles: str) -> dict[str, list[str]]:
    """What the linter's rules for Jenkinsfiles say of these in a folder; what it calls info is a matter of taste."""
    support.tool("java")  # which the linter starts, for ten seconds however many files there are
    settings = ["--noserver", "--config", "recommended-jenkinsfile", "--output", "json"]
    done = support.run(support.tool("npm-groovy-lint"), *settings, *jenkinsfiles, cwd=folder, check=False)
    found = {}
    for path, said in json.loads(done.stdout)["files"].items():
        findings = [one["rule"] for one in said["errors"] if one["severity"] in ("error", "warning")]
        found[Path(path).relative_to(folder.resolve()).as_posix()] = findings
    return found


def package() -> Path:
    """The folder of npm-groovy-lint, which has Groovy's jars in it."""
    support.tool("npm-groovy-lint")
    root = support.run(support.tool("npm"), "root", "-g", cwd=Path.cwd()).stdout.strip()
    return Path(root) / "npm-groovy-lint"
