"""Bring a project to what the template writes for these answers: a new one whole, one that is there by merging.

Cookiecutter would write over an existing project. So the pre-gen hook holds the template back, and the post-gen hook
calls `regenerate`, which renders into a folder of its own, merges, and writes all or nothing.
"""

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import address
import applying
import beginning
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
import wishes
from applying import Changes
from command_line import Typed
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
    conflicts: list[str]  # that are open after the run
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
            typed = command_line.typed(given)
            given = wishes.with_typed_modes(repo, given, typed)
            if given.get("_dry_run") == "yes":
                return rehearse(project, repo, given, typed, finish)
            if recovered := recovery.recover(project):
                say(*reporting.of_recovery(recovered, done=True))
            return undo(project) if given.get("_undo") == "yes" else run(project, repo, given, typed, finish)
    except recovery.StuckError as error:
        raise RefusedError(
            f"What a run had changed could not all be put back: {error}. It is kept in {journal.RECOVERY}. Run the"
            " template again when what stands in the way is gone: it puts that back first."
        ) from None
    except RecursionError:
        raise RefusedError("Something in the project is nested too deeply to be read.") from None
    except (OSError, RefusedError, *WHY) as error:
        why = WHY.get(type(error), "{}").format("\n  ".join(map(str, error.args)))
        if isinstance(error, OSError):
            why = f"The project could not be read or written: {error}."
        raise RefusedError(f"{why}\nNothing {'else ' if recovered else ''}was changed.") from None
    finally:
        private_copy.clear_away(project, repo)


WHY = {
    disk.BusyError: "Another run is at work on this project: wait until it has ended.",
    planning.UnsettledError: "These files still hold the conflicts of the last run, and the template has changed them"
    " again:\n  {}\nSettle them (look for <<<<<<< yours), then run the template again.",
    applying.ChangedError: "{} was changed while the template was at work. Run it again.",
}


def rehearse(project: Path, repo: Path, given: dict, typed: Typed | None, finish: Callable[[Path], None]) -> None:
    """Say what a run would do, and touch nothing."""
    if died := journal.of_a_dead_run(project):
        found = recovery.examine(project, died) if journal.fits(project, died) else recovery.Recovery(fits=False)
        say(*reporting.of_recovery(found, done=False), "What the run would do after that can be seen once it is done.")
    elif given.get("_undo") == "yes":
        say(f"\n{project.name}: undoing the last run", *reporting.of_undoing(undoing.plan(project)))
    else:
        prepared = prepare(project, repo, given, typed, finish)
        say(*prepared.title, *reporting.of_plan(prepared.plan))
    say("Nothing was written: this was a dry run.")
    if private_copy.is_older_than(project, repo):  # cookiecutter has made the folder for this run
        with suppress(OSError):
            os.chdir(project.parent)  # Windows removes no folder that somebody is in
            project.rmdir()


def undo(project: Path) -> None:
    """Take back the last run, but for what was changed since."""
    found = undoing.plan(project)
    marked = undoing.marked(project, found)
    if found.changes.writes:
        applying.apply(project, found.changes)
    else:
        recovery.forget(project, found.run)
    git_conflicts.unmark(project, marked)
    say(f"\n{project.name}: the last run is undone", *reporting.of_undoing(found))


def run(project: Path, repo: Path, given: dict, typed: Typed | None, finish: Callable[[Path], None]) -> Tree | None:
    """Make or upgrade the project, alone with it."""
    prepared = prepare(project, repo, given, typed, finish)
    last, result, theirs = prepared.last, prepared.plan, prepared.theirs
    mine = {path: (project / path).read_bytes() for path in result.paths(CONFLICT)}
    keep = applying.apply(project, result.changes)
    in_git = git_conflicts.mark(project, result.paths(CONFLICT), mine, last.base, theirs)
    if keep and in_git:
        with suppress(OSError):  # the run has happened, and git shows them
            disk.put(keep / journal.MARKED, "\n".join(in_git).encode())
    again = reporting.command(given, typed)
    say(*prepared.title)
    if last.answers or prepared.conflicts:
        say(*reporting.of_run(result), *reporting.to_do(result, prepared.conflicts, in_git, again))
    if keep:
        say(*reporting.of_kept(project, keep, again))
    if left_out := repository.ignored(project, recorded_base.BASE, recorded_base.ANSWERS):
        say(f"\ngit ignores {' and '.join(left_out)}, which every clone needs: git add -f {' '.join(left_out)}")
    return None if prepared.conflicts or result.gone else theirs


def prepare(project: Path, repo: Path, given: dict, typed: Typed | None, finish: Callable[[Path], None]) -> Prepared:
    """Decide all, and write nothing. Raises RefusedError where that is not clear or not safe."""
    unmerged = repository.unmerged(project, ".")
    recorded_base.refuse_unmerged(unmerged)
    last = recorded_base.read(project)
    if last is None:
        beginning.refuse_a_mistaken_one(project, given, typed)
    answers, remarks = wishes.settle(repo, given, last, typed)
    theirs = render(project, repo, answers, finish)
    before = last or Record({}, {})
    result = planning.plan(project, before, theirs, restore := answers.get("_restore", ""), unmerged)
    refuse_nothing_to_restore(result, restore)
    record = new_record(project, before, result, answers, typed)
    result.changes = with_record(project, result.changes, record)
    title = f"level {last.answers[LEVEL]} → {answers[LEVEL]}" if last else f"new, level {answers[LEVEL]}"
    title = [f"\n{answers['project_slug']}: {title}", *remarks]
    return Prepared(before, theirs, result, record.conflicts, title)


def with_record(project: Path, changes: Changes, record: Record) -> Changes:
    """The changes and the record: what keeps git from adding notes of this machine first, the base last."""
    first, last = {}, {}
    for path, file in recorded_base.files(record).items():
        there = disk.look(project, path)
        if isinstance(there, Obstacle):
            raise RefusedError(f"{path} is {there.kind}: remove it, then run the template again.")
        changes.seen[path] = there
        if there != file:
            (last if path in (recorded_base.ANSWERS, recorded_base.BASE) else first)[path] = file
    return Changes(first | changes.writes | last, changes.seen)


def new_record(project: Path, last: Record, result: Plan, answers: dict, typed: Typed | None) -> Record:
    """The record of this run."""
    before = {path for path in last.conflicts if still_open(project, last, path)}
    conflicts = sorted(before.union(result.paths(CONFLICT)))
    if template := address.shareable(answers.get("_template") or ""):
        directory = typed.options.get("--directory", "") if typed else ""
        return Record(result.base, answers, conflicts, template, answers.get("_checkout") or "", directory)
    return Record(result.base, answers, conflicts, address.shareable(last.template), last.checkout, last.directory)


def still_open(project: Path, last: Record, path: str) -> bool:
    """Whether a conflict of an earlier run has not been settled."""
    there = disk.look(project, path)
    return isinstance(there, bytes) and planning.has_open_conflict(there, last.base.get(path))


def render(project: Path, repo: Path, answers: dict, finish: Callable[[Path], None]) -> Tree:
    """What the template writes for these answers."""
    if not private_copy.was_held_back(repo):  # cookiecutter has done it, for a new project
        aside = private_copy.rendered(project, repo)
        finish(aside)
        theirs = disk.read_tree(aside)
        private_copy.clear_away(project, repo)
        return theirs
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
