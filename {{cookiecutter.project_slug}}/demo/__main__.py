"""Keep the promise of the level and report: exits with 1 where it is not kept."""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from {{cookiecutter.project_slug}}.core.pictures import as_png
from {{cookiecutter.project_slug}}.core.storage import new_file
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.settings import load_settings


def demo_of_highest_level(folder: Path) -> Any:
    """What keeps the promise of the highest level that there is one for, in this folder."""
    level = max(int(path.name.removeprefix("level_")) for path in Path(__file__).parent.glob("level_*"))
    return import_module(f"{__package__}.level_{level}").Demo(folder)


def report(demo: Any, problem: str | None) -> dict[str, Any]:
    """What was seen, for programs."""
    seconds = round(sum(step["seconds"] for step in demo.steps), 1)
    return {"kept": problem is None, "problem": problem, "seconds": seconds, "steps": demo.steps} | demo.report()


def main() -> None:
    """Run the demo and leave its record and, if the promise was kept, its picture."""
    reports = Path(load_settings().state.reports)
    demo, problem = demo_of_highest_level(Path("demo/workspace")), None
    (reports / "demo.png").unlink(missing_ok=True)
    try:
        demo.keep()
    except (ProjectError, OSError) as error:  # a file that a command should have written
        problem = str(error)
    with new_file(reports / "demo.json") as unfinished:
        unfinished.write_text(json.dumps(report(demo, problem), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if problem:
        sys.exit(f"The promise was not kept: {problem}")
    with new_file(reports / "demo.png") as unfinished:
        unfinished.write_bytes(as_png(demo.picture()))
    print(f"Kept. The picture is {reports / 'demo.png'}, the record {reports / 'demo.json'}.")


if __name__ == "__main__":
    try:
        main()
    except ProjectError as error:
        sys.exit(f"Error: {error}")
