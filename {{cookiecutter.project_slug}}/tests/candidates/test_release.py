"""A person sees a candidate beside the model in use, and nothing is released unless they say yes."""

import gzip
import io
import shutil
import sys
from pathlib import Path

import pytest
from conftest import as_format_1, write_params
from in_process import add_version, empty_store

from {{cookiecutter.project_slug}}.candidates import gate
from {{cookiecutter.project_slug}}.candidates.gate import SCORING_TESTS
from {{cookiecutter.project_slug}}.core import model_folder
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.releases.pointers import POINTER, read_pointer
from {{cookiecutter.project_slug}}.releases.record import Check
from {{cookiecutter.project_slug}}.releases.store import read_release
from {{cookiecutter.project_slug}}.tracking import registry, runs

TESTS = Path(__file__).parents[1]


@pytest.fixture
def client(run, tmp_path):
    """A project with its settings and an empty store."""
    write_params(data={"uri": "orders.csv", "drop": ["order", "day"]})
    return empty_store(tmp_path)[0]


@pytest.fixture
def versions(client, make_model, orders) -> list[str]:
    """Two versions, the second of more rows: the fingerprints of their models."""
    return [add_version(client, make_model(rows=rows), orders) for rows in (150, 200)]


@pytest.fixture
def release(run, monkeypatch):
    """release(answer, *words): what `release` prints when the person answers so."""

    def call(answer: str, *words: str) -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO(answer + "\n"))
        return run("release", *words)

    return call


@pytest.fixture
def untested(monkeypatch):
    """Candidates are not tested first: that takes seconds, and is not what is looked at."""
    passed = Check(name=gate.ANSWERS, outcome="pass", said="not looked at")
    monkeypatch.setattr(gate, "check_answers", lambda candidate: passed)


def write_scoring_test(*lines: str) -> None:
    """Let the candidates of this project have to pass a test of these lines, and no other."""
    path = SCORING_TESTS / "test_ours.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "import hashlib, os, pathlib\ndef test_ours():\n" + "".join(f"    {line}\n" for line in lines), "utf-8"
    )


def released() -> str | None:
    """The fingerprint of the model that is released."""
    pointer = read_pointer()
    return read_release(pointer, "releases").model.sha256 if pointer else None


def champion_of(client) -> str | None:
    found = registry.by_alias(client, registry.CHAMPION)
    return found and found.sha256


def test_yes_releases_the_version_and_makes_it_champion(client, versions, untested, release):
    first, second = versions
    said = release("y", "1", "--note", "why not")
    assert "there is no champion" in said and released() == champion_of(client) == first
    assert read_release(read_pointer(), "releases").note == "why not"
    said = release("y")
    assert "champion's" in said and "The two predict another class" in said and Path("reports/comparison.png").exists()
    assert released() == champion_of(client) == second
    release_2 = read_release(read_pointer(), "releases")
    assert release_2.note.startswith("Version 2 of run ") and [one.name for one in release_2.checks] == list(
        gate.CHECKS
    )
    assert "no challenger" in release("y")


@pytest.mark.parametrize("answer", ["n", ""])
def test_anything_but_yes_releases_nothing(client, versions, untested, release, answer):
    assert "Nothing was released" in release(answer)
    assert released() is None and champion_of(client) is None and not Path("releases").exists()


def test_a_candidate_that_fails_its_tests_is_not_even_asked_about(client, versions, release):
    write_scoring_test("assert 'fair' == 'enough'")
    said = release("y")
    assert "is not released" in said and "'fair' == 'enough'" in said and released() is None
    shutil.rmtree("tests/scoring")
    assert "is not released" in release("y") and released() is None


def test_the_tests_are_run_with_the_candidate(client, versions, release):
    digest = "hashlib.sha256(pathlib.Path(os.environ['CANDIDATE'], 'model.json').read_bytes()).hexdigest()"
    write_scoring_test(f"assert {digest} == {versions[0]!r}")
    assert "1 passed" in release("n", "1") and "is not released" in release("n", "2")


def test_the_projects_own_tests_take_a_candidate(client, versions, release):
    shutil.copytree(TESTS / "scoring", SCORING_TESTS)
    shutil.copy(TESTS / "conftest.py", "tests")
    assert "6 passed" in release("n")


def test_a_rollback_moves_the_champion_too(client, versions, untested, release):
    first, second = versions
    for number in ("1", "2"):
        release("y", number)
    assert released() == champion_of(client) == second
    assert "leave the version out" in release("", "1", "--rollback")
    assert "Back from" in release("", "--rollback")
    assert released() == champion_of(client) == first


def test_a_checkout_that_is_not_up_to_date_says_so_and_moves_no_champion(client, versions, untested, release):
    release("y", "1")
    pointer = POINTER.read_bytes()
    release("y", "2")
    POINTER.write_bytes(pointer)
    assert "The registry says that version 2 is in use" in release("n", "1")
    POINTER.unlink()
    assert "of this checkout says no model" in release("n", "1")
    assert champion_of(client) == versions[1]


def test_a_version_whose_files_were_replaced_is_not_even_shown(client, versions, untested, release, tmp_path):
    """By those of another model, with a consistent record of its own."""
    one, two = (tmp_path / "mlartifacts").rglob("data/*/model.json")
    for path in one.parent.iterdir():
        path.write_bytes((two.parent / path.name).read_bytes())
    said = [release("y", number) for number in ("1", "2")]
    assert sum("which it should be" in one for one in said) == 1


def test_a_table_that_was_replaced_judges_nothing(client, versions, untested, release, tmp_path):
    for path in (tmp_path / "mlartifacts").rglob("table.csv.gz"):
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"yes", b"no")))
    assert "Nothing is judged by it" in release("y") and released() is None


def test_versions_of_the_first_format_are_compared_with_but_not_released_anew(
    client, make_model, orders, untested, release
):
    old = as_format_1(make_model(rows=150))
    add_version(client, old, orders)
    assert "Train it anew" in release("y", "1") and released() is None
    registry.make_champion(client, old.sha256)
    with runs.fetched_model(registry.by_number(client, "1").run_id, old.sha256, old=True) as champion:
        assert champion.record.format == 1
    add_version(client, make_model(), orders)
    assert "The registry says that version 1 is in use" in release("y", "2")
    assert champion_of(client) == released()


def test_what_was_released_while_somebody_looked_is_not_released_over(client, versions, untested, release, monkeypatch):
    release("y", "1")
    first = POINTER.read_bytes()
    release("y", "2")
    answers = gate.check_answers
    monkeypatch.setattr(gate, "check_answers", lambda candidate: POINTER.write_bytes(first) and answers(candidate))
    stores = sorted(Path("releases").iterdir())
    assert "Meanwhile deploy/release.yaml was changed" in release("y", "1")
    assert POINTER.read_bytes() == first and sorted(Path("releases").iterdir()) == stores
    assert champion_of(client) == versions[1]


def test_releases_and_roll_backs_by_the_plain_commands_move_the_champion_too(
    client, versions, untested, release, run, make_model
):
    release("y", "1")
    release("y", "2")
    assert "Back from" in run("rollback") and champion_of(client) == versions[0]
    make_model(rows=120)  # of no version
    assert "is released as" in run("publish") and released() not in versions and champion_of(client) is None


def test_a_registry_out_of_reach_keeps_nothing_from_being_released_and_is_told_later(
    client, versions, untested, release, run, monkeypatch
):
    release("y", "1")
    release("y", "2")
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        assert "cannot be used" in (said := run("rollback")) and "release model" in said and "Back from" in said
    assert released() == versions[0] and champion_of(client) == versions[1]
    assert "nothing to do" in release("y", "1") and champion_of(client) == versions[0]


@pytest.mark.parametrize("lost", ["release.json", "model/card.md", "store"])
def test_a_release_that_cannot_be_read_any_more_keeps_no_other_from_being_made(
    client, versions, untested, release, lost
):
    release("y", "1")
    if lost == "store":
        write_params(data={"uri": "orders.csv", "drop": ["order", "day"]}, state={"releases": "elsewhere"})
    else:
        (path,) = Path("releases").glob(f"*/{lost}")
        path.unlink()
    said = release("y", "2")
    assert "the champion cannot be read" in said and "is released as" in said and champion_of(client) == versions[1]


def test_a_champion_that_cannot_be_loaded_is_not_compared_with(client, versions, untested, release, monkeypatch):
    release("y", "1")
    load, opened = model_folder.load_model, []

    def once_in_two(path):
        opened.append(path)
        if len(opened) == 1:  # the champion is looked at first
            raise ProjectError("its library is gone")
        return load(path)

    monkeypatch.setattr(model_folder, "load_model", once_in_two)
    assert "the champion cannot be read (its library is gone)" in release("n", "2")


def test_what_params_ask_for_now_counts_not_what_they_asked_for_then(client, versions, untested, release):
    write_params(data={"uri": "orders.csv", "drop": ["order", "day"]}, evaluation={"at_least": {"roc_auc": 0.999}})
    said = release("y", "1")
    assert "not at least 0.999" in said and "is not released" in said and released() is None
    write_params(data={"uri": "orders.csv", "drop": ["order", "day"]}, evaluation={"slices": ["colour"]})
    assert "has no column ['colour']" in release("y", "1")


def test_what_does_not_pass_beside_the_champion_is_asked_about_all_the_same(client, versions, untested, release):
    release("y", "1")
    params = {"data": {"uri": "orders.csv", "drop": ["order", "day"]}}
    write_params(**params, evaluation={"replace_when": "better"})
    assert "Release version 1 all the same?" in release("n", "1") and released() == versions[0]
    assert "Release version 1?" not in release("n", "1")
    write_params(**params)
    assert "Release version 1?" in release("n", "1")


def test_a_candidate_from_before_the_hash_is_not_judged(client, make_model, orders, untested, release):
    add_version(client, make_model(), orders, learned=False)
    assert "cannot be judged fairly" in (said := release("y")) and "Train anew" in said and released() is None
