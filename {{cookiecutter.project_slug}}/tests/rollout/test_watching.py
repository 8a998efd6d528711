"""A release that goes wrong is found out while it is watched, and one that does not stays."""

import pytest
from conftest import Clock

from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.rollout import watching
from {{cookiecutter.project_slug}}.rollout.policy import Watch
from {{cookiecutter.project_slug}}.rollout.targets import Requests
from {{cookiecutter.project_slug}}.rollout.watching import watched

OLD, NEW = "a" * 64, "b" * 64
POLICY = Watch(seconds=60, requests_at_least=20, failed_at_most=0.01, refused_more_at_most=0.05)
BEFORE = {OLD: Requests(answered=900, refused=100)}


class Scripted:
    """A target of which it is written down what it says at each second."""

    def __init__(self, clock: Clock, *states: tuple[float, str | Exception | None, Requests]) -> None:
        self.clock, self.states = clock, states

    @property
    def state(self):
        return [state for state in self.states if state[0] <= self.clock.monotonic()][-1]

    def serves(self):
        if isinstance(self.state[1], Exception):
            raise self.state[1]
        return self.state[1]

    def requests(self):
        return BEFORE | {NEW: self.state[2]}


@pytest.fixture
def clock(monkeypatch) -> Clock:
    monkeypatch.setattr(watching, "time", found := Clock())
    return found


@pytest.mark.parametrize(
    ("states", "why", "until"),
    [
        ([(0, NEW, Requests(answered=500))], "", 60),
        ([(0, NEW, Requests())], "", 60),
        ([(0, NEW, Requests(answered=15, failed=4))], "", 60),  # too few to say anything
        ([(0, NEW, Requests()), (9, NEW, Requests(answered=90, failed=10))], "10.0% of 100 requests failed", 9),
        ([(0, NEW, Requests(answered=86, refused=14))], "", 60),  # as before, but for four in a hundred
        ([(0, NEW, Requests(answered=80, refused=20))], "20.0% of 100 requests did not fit the model, 10.0%", 0),
        ([(0, NEW, Requests()), (30, OLD, Requests())], f"answers with the model {OLD}, and not", 30),
        ([(0, NEW, Requests()), (30, None, Requests())], "answers with the model None", 30),
        ([(0, NEW, Requests()), (30, ProjectError("gone"), Requests())], "does not answer: gone", 90),
        ([(0, NEW, Requests()), (30, ProjectError("gone"), Requests()), (55, NEW, Requests())], "", 60),
        ([(0, NEW, Requests()), (58, ProjectError("gone"), Requests()), (80, NEW, Requests())], "", 80),
        ([(0, NEW, Requests()), (58, ProjectError("gone"), Requests()), (80, OLD, Requests())], "with the model", 80),
    ],
)
def test_what_is_wrong_is_said_as_soon_as_it_is_seen(clock, states, why, until):
    found = watched(Scripted(clock, *states), NEW, BEFORE, POLICY)
    assert (why in found) if why else found == ""
    assert until - 1 <= clock.monotonic() <= until + 2


def test_where_nobody_can_watch_nothing_is_waited_for(clock):
    assert watched(Scripted(clock, (0, OLD, Requests())), NEW, None, POLICY) == "" and clock.monotonic() == 0
