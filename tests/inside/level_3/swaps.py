"""Replace the model of the server again and again, and look for what the server then says that it serves.

swaps.py PID SWAPS VERSION...   prints how long each swap took, and the memory of the process PID after it, in bytes
"""

import sys
import time
from contextlib import ExitStack
from pathlib import Path

from my_ml_project.rollout.local.folder import ServingFolder
from my_ml_project.rollout.local.target import LocalTarget
from my_ml_project.settings import load_settings
from my_ml_project.tracking import registry, runs, store

pid, swaps, *numbers = sys.argv[1:]
client, target = store.connect(store.address(load_settings())), LocalTarget(ServingFolder(Path("serving")))
with ExitStack() as stack:
    known = [registry.by_number(client, number) for number in numbers]
    models = [stack.enter_context(runs.fetched_model(one.run_id, one.sha256, one.old)) for one in known]
    for number in range(int(swaps)):
        model, other = models[number % len(models)], models[(number + 1) % len(models)]
        if number % 5 == 0:
            with target.beside(other) as ask:
                assert len(ask(other.example())) == len(other.example())
        began = time.monotonic()
        target.promote(model)
        seconds = time.monotonic() - began
        assert target.serves() == model.sha256
        status = Path(f"/proc/{pid}/status").read_text("ascii")
        (memory,) = [int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS")]
        print(f"{seconds:.3f} {memory}", flush=True)
