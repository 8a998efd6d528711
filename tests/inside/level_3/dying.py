"""Rollouts that are killed at every step, each followed by one that is not; a line of JSON for each: how things stand.

dying.py [--bad] ONE OTHER   the numbers of two versions, of which the first is released. --bad: each release is to be
taken back
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import mlflow.store.model_registry.sqlalchemy_store
import mlflow.store.tracking.sqlalchemy_store
from my_ml_project.core.kept_models import latest_model
from my_ml_project.releases import releasing
from my_ml_project.releases import store as releases
from my_ml_project.releases.pointers import CommittedFile
from my_ml_project.rollout import decisions, rolling
from my_ml_project.rollout.local.folder import ServingFolder
from my_ml_project.rollout.local.target import LocalTarget
from my_ml_project.settings import load_settings
from my_ml_project.tracking import registry, store

bad = sys.argv[1] == "--bad"
one, other = sys.argv[-2:]
# Where: whose function, which, at which of its calls, before it or after.
PLACES = [
    (rolling, "judge", 1, "after"),
    (decisions, "write_decision", 1, "before"),
    (decisions, "write_decision", 1, "after"),
    (releases, "write_new", 3, "after"),
    (releases, "publish", 1, "after"),
    (CommittedFile, "move", 1, "after"),
    (ServingFolder, "choose", 1, "after"),
    (LocalTarget, "_control", 1, "after"),
    (LocalTarget, "promote", 1, "after"),
    (registry, "make_champion", 1, "before"),
    (registry, "make_champion", 1, "after"),
    (rolling, "watched", 1, "after"),
    (decisions, "write_decision", 2, "before"),
    (decisions, "write_decision", 2, "after"),
]
PLACES_TO_GO_BACK = [
    (rolling, "roll_back", 1, "before"),
    (CommittedFile, "move", 2, "after"),
    (LocalTarget, "promote", 2, "after"),
    (registry, "make_champion", 2, "after"),
    (rolling, "roll_back", 1, "after"),
    (decisions, "write_decision", 2, "before"),
    (decisions, "write_decision", 2, "after"),
]


def die_at(owner: object, name: str, call: int, when: str) -> None:
    """Have this process killed there."""
    function, calls = getattr(owner, name), []

    def deadly(*words: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == call and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        found = function(*words, **named)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(owner, name, staticmethod(deadly) if name == "_control" else deadly)


def stand(number: str) -> dict:
    """How things stand."""
    settings = load_settings()
    client = store.connect(store.address(settings))
    by_digest = {version.sha256: version.number for version in registry.versions(client)}
    champion = registry.by_alias(client, registry.CHAMPION)
    decision = decisions.read_decision(client, registry.by_number(client, number), "production")
    serving = ServingFolder(Path("serving"))
    return {
        "pointed": by_digest[releasing.current_release(settings).model.sha256],
        "serves": by_digest[LocalTarget(serving).serves()],
        "chosen": by_digest[serving.chosen("served").sha256],
        "champion": champion.number if champion else None,
        "decision": decision.outcome if decision else None,
    }


def in_a_process(work: Callable[[], None]) -> int:
    """The status of a process that does this."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print(json.dumps({"error": repr(error)}), flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def killed(number: str, place: tuple) -> None:
    die_at(*place)
    rolling.roll_out(number, None, True, lambda _: None)


def again(number: str, place: tuple) -> None:
    said: list[str] = []
    outcome = rolling.roll_out(number, None, False, said.append)
    where = f"{place[3]} call {place[2]} of {place[1]}"
    print(json.dumps({"where": where, "outcome": outcome, "said": said} | stand(number)), flush=True)


assert mlflow.MlflowClient and latest_model(Path("models")).load()  # what is imported here is so in each process
rolling.judge = lambda *_: ([], [])
rolling.watched = lambda *_: "it fails" if bad else ""
for place in PLACES_TO_GO_BACK if bad else PLACES:
    ended = in_a_process(partial(killed, other, place))
    if not os.WIFSIGNALED(ended):
        print(json.dumps({"error": f"not killed at {place[1:]}"}), flush=True)
    in_a_process(partial(again, other, place))
    if not bad:
        one, other = other, one
