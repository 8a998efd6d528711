"""The command `maturity`."""

import json
from pathlib import Path

import typer

from ..core.storage import new_file
from ..errors import ProjectError
from ..settings import load_settings
from .proofs import DECLARATION, examine, read_declaration, report

app = typer.Typer()


@app.command()
def maturity() -> None:
    """Run the proofs of the project's level, and say what is missing for the next; fails when a proof does."""
    declaration = read_declaration(DECLARATION)
    here = int(declaration["project"]["level"])
    level = declaration["levels"][here]
    typer.echo(f"Level {here}, {level['name']}")
    findings = []
    for criterion in level["criteria"]:
        finding = examine(criterion, Path())
        findings.append(finding)
        evidence = finding.evidence.replace("\n", "\n        ")
        typer.echo(f"  {finding.verdict}  {finding.criterion}\n        {evidence}")
    found = report(declaration, findings)
    path = Path(load_settings().state.reports) / "maturity.json"
    with new_file(path) as unfinished:
        unfinished.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if found["next"]:
        typer.echo(f"Level {here + 1}, {found['next']['name']}, asks for more:")
        for missing in found["next"]["missing"]:
            typer.echo(f"  -  {missing}")
    typer.echo(f"The same for programs is in {path}.")
    if not found["met"]:
        failed = sum(finding.verdict == "FAIL" for finding in findings)
        raise ProjectError(f"{failed} of {len(findings)} proofs of level {here} fail: see FAIL above.")
