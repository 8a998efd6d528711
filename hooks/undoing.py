"""Take back the last run: each file is as it was before, but for those that somebody has changed since."""

from dataclasses import dataclass, field
from pathlib import Path

import journal
import recovery
from applying import Changes
from disk import look, mode_of
from journal import ENDED, JOURNAL, RECOVERY, Journal, current
from recorded_base import ANSWERS, BASE, IGNORED
from refusal import RefusedError


@dataclass
class Undoing:
    """What taking back a run does.

    changes  of files; the record is the last
    run      the run
    kept     paths that were changed after the run: they stay
    lost     paths whose old content is no longer there: they stay, too
    saved    where the files are as they were before the run
    """

    changes: Changes
    run: Journal
    saved: str
    kept: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def last_run(project: Path) -> Journal:
    """The newest run that is not undone yet. Raises RefusedError if there is none."""
    journal.refuse_tracked(project, RECOVERY)
    undone = set()
    kept = [project / RECOVERY / name / ENDED for name in reversed(journal.own_names(project))]
    for path in [project / JOURNAL, *kept]:  # the first, if a run died when only that was left to put away
        if path.is_file():
            run = journal.read(path)
            if run.undoes:
                undone.add(run.undoes)
            elif run.keep not in undone:
                return run
    raise RefusedError(
        f"There is no run to undo in {project}: all are undone, or were made on another machine, or {RECOVERY} was"
        " removed. Take the files from version control."
    )


def plan(project: Path) -> Undoing:
    """What is to be done to take back the last run. Raises RefusedError where that would take back another's work."""
    run = last_run(project)
    before = project / RECOVERY / run.keep / "before"
    result = Undoing(Changes(undoes=run.keep), run, before.relative_to(project).as_posix())
    of_record = [path for path, _, new in run.entries if path in (ANSWERS, BASE) and current(project, path) != new]
    if of_record:
        raise RefusedError(
            f"After the last run here {of_record[0]} was changed, by git or by a run on another machine: to undo the"
            f" one would undo the other, too. The files as they were before it are in {result.saved}."
        )
    found = recovery.examine(project, run)
    result.kept, result.lost = found.changed, found.lost
    for path, old, _ in run.entries:
        if path in found.put_back and (path, old) != (IGNORED, None):  # which keeps what was saved out of git
            result.changes.seen[path] = look(project, path)
            result.changes.writes[path] = None if old is None else look(before, path)
            if old is not None:
                result.changes.modes[path] = mode_of(before / path)
    if gone := {ANSWERS, BASE}.intersection(result.lost):
        raise RefusedError(f"{result.saved}/{min(gone)} is gone, without which nothing can be undone.")
    return result


def marked(project: Path, found: Undoing) -> list[str]:
    """The paths put back whose conflicts that run has put into git's index."""
    note = project / RECOVERY / found.run.keep / journal.MARKED
    there = note.read_text("utf-8").splitlines() if note.is_file() else []
    return [path for path in there if path in found.changes.writes]
