"""The answers that count: what was wished this time, and what was answered last time where nothing was."""

import difflib
import json
import os
from pathlib import Path

from command_line import Typed
from recorded_base import Record
from refusal import RefusedError

LEVEL = "maturity_level"


def unknown_words(repo: Path, given: dict, typed: Typed | None) -> list[str]:
    """A sentence for each word of the command line, or of a replay file, that is no question and so has no effect."""
    known, found = list(questions(repo)), []
    words = {key for key in given if not key.startswith("_")} | (typed.answers if typed else {}).keys()
    for key in words - set(known):
        near = [one for one in known if one.strip("_") == key.strip("_") or key in one.split("_")]
        near = near or difflib.get_close_matches(key, known, 1)
        found.append(f"{key} is no question of this template" + (f", but {near[0]} is" if near else ""))
    return sorted(found)


def questions(repo: Path) -> dict:
    """What the template asks, with the defaults."""
    return json.loads((repo / "cookiecutter.json").read_text(encoding="utf-8"))


def settle(repo: Path, given: dict, last: Record | None, typed: Typed | None) -> tuple[dict, list[str]]:
    """The answers that count, and what to say of them. Raises RefusedError for a wish that is not clear enough.

    An answer that nobody gave stays what it was last time. Where the command line can be seen and nothing was asked,
    what stands there was given and nothing else; otherwise what is not the default of the template, or of the person's
    own settings.
    """
    answers, remarks = dict(given), []
    if last is None:
        return answers, remarks
    if given["project_slug"] != last.answers.get("project_slug"):
        raise RefusedError(
            f"The project in this folder has the project_slug {last.answers.get('project_slug')}, not"
            f" {given['project_slug']}: give the folder its old name."
        )
    all_is_seen = typed is not None and "--no-input" in typed.options
    usual = {} if all_is_seen else defaults(repo, given, typed)
    for key in questions(repo):
        before = last.answers.get(key)
        if key.startswith("_") or before in (None, given[key]):
            continue
        wished = key in typed.answers if all_is_seen else was_given(key, given, usual[key], typed)
        if not wished:
            answers[key] = still_offered(repo, key, before)
            remarks.append(f"  {key} stays {before!r} (for another, add {key}=...)")
        else:
            remarks.append(f"  {key}: {before!r} → {given[key]!r}")
    refuse_going_down(answers, last)
    return answers, [remark for remark in remarks if not remark.startswith(f"  {LEVEL}")]  # which the title says


def was_given(key: str, given: dict, default: str, typed: Typed | None) -> bool:
    """Whether an answer is a wish, where it was asked for or nothing can be seen: the default, which Enter alone gives,
    is none, but for a level that may be lower."""
    may_be_lower = key == LEVEL and given.get("_down") == "yes"
    return given[key] != default or may_be_lower or (typed is not None and key in typed.answers)


def with_typed_modes(repo: Path, given: dict, typed: Typed | None) -> dict:
    """The answers without the modes of an earlier run, which cookiecutter's replay brings back.

    A dry run, which does no harm, stays one. Raises RefusedError for wishes that exclude each other.
    """
    if typed:
        modes = {mode: typed.answers.get(mode, questions(repo)[mode]) for mode in ("_down", "_undo", "_restore")}
        given = given | modes
    others = typed.answers.keys() - {"_undo", "_dry_run", "project_slug"} if typed else set()
    if given.get("_undo") == "yes" and (others or given.get("_restore")):
        raise RefusedError(
            "_undo=yes takes back the last run, and does nothing else: leave out"
            f" {', '.join(sorted(others)) or '_restore'}."
        )
    return given


def defaults(repo: Path, given: dict, typed: Typed | None) -> dict[str, str]:
    """What each answer is when nobody gives one: by the person's own settings, else by the template."""
    from cookiecutter.prompt import render_variable
    from cookiecutter.utils import create_env_with_context

    env, own = create_env_with_context({"cookiecutter": given}), own_defaults(typed)
    found = {}
    for key, question in questions(repo).items():
        if not key.startswith("_"):
            choices = question if isinstance(question, list) else [own.get(key, question)]
            default = own[key] if own.get(key) in choices else choices[0]
            found[key] = render_variable(env, default, given)
    return found


def own_defaults(typed: Typed | None) -> dict:
    """The answers in the person's own settings of cookiecutter."""
    from cookiecutter.config import get_user_config
    from cookiecutter.exceptions import CookiecutterException

    options = typed.options if typed else {}
    if "--default-config" in options:
        return {}
    named = options.get("--config-file") or os.environ.get("COOKIECUTTER_CONFIG")
    path = named and Path(os.environ.get("PWD", "."), named)  # cookiecutter itself is elsewhere by now
    if path and not path.is_file():
        raise RefusedError(
            f"Your settings of cookiecutter, {named}, are not to be found from here: name the whole path."
        )
    try:
        return get_user_config(path and str(path))["default_context"]
    except CookiecutterException:  # which it has told already
        return {}


def still_offered(repo: Path, key: str, before: str) -> str:
    """The answer of last time. Raises RefusedError if the template does not offer it any more."""
    choices = questions(repo)[key]
    if isinstance(choices, list) and before not in choices:
        raise RefusedError(
            f"{key} was {before!r}, which this version of the template does not offer: add {key}=... with one of:"
            f" {', '.join(choices)}"
        )
    return before


def refuse_going_down(answers: dict, last: Record) -> None:
    """Raise RefusedError for a lower level that was not asked for in so many words: it removes files."""
    before, now = last.answers[LEVEL], answers[LEVEL]
    if int(now) < int(before) and answers.get("_down") != "yes":
        raise RefusedError(
            f"The project is at level {before}, and this would take it down to level {now}, which removes files. If"
            f" that is what you want, add _down=yes; if not, give {LEVEL}={before} or a higher one."
        )
