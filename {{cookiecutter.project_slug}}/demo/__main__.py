"""Keep the promise of the level and report: exits with 1 where it is not kept."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from {{cookiecutter.project_slug}}.core.pictures import as_png
from {{cookiecutter.project_slug}}.core.storage import new_file
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.settings import load_settings

from .calls import periods
from .picture import timeline
from .promise import Demo


def report(demo: Demo, problem: str | None) -> dict:
    """What was seen, for programs."""
    return {
        "kept": problem is None,
        "problem": problem,
        "seconds": round(sum(step["seconds"] for step in demo.steps), 1),
        "steps": demo.steps,
        "releases": [release.model_dump(include={"release", "model", "scores"}) for release in demo.releases],
        "served": demo.served,
        "periods": [asdict(period) for period in periods(demo.calls)],
    }


def main() -> None:
    """Run the demo and leave its record and, if the promise was kept, its picture."""
    reports = Path(load_settings().state.reports)
    demo, problem = Demo(Path("demo/workspace")), None
    (reports / "demo.png").unlink(missing_ok=True)
    try:
        demo.keep()
    except ProjectError as error:
        problem = str(error)
    with new_file(reports / "demo.json") as unfinished:
        unfinished.write_text(json.dumps(report(demo, problem), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if problem:
        sys.exit(f"The promise was not kept: {problem}")
    with new_file(reports / "demo.png") as unfinished:
        unfinished.write_bytes(as_png(timeline(demo.calls, demo.releases)))
    print(f"Kept. The picture is {reports / 'demo.png'}, the record {reports / 'demo.json'}.")


if __name__ == "__main__":
    try:
        main()
    except ProjectError as error:
        sys.exit(f"Error: {error}")
