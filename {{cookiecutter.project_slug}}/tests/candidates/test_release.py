"""A person sees a candidate beside the model in use, and nothing is released unless they say yes."""

import io
import shutil
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from conftest import write_params
from in_process import empty_store

from {{cookiecutter.project_slug}}.candidates import proposal
from {{cookiecutter.project_slug}}.core import storage
from {{cookiecutter.project_slug}}.core.schema import infer_schema
from {{cookiecutter.project_slug}}.releases.record import POINTER, read_pointer
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


def add_version(client, place: Path, orders: pd.DataFrame) -> str:
    """Make the model in this folder the next version; its fingerprint."""
    table = orders.assign(gift=orders["days"] > 7)
    tags = {runs.MADE: storage.read_record(place)["sha256"]}
    with runs.logging_run(client, tags, time.time()) as run_id:
        uri = runs.log_training(place, table, infer_schema(table), "{}", time.time())
    registry.register(client, uri, run_id, tags)
    return tags[runs.MADE]


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
    monkeypatch.setattr(proposal, "run_scoring_tests", lambda candidate: None)


def write_scoring_test(*lines: str) -> None:
    """Let the candidates of this project have to pass a test of these lines, and no other."""
    path = proposal.SCORING_TESTS / "test_ours.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("import os, pathlib\ndef test_ours():\n" + "".join(f"    {line}\n" for line in lines), "utf-8")


def released() -> str | None:
    """The fingerprint of the model that is released."""
    pointer = read_pointer()
    return read_release(pointer).model.sha256 if pointer else None


def champion(client) -> str | None:
    found = registry.by_alias(client, registry.CHAMPION)
    return found and found.sha256


def test_yes_releases_the_version_and_makes_it_champion(client, versions, untested, release):
    first, second = versions
    said = release("y", "1", "--note", "why not")
    assert "there is no champion" in said and released() == champion(client) == first
    assert read_release(read_pointer()).note == "why not"
    said = release("y")
    assert "champion's" in said and "The two predict another class" in said and Path("reports/comparison.png").exists()
    assert released() == champion(client) == second
    assert read_release(read_pointer()).note.startswith("Version 2 of run ")
    assert "no challenger" in release("y")


@pytest.mark.parametrize("answer", ["n", ""])
def test_anything_but_yes_releases_nothing(client, versions, untested, release, answer):
    assert "Nothing was released" in release(answer)
    assert released() is None and champion(client) is None and not Path("releases").exists()


def test_a_candidate_that_fails_its_tests_is_not_even_asked_about(client, versions, release):
    write_scoring_test("assert 'fair' == 'enough'")
    said = release("y")
    assert "is not released" in said and "'fair' == 'enough'" in said and released() is None
    shutil.rmtree("tests/scoring")
    assert "is not released" in release("y") and released() is None


def test_the_tests_are_run_with_the_candidate(client, versions, release):
    write_scoring_test(f"assert {versions[0]!r} in pathlib.Path(os.environ['CANDIDATE'], 'model.json').read_text()")
    assert "1 passed" in release("n", "1") and "is not released" in release("n", "2")


def test_the_projects_own_tests_take_a_candidate(client, versions, release):
    shutil.copytree(TESTS / "scoring", proposal.SCORING_TESTS)
    shutil.copy(TESTS / "conftest.py", "tests")
    assert "5 passed" in release("n")


def test_a_rollback_moves_the_champion_too(client, versions, untested, release):
    first, second = versions
    for number in ("1", "2"):
        release("y", number)
    assert released() == champion(client) == second
    assert "leave the version out" in release("", "1", "--rollback")
    assert "Back from" in release("", "--rollback")
    assert released() == champion(client) == first


def test_the_champion_follows_what_git_brought_back(client, versions, untested, release):
    release("y", "1")
    pointer = POINTER.read_bytes()
    release("y", "2")
    POINTER.write_bytes(pointer)
    release("n", "2")
    assert champion(client) == versions[0]
