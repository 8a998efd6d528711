"""Bring a project to what the template writes for these answers: a new one whole, one that is there by merging.

Cookiecutter would write over an existing project. So the pre-gen hook holds the template back, and the post-gen hook
calls `regenerate`, which renders into a folder of its own, merges, and writes all or nothing.
"""

import json
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import applying
import git_conflicts
import merging
import planning
import private_copy
import recorded_base
from planning import ADDED, ASIDE, CONFLICT, KEPT, MERGED, REMOVED, STAYS_DELETED, UPDATED, Plan
from recorded_base import Record, Tree

LEVEL = "maturity_level"


class RefusedError(Exception):
    """Why nothing is done, as one message for the user."""


def regenerate(project: Path, repo: Path, given: dict, finish: Callable[[Path], None]) -> Tree | None:
    """Make the project, or merge what the template writes now into it, and report.

    given is cookiecutter's context with the answers; finish turns the folder of a full render into what the template
    writes at the level. Returns what it writes now; None after a dry run. Raises RefusedError, with all as it was.
    """
    try:
        with applying.alone(project):
            if applying.recover(project):
                print("\nAn earlier run was cut short. What it had changed was put back first.")
            return run(project, repo, given, finish)
    except applying.BusyError:
        raise RefusedError(f"Another run is at work on {project}: wait until it has ended.") from None
    except planning.UnsettledError as error:
        raise RefusedError(
            "These files still hold the conflicts of the last run, and the template has changed them again:\n  "
            + "\n  ".join(error.args)
            + "\nSettle them (look for <<<<<<< yours), then run the template again."
        ) from None
    except applying.ChangedError as error:
        raise RefusedError(f"{error} was changed while the template was at work. Run it again.") from None
    except OSError as error:
        raise RefusedError(f"The project could not be written: {error}. All is as it was.") from None


def run(project: Path, repo: Path, given: dict, finish: Callable[[Path], None]) -> Tree | None:
    """The same, alone with the project."""
    last = last_record(project)
    answers, remarks = settle_answers(repo, given, last)
    theirs = render(project, repo, answers, finish)
    result = planning.plan(project, last or Record({}, {}), theirs)
    template = reachable(answers.get("_template", "")) or (last.template if last else "")
    new_record = Record(theirs, answers, result.deleted, open_conflicts(project, last, result), template)
    state = recorded_base.files(new_record)
    result.seen |= {path: planning.look(project, path) for path in state}
    result.writes |= {path: file for path, file in state.items() if result.seen[path] != file}
    title = f"level {last.answers[LEVEL]} → {answers[LEVEL]}" if last else f"new, level {answers[LEVEL]}"
    print("\n".join([f"\n{project.name}: {title}", *remarks]))
    if answers["_dry_run"] == "yes":
        print("\n".join([*every_path(result), "Nothing was written: this was a dry run."]))
        if not any(project.iterdir()):  # cookiecutter has made it
            project.rmdir()
        return None
    mine = {path: planning.read_file(project / path) for path in result.paths(CONFLICT)}
    keep = applying.apply(project, result.writes, result.seen)
    if last:
        in_git = git_conflicts.mark(project, result.paths(CONFLICT), mine, last.base, theirs)
        print("\n".join(report(project, result, keep, in_git)))
    return theirs


def last_record(project: Path) -> Record | None:
    """The record of the project; None where one is to be made. Raises RefusedError over anything else."""
    try:
        last = recorded_base.read(project)
    except ValueError as error:
        raise RefusedError(
            f"{recorded_base.FOLDER}/ of {project} cannot be read ({error}): get it back as it was, for example with"
            f"\n  git checkout -- {recorded_base.FOLDER}"
        ) from None
    if last is None and not private_copy.is_new(project):
        raise RefusedError(
            f"The folder {project} is not empty, and this template did not make what is in it (there is no"
            f" {recorded_base.BASE}). Choose another project_slug or an empty folder."
        )
    return last


def settle_answers(repo: Path, given: dict, last: Record | None) -> tuple[dict, list[str]]:
    """The answers that count, and what to say of them.

    An answer left at the template's default keeps what was answered last time; the level is always taken as given.
    """
    from cookiecutter.prompt import render_variable
    from cookiecutter.utils import create_env_with_context

    answers, remarks = dict(given), []
    if last is None:
        return answers, remarks
    if given["project_slug"] != last.answers["project_slug"]:
        raise RefusedError(
            f"The project in this folder has the project_slug {last.answers['project_slug']}, not"
            f" {given['project_slug']}: give the folder its old name."
        )
    env = create_env_with_context({"cookiecutter": given})
    for key, question in json.loads((repo / "cookiecutter.json").read_text(encoding="utf-8")).items():
        before = last.answers.get(key)
        if key.startswith("_") or key == LEVEL or before in (None, given[key]):
            continue
        default = render_variable(env, question[0] if isinstance(question, list) else question, given)
        if given[key] == default:
            answers[key] = before
            remarks.append(f"  {key} stays {before!r}")
        else:
            remarks.append(f"  {key}: {before!r} → {given[key]!r}")
    return answers, remarks


def render(project: Path, repo: Path, answers: dict, finish: Callable[[Path], None]) -> Tree:
    """What the template writes for these answers."""
    aside = project / private_copy.RENDERED
    if aside.is_dir():  # a new project: cookiecutter has done it
        try:
            finish(aside)
            return recorded_base.read_tree(aside)
        finally:
            shutil.rmtree(aside)
            with suppress(OSError):  # a record of a run that died is there
                aside.parent.rmdir()
    from cookiecutter.generate import generate_files

    private_copy.bring_back(repo)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(generate_files(repo, {"cookiecutter": answers}, scratch, accept_hooks=False))
        finish(folder)
        return recorded_base.read_tree(folder)


def reachable(template: str) -> str:
    """Where the template is, if that is an address like gh:org/mlops-template and no path of this machine."""
    return template if re.match(r"(?!file:)[a-z+]{2,}:|[\w.-]+@[\w.-]+:", template) else ""


def open_conflicts(project: Path, last: Record | None, result: Plan) -> list[str]:
    """The paths with conflict marks after the run: its own, and those of earlier ones that are still open."""
    before = last.conflicts if last else []
    return sorted({*result.paths(CONFLICT), *(p for p in before if still_open(project, last, p))})


def still_open(project: Path, last: Record, path: str) -> bool:
    """Whether a conflict of an earlier run has not been settled."""
    there = planning.look(project, path)
    return isinstance(there, recorded_base.File) and planning.has_open_conflict(there, last.base.get(path))


def every_path(result: Plan) -> list[str]:
    """One line for each path that would be touched or is worth a word."""
    return [f"  {outcome:<15} {path}{beside(result, path)}" for path, outcome in sorted(result.outcomes.items())]


def beside(result: Plan, path: str) -> str:
    """Where the template's version of a path is, if it could not be merged."""
    return f" (the template's: {result.beside[path]})" if path in result.beside else ""


def report(project: Path, result: Plan, keep: Path | None, in_git: list[str]) -> list[str]:
    """What happened, what is left to do, and how to undo it."""
    if not result.outcomes:
        return ["  Nothing to change."]
    lines = []
    for outcome in (ADDED, UPDATED, REMOVED):
        if number := len(result.paths(outcome)):
            lines.append(f"  {outcome:<15} {number} file{'s' if number > 1 else ''}")
    for outcome in (MERGED, KEPT, STAYS_DELETED, ASIDE, CONFLICT):
        lines += [f"  {outcome:<15} {path}{beside(result, path)}" for path in result.paths(outcome)]
    if result.paths(CONFLICT):
        by_git = ", or run  git mergetool" if in_git else ""
        lines.append(f"\nSettle the conflicts: look for {merging.MINE.decode()}{by_git}.")
    if keep:
        place = keep.relative_to(project).as_posix()
        undo = f"cp -a {place}/before/. . && xargs rm -f < {place}/added"
        undo += f" && git reset -q -- {shlex.join(in_git)}" if in_git else ""
        lines += [f"\nThe files as they were: {place}/before", f"To undo all this:  {undo}"]
    return lines
