"""Strip a render to its maturity level, and bring the project to that.

What to strip is read from the render's own maturity.yaml, so that this also works under cruft, where neither the
template nor the modules beside this file can be found; cruft merges by itself.
"""

import json
import sys
import textwrap
from collections.abc import Iterable
from fnmatch import fnmatch
from functools import cache
from itertools import dropwhile
from pathlib import Path

import yaml

ANSWERS = json.loads({{cookiecutter | tojson | tojson}})
# What tools leave in a clone of the template: the patterns after "leftovers:" in cookiecutter.json, which also keep
# cookiecutter from rendering such files. The replay of an older version's answers has none.
LEFTOVERS = list(dropwhile(lambda pattern: pattern != "leftovers:", ANSWERS.get("_copy_without_render", [])))


@cache
def declared(maturity: bytes) -> dict:
    """The declaration in maturity.yaml, read once; in C where PyYAML can."""
    return yaml.load(maturity, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def claimed(path: str, row: dict) -> bool:
    """Whether this row of the declaration speaks of this file."""
    return path.startswith(row["path"]) if row["path"].endswith("/") else path == row["path"]


def kept(level: int, row: dict, project: dict) -> bool:
    """Whether a row listed at this level is part of a project with these answers."""
    wanted = int(project["level"])
    answers_fit = all(project[option] in allowed for option, allowed in row.get("when", {}).items())
    return level <= wanted <= row.get("until", wanted) and answers_fit


def is_leftover(path: str) -> bool:
    """Whether a tool has left this file in the clone of the template, in a folder that a row claims or elsewhere."""
    return any(fnmatch(path, pattern) for pattern in LEFTOVERS)


def is_declared(path: str, declaration: dict) -> bool:
    """Whether any row of the declaration speaks of this file."""
    return any(claimed(path, row) for level in declaration["levels"].values() for row in level.get("paths", []))


def files_kept(files: Iterable[str], declaration: dict) -> set[str]:
    """Those of the files that belong to the declared project.

    Raises ValueError where the declaration and the files differ: a file that not exactly one row claims, or a row that
    claims none.
    """
    rows = [(n, row) for n, level in declaration["levels"].items() for row in level.get("paths", [])]
    idle, result = [row["path"] for _, row in rows], set()
    for path in files:
        owners = [(level, row) for level, row in rows if claimed(path, row)]
        if len(owners) != 1:
            raise ValueError(f"{path} is claimed by {len(owners)} rows of maturity.yaml, not by one")
        level, row = owners[0]
        if row["path"] in idle:
            idle.remove(row["path"])
        if kept(level, row, declaration["project"]):
            result.add(path)
    if idle:
        raise ValueError(f"maturity.yaml lists what is not there: {', '.join(idle)}")
    return result


def strip(root: Path, declaration: dict) -> None:
    """Remove what the declared project does not have, and the folders left empty by that.

    What lies about in the clone of the template, as a leftover or without a row, is no fault of who makes a project.
    """
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    declared_files = {path for path in files if is_declared(path, declaration) and not is_leftover(path)}
    for path in files - files_kept(declared_files, declaration):
        (root / path).unlink()
    for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def wrapped(text: str, hanging: str = "") -> str:
    """The text in lines that a person can read in an editor, all but the first behind this indent."""
    return textwrap.fill(text, width=120, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)


def criteria_list(criteria: list[dict]) -> str:
    """The criteria as a Markdown list, with the command or the question that settles each."""
    lines = []
    for row in criteria:
        lines.append(wrapped(f"- {row['says']}", "  "))
        if settled := how_to_settle(row):
            lines.append(wrapped(f"  {settled}", "  "))
    return "\n".join(lines)


def how_to_settle(row: dict) -> str:
    """The command or the question of one criterion; nothing at a level that is not built yet."""
    if "ask" in row:
        return f"Ask: *{row['ask']}*"
    if "once" in row:
        return f"Proof: `{row['proof']}`. Until there is `{row['once']}`, simulated: `{row['simulated']}`"
    if "simulated" in row:
        return f"Simulated: `{row['simulated']}`"
    return f"Proof: `{row['proof']}`" if "proof" in row else ""


def levels_offered(declaration: dict) -> list[int]:
    """The levels that this version of the template can make."""
    return [number for number, level in declaration["levels"].items() if "start" in level]


def maturity_page(declaration: dict) -> str:
    """MATURITY.md: where the project is, when that is enough, what the next level brings and how to get there."""
    here, levels = int(declaration["project"]["level"]), declaration["levels"]
    ladder = [
        f"| {'**you are here →**' if number == here else ''} | {number} | {level['name']} | {level['by_hand']} |"
        for number, level in levels.items()
    ]
    have = f"{levels[here]['gives']} It is meant for {levels[here]['for']}. By hand: {levels[here]['by_hand']}."
    page = f"""# Maturity: level {here}, {levels[here]["name"]}

|  | level | name | what stays by hand |
|---|---|---|---|
{chr(10).join(ladder)}

## What you have

{wrapped(have)}

{criteria_list(levels[here]["criteria"])}
"""
    return page + next_level(declaration, here + 1) if here + 1 in levels else page


def next_level(declaration: dict, number: int) -> str:
    """The part of MATURITY.md about the level above: whether to go there, what it takes, and how."""
    here, up = declaration["levels"][number - 1], declaration["levels"][number]
    facts = {"Made with": "tools", "Needs": "needs", "Costs": "costs", "By hand": "by_hand"}
    answers = f"project_slug={ANSWERS['project_slug']} maturity_level={number}"
    how = f"""Commit your work, then run this in the folder that holds this one. The README says how to look first, how
conflicts look, how to settle them and how to undo it all.

```bash
uvx "cookiecutter>=2.7,<3" gh:org/mlops-template -f --no-input {answers}
```"""
    if number not in levels_offered(declaration):
        how = f"Level {number} is not in this version of the template yet."
    return f"""
## When to stop here

Stay at this level if {here["stop_here_if"]}. Not every model needs the next one.

## What level {number}, {up["name"]}, would bring

{wrapped(up["gives"])}

{chr(10).join(wrapped(f"- {title}: {up[key]}", "  ") for title, key in facts.items())}

A project at that level can say:

{criteria_list(up["criteria"])}

## Move up a level

{how}
"""


def refuse_missing_level(declaration: dict) -> None:
    """Stop if the level asked for is not built yet."""
    offered, wanted = levels_offered(declaration), declaration["project"]["level"]
    if int(wanted) not in offered:
        names = ", ".join(f"{number} ({declaration['levels'][number]['name']})" for number in offered)
        sys.exit(f"\nmaturity_level {wanted} is not in this version of the template, which offers: {names}.\n")


def finish(root: Path) -> None:
    """Turn the full render in a folder into what the template writes at the level that was asked for."""
    declaration = declared((root / "maturity.yaml").read_bytes())
    refuse_missing_level(declaration)
    strip(root, declaration)
    (root / "MATURITY.md").write_text(maturity_page(declaration), encoding="utf-8", newline="\n")


def regenerate(project: Path, repo: Path) -> None:
    """Bring the project to what the template writes, and say how to go on."""
    sys.path.insert(0, str(repo / "hooks"))
    import regeneration
    from refusal import RefusedError
    from reporting import say

    try:
        written = regeneration.regenerate(project, repo, ANSWERS, finish)
    except RefusedError as error:
        sys.exit(f"\n{error}\n")
    if written:
        declaration = declared(written["maturity.yaml"])
        level = declaration["levels"][int(declaration["project"]["level"])]
        say(f"\nReady: {level['name']}, for {level['for']}.\n\n  cd {ANSWERS['project_slug']}\n  {level['start']}\n")


def main() -> None:
    """Do so in the current folder."""
    for stream in filter(None, (sys.stdout, sys.stderr)):  # none where one is closed
        stream.reconfigure(errors="backslashreplace")
    if "_repo_dir" in ANSWERS:
        regenerate(Path.cwd(), Path(ANSWERS["_repo_dir"]))
    else:  # cruft
        finish(Path.cwd())


if __name__ == "__main__":
    main()
