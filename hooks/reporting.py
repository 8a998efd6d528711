"""What a run says: what happened, what is left to do, and how to undo it."""

import os
import shlex
import subprocess
from pathlib import Path

import merging
from address import without_secrets
from command_line import Typed
from planning import ADDED, ASIDE, CONFLICT, KEPT, MERGED, NOT_ADDED, REMOVED, STAYS_DELETED, UPDATED, Plan
from recovery import Recovery
from undoing import Undoing

MOST_LINES = 10  # of one kind; a dry run shows all


def say(*lines: str) -> None:
    """Print, if anybody listens: what has happened has happened when the output is closed or full, too."""
    try:
        print(*lines, sep="\n", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def of_plan(result: Plan) -> list[str]:
    """One line for each path that would be touched or is worth a word."""
    return [line(result, path, outcome) for path, outcome in sorted(result.outcomes.items())]


def line(result: Plan, path: str, outcome: str) -> str:
    """What becomes of a path."""
    beside = f" (the template's: {result.beside[path]})" if path in result.beside else ""
    return f"  {outcome:<15} {path}{beside}"


def of_run(result: Plan) -> list[str]:
    """The same after a run, in short."""
    lines = [] if result.changes.writes else ["  Nothing to change."]
    for outcome in (ADDED, UPDATED, REMOVED):
        if number := len(result.paths(outcome)):
            lines.append(f"  {outcome:<15} {files(number)}")
    for outcome in (MERGED, KEPT, ASIDE, CONFLICT, STAYS_DELETED):
        lines += shortened([line(result, path, outcome) for path in result.paths(outcome)])
    return lines + of_removed_folders(result)


def of_removed_folders(result: Plan) -> list[str]:
    """What was not added, and why."""
    lines = []
    for folder in sorted(set(result.gone.values())):
        number = sum(gone == folder for gone in result.gone.values())
        lines.append(f"  {NOT_ADDED:<15} {files(number)} below {folder}/, which is not there any more")
    return lines


def to_do(result: Plan, conflicts: list[str], in_git: list[str], again: str) -> list[str]:
    """What is left to do after a run that leaves these conflicts open, of which git shows some."""
    lines = []
    if conflicts:
        by_git = ", or run  git mergetool" if in_git else ""
        lines.append(f"\nSettle the conflicts: look for {merging.MINE.decode()}{by_git}.")
        lines += [f"  {path} is still open, from an earlier run" for path in conflicts if path not in result.outcomes]
    if result.gone:
        lines.append(
            "\nSome folders of the template are not where they were. Did you rename one? Give it its old name, run this"
            "\nagain, and rename it then. To have the new files all the same:"
            f"\n  {again} _restore={min(result.gone.values())}"
        )
    elif result.paths(STAYS_DELETED):
        lines.append(
            "\nWhat you deleted, or what never came into this clone, can be had again, a file or a folder (. is all):"
            f"\n  {again} _restore={result.paths(STAYS_DELETED)[0]}"
        )
    return lines


def of_kept(project: Path, keep: Path, again: str) -> list[str]:
    """Where the files are as they were, and how to undo the run."""
    place = keep.relative_to(project).as_posix()
    where = [f"The files as they were: {place}/before"] if (keep / "before").is_dir() else []
    return ["", *where, f"To undo all this:  {again} _undo=yes"]


def of_recovery(found: Recovery, done: bool) -> list[str]:
    """What was put back, or would be, of a run that died."""
    if not found.fits:
        return [
            "\nAn earlier run was cut short, and the record was changed since, by git or on another machine.",
            "So nothing of it is put back, and what it had saved stays in .mlops-template/recovery.",
        ]
    was, were = ("was", "were") if done else ("is", "are")
    lines = [f"\nAn earlier run was cut short. What it had changed {was} put back first: {files(len(found.put_back))}."]
    if found.changed:
        lines += ["These were changed since, and stay; what they had been is in .mlops-template/recovery:"]
        lines += [f"  {path}" for path in found.changed]
    if found.lost:
        lines += [f"These {were} left as that run wrote them, since what they had been was removed:"]
        lines += [f"  {path}" for path in found.lost]
    return lines


def of_undoing(found: Undoing) -> list[str]:
    """What was taken back, and what stays."""
    lines = [f"  {'as before':<15} {files(len(found.changes.writes))}"]
    lines += [f"  {KEPT:<15} {path} (changed since)" for path in found.kept]
    lines += [f"  {KEPT:<15} {path} (what it was before is gone)" for path in found.lost]
    return [*lines, f"\nThe files as they were before that run: {found.saved}"] if found.kept else lines


def shortened(lines: list[str]) -> list[str]:
    """The first of many lines."""
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:MOST_LINES], f"  … and {len(lines) - MOST_LINES} more, which _dry_run=yes shows"]


def files(number: int) -> str:
    """So many files."""
    return f"{number} file{'' if number == 1 else 's'}"


def command(given: dict, typed: Typed | None) -> str:
    """The command line that brings the template over this project again, as it is."""
    words = [without_secrets(given.get("_template") or "TEMPLATE"), "-f", "--no-input"]
    if checkout := given.get("_checkout"):
        words += ["-c", checkout]
    if directory := typed and typed.options.get("--directory"):
        words += ["--directory", directory]
    if (folder := given.get("_output_dir", "")) != os.environ.get("PWD", ""):
        words += ["-o", folder]
    joined = subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
    return f'uvx "cookiecutter>=2.7,<3" {joined} project_slug={given["project_slug"]}'
