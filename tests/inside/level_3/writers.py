"""One of several servers that answer as fast as they can: what it told its log of, and what it says was dropped.

writers.py WRITER REQUESTS   prints how many requests it has told of, now and then, and in the end what was dropped
"""

import sys
import time
from pathlib import Path
from types import SimpleNamespace

from my_ml_project.monitoring.predictions import PredictionLog
from my_ml_project.serving import metrics, observers
from my_ml_project.serving.observers import Observers

ROWS = 10
writer, requests = sys.argv[1], int(sys.argv[2])
observers.SECONDS_TOGETHER = 0.5
watching = Observers([PredictionLog("predictions").write], "a" * 64, SimpleNamespace(key={}, features={}))
for number in range(requests):
    answers = {"prediction": [f"{writer}-{number}"] * ROWS}
    watching.tell(f"{writer}-{number}", time.time(), 0.001, {}, {}, answers)
    if number % 100 == 99:
        print(number + 1, flush=True)
        time.sleep(0.01)
watching.close()
dropped = int(metrics.UNOBSERVED._value.get())
status = Path("/proc/self/status").read_text("ascii")  # getrusage would count what has started this process, too
(memory,) = [int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")]
print("dropped", dropped, "bytes", memory, flush=True)
