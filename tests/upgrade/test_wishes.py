"""The user's wish is what was typed: not a default, not a setting, and never a word that was dropped."""

import json
import sys

import command_line
import pytest
import recorded_base
import wishes
import yaml
from command_line import Typed
from hypothesis import given
from hypothesis import strategies as st
from recorded_base import Record
from refusal import RefusedError
from support import CHOICES, DEFAULTS, ROOT, generate, run
from upgrading import times

LAST = DEFAULTS | {"maturity_level": "2", "author": "Ada", "ci": "github"}
NO_INPUT = {"--no-input": ""}


def settled(typed: Typed | None, last: dict = LAST, **given: str) -> dict:
    """The answers that count."""
    return wishes.settle(ROOT, DEFAULTS | given, Record({}, last), typed)[0]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch, tmp_path):
    """settings(text): a person's own settings of cookiecutter, none at first."""
    path = tmp_path / "settings.yaml"
    path.write_text("{}")
    monkeypatch.setenv("COOKIECUTTER_CONFIG", str(path))
    return lambda **defaults: path.write_text(yaml.safe_dump({"default_context": defaults}))


@pytest.mark.parametrize("typed", [None, Typed({}, {}), Typed({}, NO_INPUT)], ids=["unseen", "asked", "no input"])
def test_what_nobody_gave_stays(typed):
    assert settled(typed) == LAST


@pytest.mark.parametrize("typed", [None, Typed({"author": "Bob", "ci": "jenkins"}, NO_INPUT)], ids=["unseen", "seen"])
def test_what_was_given_counts(typed):
    assert settled(typed, author="Bob", ci="jenkins") == LAST | {"author": "Bob", "ci": "jenkins"}


def test_a_default_that_was_typed_counts_where_that_can_be_seen():
    typed = Typed({"ci": DEFAULTS["ci"], "author": DEFAULTS["author"]}, NO_INPUT)
    assert settled(typed) == LAST | {"ci": DEFAULTS["ci"], "author": DEFAULTS["author"]}


@pytest.mark.parametrize("typed", [None, Typed({}, NO_INPUT)], ids=["unseen", "seen"])
def test_a_persons_own_settings_are_no_wish(no_settings, typed):
    own = {"author": "Colleague", "ci": "jenkins", "maturity_level": "4", "project_name": "Elsewhere"}
    no_settings(**own)
    assert settled(typed, **own) == LAST


def test_settings_named_on_the_command_line_are_no_wish(tmp_path):
    (tmp_path / "other.yaml").write_text(yaml.safe_dump({"default_context": {"author": "Colleague"}}))
    typed = Typed({}, {"--config-file": str(tmp_path / "other.yaml")})
    assert settled(typed, author="Colleague") == LAST
    with pytest.raises(RefusedError, match="/nowhere, are not to be found from here: name the whole path"):
        settled(Typed({}, {"--config-file": "/nowhere"}), author="Colleague")


@pytest.mark.parametrize(
    ("typed", "given", "level"),
    [
        (None, {}, "2"),
        (None, {"maturity_level": "3"}, "3"),
        (None, {"maturity_level": "0", "_down": "yes"}, "0"),
        (Typed({}, NO_INPUT), {"_down": "yes"}, "2"),
        (Typed({"maturity_level": "0"}, NO_INPUT), {"_down": "yes"}, "0"),
        (Typed({}, {}), {"_down": "yes"}, "0"),  # asked, and answered with the first choice
        (Typed({"maturity_level": "1"}, NO_INPUT), {"maturity_level": "1", "_down": "yes"}, "1"),
    ],
)
def test_the_level_goes_down_only_with_the_word_for_it(typed, given, level):
    assert settled(typed, **given)["maturity_level"] == level


@pytest.mark.parametrize("typed", [None, Typed({"maturity_level": "1"}, NO_INPUT), Typed({}, {})])
def test_a_lower_level_without_the_word_is_refused(typed):
    with pytest.raises(RefusedError, match=r"at level 2.*down to level 1.*add _down=yes"):
        settled(typed, maturity_level="1")


def test_the_default_level_typed_without_the_word_is_refused_where_it_is_seen():
    with pytest.raises(RefusedError, match="down to level 0"):
        settled(Typed({"maturity_level": "0"}, NO_INPUT))


def test_an_answer_that_is_no_longer_offered_is_asked_for():
    with pytest.raises(RefusedError, match=r"ci was 'gitlab', which .* does not offer: add ci=... with one of: github"):
        settled(None, LAST | {"ci": "gitlab"})
    assert settled(None, LAST | {"ci": "gitlab"}, ci="jenkins")["ci"] == "jenkins"


def test_a_question_that_is_new_is_answered_as_for_a_new_project():
    assert settled(None, {key: value for key, value in LAST.items() if key != "ci"})["ci"] == DEFAULTS["ci"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"level": "2"}, "level is no question of this template, but maturity_level is"),
        ({"dry_run": "yes"}, "dry_run is no question of this template, but _dry_run is"),
        ({"down": "yes"}, "down is no question of this template, but _down is"),
        ({"_dryrun": "yes"}, "_dryrun is no question of this template, but _dry_run is"),
        ({"project-slug": "x"}, "project-slug is no question of this template, but project_slug is"),
        ({"banana": "x"}, "banana is no question of this template"),
    ],
)
def test_words_that_cookiecutter_drops_are_named(words, sentence):
    assert wishes.unknown_words(ROOT, DEFAULTS, Typed(words | {"author": "x"}, {})) == [sentence]
    assert wishes.unknown_words(ROOT, DEFAULTS, None) == []
    in_a_replay_file = {key: value for key, value in words.items() if not key.startswith("_")}
    assert len(wishes.unknown_words(ROOT, DEFAULTS | in_a_replay_file, None)) == len(in_a_replay_file)


@pytest.mark.parametrize(
    "words", [{"level": "2"}, {"maturity_level": "1", "dry_run": "yes"}, {}, {"maturity_level": "0"}]
)
def test_the_command_never_goes_down_by_mistake(template, project, words):
    made = project(maturity_level="1")
    before = times(made)
    done = generate(template, made.parent, "-f", "--no-input", check=False, **words)
    assert times(made) == before
    if words:
        assert done.returncode != 0 and ("is no question" in done.stderr or "add _down=yes" in done.stderr)
    else:
        assert "level 1 → 1" in done.stdout and "Nothing to change." in done.stdout


def test_the_way_back_to_a_default_answer(template, project):
    made = project(maturity_level="1", ci="jenkins")
    done = generate(template, made.parent, "-f", "--no-input", ci="github and jenkins")
    assert "ci: 'jenkins' → 'github and jenkins'" in done.stdout and (made / ".github/workflows/ci.yml").is_file()


def test_settings_do_not_change_a_project(template, project, no_settings, tmp_path):
    made = project(maturity_level="1", author="Ada")
    no_settings(author="Colleague", ci="jenkins", maturity_level="2")
    before = times(made)
    command = [sys.executable, "-m", "cookiecutter", template, "-f", "--no-input", "-o", made.parent]
    done = run(*command, cwd=tmp_path)
    assert "Nothing to change." in done.stdout and times(made) == before
    run(*command, "project_slug=other", cwd=tmp_path, check=False)  # for a new one they count
    assert (
        json.loads((tmp_path / "other" / recorded_base.ANSWERS).read_text("utf-8"))["cookiecutter"]["author"]
        == "Colleague"
    )


OPTIONS = ["--no-input", "-f", "--overwrite-if-exists", "-s", "-v", "--replay", "-fsv", "--default-config"]
VALUES = [
    "-o",
    "--output-dir",
    "-c",
    "--checkout",
    "--config-file",
    "--replay-file",
    "--directory",
    "-fo",
    "--accept-hooks",
]
WORDS = st.one_of(
    st.sampled_from(OPTIONS).map(lambda option: [option]),
    st.tuples(st.sampled_from(VALUES), st.sampled_from(["x", "a=b", "yes", "../y"])).map(list),
    st.sampled_from(["--output-dir=x", "--checkout=a=b", "-ox", "-cv1"]).map(lambda word: [word]),
    st.tuples(st.sampled_from(["author", "maturity_level", "level"]), st.sampled_from(["", "1", "a=b", "x y"])).map(
        lambda pair: ["=".join(pair)]
    ),
)


@given(st.lists(WORDS, max_size=8))
def test_words_are_read_as_cookiecutter_reads_them(words):
    from cookiecutter.cli import main

    line = ["gh:org/mlops-template", *(word for group in words for word in group)]
    by_click = main.make_context("cookiecutter", list(line), resilient_parsing=True).params
    typed = command_line.parse(line)
    given_words = by_click["extra_context"] or {}
    given_words = dict(given_words) if isinstance(given_words, dict) else dict(w.split("=", 1) for w in given_words)
    assert typed.answers == given_words
    for name, key in {"--output-dir": "output_dir", "--checkout": "checkout", "--config-file": "config_file"}.items():
        assert typed.options.get(name) == by_click[key] or (name not in typed.options and by_click[key] in (None, "."))
    for name, key in {"--no-input": "no_input", "--overwrite-if-exists": "overwrite_if_exists"}.items():
        assert (name in typed.options) == by_click[key]


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (["python", "-m", "cookiecutter", "t", "level=2"], True),
        (["/usr/bin/python3.12", "-I", "/x/bin/cookiecutter", "t", "level=2"], True),
        (["/x/bin/cookiecutter", "t", "level=2"], True),
        (["C:/x/cookiecutter.exe", "t", "level=2"], True),
        (["pytest", "cookiecutter", "t", "level=2"], False),
        (["python", "-m", "pytest", "cookiecutter", "level=2"], False),
        (["python", "-c", "cookiecutter", "level=2"], False),
        (["python", "-X", "utf8", "-W", "error", "-m", "cookiecutter", "t", "level=2"], True),
        (["cruft", "update"], False),
        ([], False),
        (["python"], False),
    ],
)
def test_only_the_program_itself_is_listened_to(words, seen):
    found = command_line.after_the_program(words)
    assert (found == ["t", "level=2"]) if seen else found is None


def test_the_words_of_a_process_are_seen(monkeypatch):
    import os

    assert command_line.words_of(os.getpid())[0] == command_line.told_by_ps(os.getpid())[0]
    assert command_line.words_of(2**22 + 1) is None and command_line.told_by_ps(2**22 + 1) == []
    monkeypatch.setenv("PATH", "/nowhere")
    assert command_line.told_by_ps(os.getpid()) == []


@pytest.mark.parametrize("description", ["Keeps ci=old for now", "Scores where a=b", "ci=jenkins", "One two ci=x"])
def test_where_there_is_only_ps_words_of_a_text_are_no_answers(monkeypatch, description):
    """As on macOS."""
    words = ["python", "-m", "cookiecutter", "t", "--no-input", f"description={description}", "level=2", "author=A B"]
    monkeypatch.setattr(command_line, "words_of", lambda _: None)
    monkeypatch.setattr(command_line, "told_by_ps", lambda _: " ".join(words).split())
    given = DEFAULTS | {"description": description, "author": "A B"}
    typed = command_line.typed(given)
    assert typed.answers.keys() == {"description", "level", "author"} and "--no-input" in typed.options


def test_choices_are_those_of_the_template():
    assert wishes.still_offered(ROOT, "ci", CHOICES["ci"][1]) == CHOICES["ci"][1]
    assert wishes.still_offered(ROOT, "author", "anybody") == "anybody"


@pytest.mark.parametrize("level", ["0", "1", "2"])
def test_whatever_cookiecutter_made_of_bad_settings_is_no_wish(level):
    """One bad entry in `default_context`, and it forgets the others; named by a relative path they are not found."""
    odd = {"author": "Who?", "ci": "jenkins", "maturity_level": level}
    assert settled(Typed({}, NO_INPUT), **odd) == LAST


def test_settings_that_the_hook_cannot_find_are_asked_for_and_not_guessed(monkeypatch):
    monkeypatch.setenv("COOKIECUTTER_CONFIG", "mine.yaml")
    monkeypatch.setenv("PWD", "/nowhere")
    with pytest.raises(RefusedError, match=r"mine\.yaml, are not to be found from here: name the whole path"):
        settled(Typed({}, {}), author="Colleague")
    assert settled(Typed({}, NO_INPUT), author="Colleague") == LAST


def test_a_recorded_level_is_a_number_of_one_digit(tmp_path):
    for level in ("1" * 5000, "٣", "-1", "x"):
        (tmp_path / ".mlops-template").mkdir(exist_ok=True)
        for path, data in recorded_base.files(Record({}, LAST | {"maturity_level": level})).items():
            (tmp_path / path).write_bytes(data)
        with pytest.raises(RefusedError, match="is no level"):
            recorded_base.read(tmp_path)


def test_modes_come_from_what_is_typed_and_not_from_a_replay():
    replayed = DEFAULTS | {"_undo": "yes", "_down": "yes", "_restore": ".", "_dry_run": "yes"}
    seen = wishes.with_typed_modes(ROOT, replayed, Typed({"_restore": "data"}, {"--replay": ""}))
    assert (seen["_undo"], seen["_down"], seen["_restore"], seen["_dry_run"]) == ("no", "no", "data", "yes")
    unseen = {"_undo": "yes", "_down": "yes"}
    assert wishes.with_typed_modes(ROOT, unseen, None) == unseen
    with pytest.raises(RefusedError, match="does nothing else: leave out ci, maturity_level"):
        wishes.with_typed_modes(ROOT, DEFAULTS, Typed({"_undo": "yes", "maturity_level": "1", "ci": "jenkins"}, {}))
    alone = Typed({"_undo": "yes", "_dry_run": "yes", "project_slug": "x"}, {})
    assert wishes.with_typed_modes(ROOT, DEFAULTS, alone)["_undo"] == "yes"
