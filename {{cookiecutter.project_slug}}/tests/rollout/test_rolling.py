"""A version that passes is released by itself, one that does not is not, and what is cut short is brought to an end."""

import io
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import write_params
from in_process import add_version, empty_store

from {{cookiecutter.project_slug}}.candidates import gate
from {{cookiecutter.project_slug}}.candidates.proposal import propose
from {{cookiecutter.project_slug}}.core.model_folder import ModelFolder
from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.releases import releasing
from {{cookiecutter.project_slug}}.releases.pointers import CommittedFile
from {{cookiecutter.project_slug}}.releases.record import Check
from {{cookiecutter.project_slug}}.releases.releasing import current_release
from {{cookiecutter.project_slug}}.releases.store import fetched_model
from {{cookiecutter.project_slug}}.rollout import after_release, approving, latency, rolling
from {{cookiecutter.project_slug}}.rollout.decisions import read_decision
from {{cookiecutter.project_slug}}.rollout.rolling import roll_out
from {{cookiecutter.project_slug}}.rollout.targets import Requests
from {{cookiecutter.project_slug}}.settings import load_settings
from {{cookiecutter.project_slug}}.tracking import registry

POLICY = "watch: {seconds: 0}\nenvironments: {production: {require_approval: ASKED}}\n"


class Target:
    """A target in this process: what it serves, and what happens when it is asked to serve something else."""

    def __init__(self) -> None:
        self.serving, self.wrong, self.refusals, self.down = None, {}, [], False
        self.failing = Requests()

    def serves(self):
        if self.down:
            raise ProjectError("No server runs in serving: start one, with `make serve`.")
        return self.serving

    @contextmanager
    def beside(self, candidate):
        if candidate.sha256 in self.refusals:
            raise ProjectError("it cannot be loaded")
        yield lambda rows: predict(candidate.load(), rows)

    def promote(self, model):
        self.serving = self.wrong.get(model.sha256, model.sha256)

    def requests(self):
        return {self.serving: self.failing} if self.serving else {}


@pytest.fixture
def target(monkeypatch) -> Target:
    """Where releases come into use: it follows the pointer, as the server of this machine does."""
    found = Target()
    monkeypatch.setattr(rolling, "target_of", lambda environment: found)

    def follow(settings, sha256, environment):
        with fetched_model(current_release(settings, environment)) as model:
            found.promote(model)

    monkeypatch.setattr(after_release, "after_release", follow)
    return found


@pytest.fixture
def client(run, tmp_path, monkeypatch):
    """A project with its settings and an empty store; how a candidate answers is not tested: that takes seconds."""
    write_params(data={"uri": "orders.csv", "drop": ["order", "day"]})
    Path("monitoring.yaml").write_text("{}")
    Path("rollout.yaml").write_text(POLICY.replace("ASKED", "false"))
    passed = Check(name=gate.ANSWERS, outcome="pass", said="not looked at")
    monkeypatch.setattr(gate, "check_answers", lambda candidate: passed)
    monkeypatch.setattr(latency, "ratio", lambda *_: 1.0)
    return empty_store(tmp_path)[0]


@pytest.fixture
def versions(client, target, make_model, orders) -> list[str]:
    """Two versions, the second of more rows: the digests of their models. The first is released."""
    made = [add_version(client, make_model(rows=rows), orders) for rows in (150, 200)]
    assert said(roll_out, "1")[0] == "released"
    return made


def said(what, number: str | None = None, again: bool = False, environment: str | None = None) -> tuple:
    """What a rollout comes to, and all that it says."""
    lines: list[str] = []
    return what(number, environment, again, lines.append), "\n".join(lines)


def released() -> str:
    return current_release(load_settings()).model.sha256


def agreed(client, target) -> set[str]:
    """What is pointed at, what serves, and what the registry calls champion."""
    return {released(), target.serving, registry.by_alias(client, registry.CHAMPION).sha256}


def decision(client, number: str):
    return read_decision(client, registry.by_number(client, number), "production")


def test_a_version_that_passes_is_released_by_the_policy(client, target, versions):
    outcome, lines = said(roll_out)
    assert outcome == "released" and "Version 2 in production: released." in lines
    assert agreed(client, target) == {versions[1]}
    release = current_release(load_settings())
    assert release.by == release.policy.file == "rollout.yaml" and decision(client, "2").policy == release.policy.sha256
    names = [check.name for check in release.checks]
    assert names == [*gate.CHECKS, "columns sent", "latency", "served beside"]
    assert "Not judged by what clients ask: 0 rows in the log, of 100 at least." in lines
    assert said(roll_out) == (None, "There is no challenger: since the last release, no training has made a version.")


def test_the_first_release_needs_nothing_to_go_before(client, target, make_model, orders):
    sha256 = add_version(client, make_model(), orders)
    assert said(roll_out)[0] == "released" and agreed(client, target) == {sha256}


def test_what_fails_is_rejected_and_not_tried_again_until_something_has_changed(client, target, versions, monkeypatch):
    tried = []
    failed = Check(name=gate.ANSWERS, outcome="fail", said="it says nonsense")
    monkeypatch.setattr(gate, "check_answers", lambda candidate: tried.append(candidate.sha256) or failed)
    outcome, lines = said(roll_out)
    assert outcome == "rejected" and "scoring tests: fail, it says nonsense" in lines
    assert agreed(client, target) == {versions[0]} and len(tried) == 1
    outcome, lines = said(roll_out)
    assert outcome == "rejected" and "Nothing has changed since" in lines and "it says nonsense" in lines
    assert len(tried) == 1 and said(roll_out, again=True)[0] == "rejected" and len(tried) == 2
    Path("rollout.yaml").write_text(Path("rollout.yaml").read_text() + "mode: release\n")
    assert said(roll_out)[0] == "rejected" and len(tried) == 3


@pytest.mark.parametrize("whose", ["candidate", "champion"])
def test_a_model_that_raises_is_to_blame_for_it_and_no_other(client, target, versions, whose, monkeypatch):
    blamed = versions[1] if whose == "candidate" else versions[0]
    load = ModelFolder.load

    def loaded(folder):
        model = load(folder)
        if folder.sha256 == blamed:
            monkeypatch.setattr(model, "predict_proba", lambda rows: 1 / 0, raising=False)
        return model

    monkeypatch.setattr(ModelFolder, "load", loaded)
    outcome, lines = said(roll_out)
    assert agreed(client, target) == {versions[0]}
    if whose == "candidate":
        assert outcome == "rejected" and "requirements: fail, It cannot answer the rows held out: ZeroDivis" in lines
    else:
        assert outcome in ("rejected", "not judged") and "the champion cannot answer the rows held out" in lines


def test_what_cannot_be_served_is_rejected_and_where_nothing_serves_nothing_is_decided(client, target, versions):
    target.refusals.append(versions[1])
    outcome, lines = said(roll_out)
    assert outcome == "rejected" and "served beside: fail, it cannot be loaded" in lines
    target.refusals.clear()
    before, target.down = decision(client, "2"), True
    with pytest.raises(ProjectError, match="No server runs"):
        said(roll_out, again=True)
    assert decision(client, "2") == before and released() == versions[0]


@pytest.mark.parametrize("wrong", ["another model", "failures"])
def test_what_goes_wrong_is_taken_back(client, target, versions, wrong):
    if wrong == "another model":
        target.wrong[versions[1]] = "f" * 64
    else:
        target.failing = Requests(answered=10, failed=90)
    outcome, lines = said(roll_out)
    why = "answers with the model ffff" if wrong == "another model" else "90.0% of 100 requests failed"
    assert outcome == "taken back" and why in lines and why in decision(client, "2").reasons[0]
    assert agreed(client, target) == {versions[0]} and "Back from" in lines
    assert said(roll_out, "2")[0] == "taken back"  # not once more


def test_the_first_release_has_nothing_to_go_back_to_which_is_said(client, target, make_model, orders):
    add_version(client, make_model(rows=150), orders)
    target.failing = Requests(answered=10, failed=90)
    with pytest.raises(ProjectError, match=r"Version 1 would be taken back, as 90.0% .*; but no release was before"):
        said(roll_out)
    target.failing = Requests()
    assert decision(client, "1").outcome == "released" and agreed(client, target) == {target.serving}
    sha256 = add_version(client, make_model(), orders)
    assert said(roll_out)[0] == "released" and agreed(client, target) == {sha256}  # it is in nobody's way


def test_a_policy_that_judges_only_releases_nothing(client, target, versions):
    Path("rollout.yaml").write_text("mode: judge\n")
    assert said(roll_out)[0] == "judged" and agreed(client, target) == {versions[0]}


def test_a_mistake_in_the_policy_is_one_sentence_and_changes_nothing(client, target, versions):
    Path("rollout.yaml").write_text("mod: judge\n")
    with pytest.raises(ProjectError, match=r"rollout.yaml has 1 mistakes:\n  mod: no such setting. Did you mean mode"):
        said(roll_out)
    assert agreed(client, target) == {versions[0]}


def test_a_person_is_asked_and_says_yes_or_no(client, target, versions, monkeypatch):
    monkeypatch.setattr(approving, "whoever_runs_this", lambda: "Ada")
    Path("rollout.yaml").write_text(POLICY.replace("ASKED", "true"))
    with pytest.raises(ProjectError, match="Version 2 was not judged in production: nobody is asked about it"):
        approving.approve("2", None, "")
    outcome, lines = said(roll_out)
    assert outcome == "waiting" and "`rollout approve 2`" in lines and agreed(client, target) == {versions[0]}
    asked = decision(client, "2").asked
    assert "for a person since" in said(roll_out)[1] and decision(client, "2").asked == asked
    assert approving.refuse(None, None, "not before Monday") == ("2", "Ada")
    outcome, lines = said(roll_out)
    assert outcome == "refused" and "by Ada. not before Monday" in lines
    assert said(roll_out)[0] == "refused" and agreed(client, target) == {versions[0]}
    assert said(roll_out, again=True)[0] == "waiting" and decision(client, "2").asked > asked  # once more


def test_what_a_person_approves_of_is_released_in_both_names(client, target, versions, monkeypatch):
    monkeypatch.setattr(approving, "whoever_runs_this", lambda: "Ada")
    Path("rollout.yaml").write_text(POLICY.replace("ASKED", "true"))
    said(roll_out)
    approving.approve(None, None, "")
    with monkeypatch.context() as patch:
        patch.setattr(rolling, "release_model", killed)
        with pytest.raises(Killed):
            said(roll_out)  # which is no reason to ask once more
    assert said(roll_out)[0] == "released" and agreed(client, target) == {versions[1]}
    assert current_release(load_settings()).by == "rollout.yaml, approved by Ada"


class Killed(BaseException):
    """Stands in for a process that is no more."""


def killed(*_, **__):
    raise Killed


STEPS = {
    "judged": (rolling, "release_model"),
    "before the release": (releasing.store, "publish"),
    "before the pointer": (CommittedFile, "move"),
    "after the pointer": (releasing, "tell_others"),
    "before it is watched": (rolling, "watched"),
    "before it is concluded": (rolling, "conclude"),
}


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_the_next_one_brings_it_to_one_end(client, target, versions, step, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(*STEPS[step], killed)
        with pytest.raises(Killed):
            said(roll_out)
    outcome, _ = said(roll_out)
    assert outcome in ("released", None) and decision(client, "2").outcome == "released"
    assert agreed(client, target) == {versions[1]}


def test_what_was_cut_short_is_still_taken_back(client, target, versions, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(rolling, "watched", killed)
        with pytest.raises(Killed):
            said(roll_out)
    target.failing = Requests(answered=10, failed=90)
    said(roll_out)
    assert decision(client, "2").outcome == "taken back" and agreed(client, target) == {versions[0]}


@pytest.mark.parametrize("step", [(rolling, "roll_back"), (registry, "make_champion")])
def test_a_take_back_that_was_cut_short_is_finished_and_what_a_person_releases_after_it_stays(
    client, target, versions, step, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(rolling, "watched", lambda *_, **__: patch.setattr(*step, killed) or "it fails")
        with pytest.raises(Killed):
            said(roll_out)
    assert said(roll_out)[0] is None and agreed(client, target) == {versions[0]}
    assert said(roll_out, "2")[0] == "taken back"
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    propose(client, "2", "all the same", load_settings())
    said(roll_out)
    assert agreed(client, target) == {versions[1]}


def test_what_serves_follows_the_pointer_before_anything_else(client, target, versions):
    said(roll_out)
    target.serving = None  # it was started anew, with nothing
    outcome, lines = said(roll_out)
    assert outcome is None and "that is brought to an end first" in lines and agreed(client, target) == {versions[1]}


@pytest.mark.parametrize("what", ["goes back", "releases another"])
def test_what_a_person_does_while_it_is_watched_counts(client, target, versions, make_model, orders, what, monkeypatch):
    def meanwhile(*_):
        if what == "goes back":
            releasing.roll_back(load_settings(), print)
        else:
            monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
            propose(client, "1", "this one", load_settings())
        return "it answers with another model"

    monkeypatch.setattr(rolling, "watched", meanwhile)
    outcome, lines = said(roll_out)
    assert outcome == "released" and "something else was released since" in lines
    assert agreed(client, target) == {versions[0]}


def test_what_is_released_already_is_not_judged_again(client, target, versions):
    before = decision(client, "1")
    outcome, lines = said(roll_out, "1")
    assert outcome == "released" and "is what is released in production already" in lines
    assert decision(client, "1") == before


def test_a_version_goes_from_one_environment_to_the_next(client, target, make_model, orders, monkeypatch):
    both = "environments: {staging: {folder: a}, production: {folder: b, require_approval: true}}\n"
    Path("rollout.yaml").write_text(both + "watch: {seconds: 0}\n")
    write_params(data={"uri": "orders.csv", "drop": ["order", "day"]}, state={"pointer": "pointers"})
    sha256 = add_version(client, make_model(), orders)
    lines: list[str] = []
    rolling.roll_out_everywhere(None, None, False, lines.append)
    assert current_release(load_settings(), "staging").model.sha256 == sha256 == target.serving
    assert "Version 1 in production: waiting." in lines and not Path("pointers/production").exists()
