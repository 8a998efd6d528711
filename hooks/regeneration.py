"""Bring a project to what the template writes for these answers: a new one whole, one that is there by merging.

Cookiecutter would write over an existing project. So the pre-gen hook holds the template back, and the post-gen hook
calls `regenerate`, which renders into a folder of its own, merges, and writes all or nothing.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import answers as wishes
import applying
import command_line
import disk
import git_conflicts
import journal
import planning
import private_copy
import recorded_base
import recovery
import reporting
import repository
import undoing
from disk import Obstacle
from planning import CONFLICT, Plan
from recorded_base import Record, Tree
from refusal import RefusedError
from reporting import say

LEVEL = wishes.LEVEL


@dataclass
class Prepared:
    """What a run knows before it writes: the last one's record, what the template writes now, and what will be done."""

    last: Record
    theirs: Tree
    plan: Plan
    title: list[str]


def regenerate(project: Path, repo: Path, given: dict, finish: Callable[[Path], None]) -> Tree | None:
    """Make the project, or merge what the template writes now into it, and report.

    given is cookiecutter's context with the answers; finish turns the folder of a full render into what the template
    writes at the level. Returns what it writes now if the project is ready to use with that; None if not, or after
    another mode: a dry run, or an undoing. Raises RefusedError, with all as it was but for what the message names.
    """
    recovered = None
    try:
        with disk.alone(project):
            recorded_base.refuse_links(project)
            if given.get("_dry_run") == "yes":
                return rehearse(project, repo, given, finish)
            if recovered := recovery.recover(project):
                say(*reporting.of_recovery(recovered, done=True))
            return undo(project) if given.get("_undo") == "yes" else run(project, repo, given, finish)
    except recovery.StuckError as error:
        raise RefusedError(
            f"The project could not be written ({error.__context__}), and these files could not be put back as they"
            f" were: {error}. Run the template again when what stands in the way is gone: it puts them back first."
        ) from None
    except (OSError, RefusedError, *WHY) as error:
        why = WHY.get(type(error), "{}").format("\n  ".join(map(str, error.args)))
        if isinstance(error, OSError):
            why = f"The project could not be read or written: {error}."
        raise RefusedError(f"{why}\nNothing {'else ' if recovered else ''}was changed.") from None


WHY = {
    disk.BusyError: "Another run is at work on this project: wait until it has ended.",
    planning.UnsettledError: "These files still hold the conflicts of the last run, and the template has changed them"
    " again:\n  {}\nSettle them (look for <<<<<<< yours), then run the template again.",
    applying.ChangedError: "{} was changed while the template was at work. Run it again.",
}


def rehearse(project: Path, repo: Path, given: dict, finish: Callable[[Path], None]) -> None:
    """Say what a run would do, and touch nothing."""
    if died := journal.of_a_dead_run(project):
        found = recovery.examine(project, died) if journal.fits(project, died) else recovery.Recovery(fits=False)
        say(*reporting.of_recovery(found, done=False), "What the run would do after that can be seen once it is done.")
    elif given.get("_undo") == "yes":
        say(f"\n{project.name}: undoing the last run", *reporting.of_undoing(undoing.plan(project)))
    else:
        prepared = prepare(project, repo, given, finish)
        say(*prepared.title, *reporting.of_plan(prepared.plan))
    say("Nothing was written: this was a dry run.")
    if private_copy.is_older_than(project, repo):  # cookiecutter has made the folder for this run
        with suppress(OSError):
            os.chdir(project.parent)  # Windows removes no folder that somebody is in
            project.rmdir()


def undo(project: Path) -> None:
    """Take back the last run, but for what was changed since."""
    found = undoing.plan(project)
    applying.apply(project, found.changes)
    git_conflicts.unmark(project, found.changes.writes)
    say(f"\n{project.name}: the last run is undone", *reporting.of_undoing(found))


def run(project: Path, repo: Path, given: dict, finish: Callable[[Path], None]) -> Tree | None:
    """Make or upgrade the project, alone with it."""
    prepared = prepare(project, repo, given, finish)
    last, result, theirs = prepared.last, prepared.plan, prepared.theirs
    mine = {path: (project / path).read_bytes() for path in result.paths(CONFLICT)}
    keep = applying.apply(project, result.changes)
    in_git = git_conflicts.mark(project, result.paths(CONFLICT), mine, last.base, theirs)
    again = reporting.command(given)
    say(*prepared.title)
    if last.answers or result.paths(CONFLICT):
        say(*reporting.of_run(result), *reporting.to_do(result, in_git, again))
    if keep:
        say(*reporting.of_kept(project, keep, again))
    if left_out := repository.ignored(project, recorded_base.BASE, recorded_base.ANSWERS):
        say(f"\ngit ignores {' and '.join(left_out)}, which every clone needs: git add -f {' '.join(left_out)}")
    return None if result.paths(CONFLICT) or result.gone else theirs


def prepare(project: Path, repo: Path, given: dict, finish: Callable[[Path], None]) -> Prepared:
    """Decide all, and write nothing. Raises RefusedError where that is not clear or not safe."""
    typed = command_line.typed()
    last = recorded_base.read(project)
    if last is None:
        refuse_a_mistaken_beginning(project, given, typed)
    answers, remarks = wishes.settle(repo, given, last, typed)
    theirs = render(project, repo, answers, finish)
    before = last or Record({}, {})
    result = planning.plan(project, before, theirs, restore := answers.get("_restore", ""))
    refuse_nothing_to_restore(result, restore)
    for path, file in recorded_base.files(new_record(project, before, result, answers)).items():
        there = disk.look(project, path)
        if isinstance(there, Obstacle):
            raise RefusedError(f"{path} is {there.kind}: remove it, then run the template again.")
        if there != file:
            result.changes.writes[path], result.changes.seen[path] = file, there
    title = f"level {last.answers[LEVEL]} → {answers[LEVEL]}" if last else f"new, level {answers[LEVEL]}"
    return Prepared(before, theirs, result, [f"\n{project.name}: {title}", *remarks])


def new_record(project: Path, last: Record, result: Plan, answers: dict) -> Record:
    """The record of this run."""
    conflicts = {*result.paths(CONFLICT), *(path for path in last.conflicts if still_open(project, last, path))}
    if template := wishes.shareable(answers.get("_template") or ""):
        return Record(result.base, answers, sorted(conflicts), template, answers.get("_checkout") or "")
    return Record(result.base, answers, sorted(conflicts), wishes.shareable(last.template), last.checkout)


def still_open(project: Path, last: Record, path: str) -> bool:
    """Whether a conflict of an earlier run has not been settled."""
    there = disk.look(project, path)
    return isinstance(there, bytes) and planning.has_open_conflict(there, last.base.get(path))


def render(project: Path, repo: Path, answers: dict, finish: Callable[[Path], None]) -> Tree:
    """What the template writes for these answers."""
    aside = project / private_copy.RENDERED
    if aside.is_dir():  # a new project: cookiecutter has done it
        try:
            finish(aside)
            return disk.read_tree(aside)
        finally:
            shutil.rmtree(aside)
            with suppress(OSError):  # a record of a run that died is there
                aside.parent.rmdir()
    from cookiecutter.generate import generate_files

    private_copy.bring_back(repo)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(generate_files(repo, {"cookiecutter": answers}, scratch, accept_hooks=False))
        finish(folder)
        return disk.read_tree(folder)


def refuse_nothing_to_restore(result: Plan, restore: str) -> None:
    """Raise RefusedError if nothing is missing where something is to come back."""
    if restore and not any(planning.is_below(path, restore) for path in result.paths(planning.ADDED)):
        missing = [*result.paths(planning.STAYS_DELETED), *result.paths(planning.NOT_ADDED)]
        there = "These are missing:\n  " + "\n  ".join(missing) if missing else "Nothing is missing."
        raise RefusedError(f"No file of the template is missing at {restore}. {there}")


def refuse_a_mistaken_beginning(project: Path, given: dict, typed: command_line.Typed | None) -> None:
    """Raise RefusedError where a second project would appear, or a folder of somebody else's would be filled."""
    if not private_copy.is_new(project):
        raise RefusedError(
            f"The folder {project} is not empty, and this template did not make what is in it (there is no"
            f" {recorded_base.BASE}). Choose another project_slug or an empty folder."
        )
    for folder in project.parents:
        if (folder / recorded_base.ANSWERS).is_file():
            raise RefusedError(
                f"This would make a project inside of the project {folder}. Run the template in the folder that holds"
                f" it, {folder.parent}, or say so with  -o {folder.parent}"
            )
    if typed and "--overwrite-if-exists" in typed.options and (other := of_the_same_name(project, given)):
        raise RefusedError(
            f"There is no folder {project.name} here, but {other.name} holds the project of that name: give the folder"
            " its old name to upgrade it. For a second project beside it, leave out -f."
        )


def of_the_same_name(project: Path, given: dict) -> Path | None:
    """A folder beside this one that holds a project with the same project_slug."""
    for folder in project.parent.iterdir():
        with suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads((folder / recorded_base.ANSWERS).read_bytes())
            if folder != project and kept["cookiecutter"]["project_slug"] == given["project_slug"]:
                return folder
    return None
