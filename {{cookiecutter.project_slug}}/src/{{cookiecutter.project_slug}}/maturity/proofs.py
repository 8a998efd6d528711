"""Run the proofs of a level, and say what is missing for the next."""

import os
import shlex
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from ..errors import ProjectError

Verdict = Literal["PASS", "SIMULATED", "FAIL", "ASK"]
LAST_LINES = 5
DECLARATION = Path("maturity.yaml")


@dataclass(frozen=True)
class Finding:
    """One criterion and what was found.

    SIMULATED: the demo has shown it, and the project has nothing of its own yet that could. ASK: no command can tell;
    the evidence is the question.
    """

    criterion: str
    verdict: Verdict
    evidence: str
    command: str | None = None


def read_declaration(path: Path) -> dict[str, Any]:
    """The levels and where the project says it is. Raises ProjectError where the file is missing or makes no sense."""
    try:
        declaration = yaml.safe_load(path.read_text(encoding="utf-8"))
        here = int(declaration["project"]["level"])
        declaration["levels"][here]["criteria"]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise ProjectError(f"{path} cannot be read as the declaration of this project's level: {error!r}") from None
    return declaration


def examine(criterion: dict[str, str], folder: Path) -> Finding:
    """Prove one criterion in this folder: by its own proof, or by the demo's until there is what that one looks at."""
    says = criterion["says"]
    if "ask" in criterion:
        return Finding(says, "ASK", criterion["ask"])
    if "simulated" in criterion and not ("once" in criterion and (folder / criterion["once"]).exists()):
        return prove(says, criterion["simulated"], "SIMULATED", folder)
    return prove(says, criterion["proof"], "PASS", folder)


def prove(says: str, command: str, verdict: Verdict, folder: Path) -> Finding:
    """Run a proof: this verdict if it goes well, else FAIL; its last lines are the evidence."""
    # As if typed by hand: a make that started this says nothing to a make in the proof.
    variables = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    try:
        done = subprocess.run(
            shlex.split(command), cwd=folder, env=variables, capture_output=True, encoding="utf-8", errors="replace"
        )
    except OSError as error:
        return Finding(says, "FAIL", f"the proof cannot be run: {error}", command)
    said = done.stdout if done.returncode == 0 else done.stdout + done.stderr
    lines = [line for line in said.splitlines() if line.strip()]
    evidence = "\n".join(lines[-1:] if done.returncode == 0 else lines[-LAST_LINES:]) or "no output"
    return Finding(says, verdict if done.returncode == 0 else "FAIL", evidence, command)


def report(declaration: dict[str, Any], findings: list[Finding]) -> dict[str, Any]:
    """What was found, for programs: the level, whether it is met, each criterion, and what the next level asks for."""
    here, levels = int(declaration["project"]["level"]), declaration["levels"]
    up = levels.get(here + 1)
    return {
        "level": here,
        "name": levels[here]["name"],
        "met": all(finding.verdict != "FAIL" for finding in findings),
        "criteria": [asdict(finding) for finding in findings],
        "next": up and {"level": here + 1, "name": up["name"], "missing": [row["says"] for row in up["criteria"]]},
    }
