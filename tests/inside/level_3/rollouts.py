"""Rollouts one after the other in one process, as the commands do them; a line of JSON for each: what came of it.

rollouts.py [--unjudged] WHAT:VERSION...   what: run, again, approve, refuse; `beside` and `served` only choose a model.
--unjudged: everything passes, at once: what is tested is what follows.
"""

import json
import sys
from pathlib import Path

from my_ml_project.candidates import gate
from my_ml_project.errors import ProjectError
from my_ml_project.releases.record import Check
from my_ml_project.rollout import rolling, watching
from my_ml_project.rollout.approving import approve, refuse
from my_ml_project.rollout.local.folder import ServingFolder
from my_ml_project.settings import load_settings
from my_ml_project.tracking import registry, runs, store

# How a model answers is tested in a process of its own, for seconds, which tests of its own are about.
watching.SECONDS_TO_COME_BACK = 5
gate.check_answers = lambda _: Check(name=gate.ANSWERS, outcome="pass", said="1 passed")


def done(what: str, number: str, said: list[str]) -> str | None:
    if what in ("beside", "served"):
        version = registry.by_number(store.connect(store.address(load_settings())), number)
        with runs.fetched_model(version.run_id, version.sha256, version.old) as model:
            ServingFolder(Path("serving")).choose(what, model)
        return None
    if what in ("approve", "refuse"):
        (approve if what == "approve" else refuse)(number, None, "by a test")
    return rolling.roll_out(number or None, None, what == "again", said.append)


words = sys.argv[1:]
if words[0] == "--unjudged":
    rolling.judge = lambda *_: ([], [])
    del words[0]
for word in words:
    what, _, number = word.partition(":")
    said: list[str] = []
    try:
        outcome = done(what, number, said)
    except ProjectError as error:
        outcome = f"error: {error}"
    except Exception as error:
        outcome = f"traceback: {error!r}"
    print(json.dumps([outcome, "\n".join(said)]), flush=True)
