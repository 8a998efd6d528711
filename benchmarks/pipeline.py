"""What the training pipeline costs, as ratios within one run: to its own steps in one process, and as tables grow.

    uvx --with-requirements tests/requirements.txt python benchmarks/pipeline.py

Everything is in a temporary folder, with uv's cache as it is. The first part takes the median of several runs, which
take turns; the second, over up to a million rows, takes minutes. `--quick` runs all once over a small table.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / folder) for folder in ("hooks", "tests", "tools")]

import make_sample  # noqa: E402
from support import own_environment, render_level  # noqa: E402

FULL = {"runs": 3, "rows": (10_000, 100_000, 1_000_000)}
QUICK = {"runs": 1, "rows": (1_000,)}
PREPARED = """
import sys, tempfile, time
from pathlib import Path
from my_ml_project.pipelines import steps, training
from my_ml_project.pipelines.kubeflow import runners
from my_ml_project.settings import load_settings
settings = load_settings()
job = training.describe_job(settings, settings.data.uri, "by hand", "")
"""
PIPELINE = PREPARED + "runners.run_here(job, Path('pipeline.log'))"
# The second round imports nothing any more: what it takes is the work of each step.
ONE_PROCESS = (
    PREPARED
    + """
for round in range(int(sys.argv[1])):
    with tempfile.TemporaryDirectory() as folder:
        checked, older, newer, fitted, judged, compared = (Path(folder, str(number)) for number in range(6))
        def take(step, *given):
            began = time.perf_counter()
            result = getattr(steps, step)(job, *given)
            print(f"{step}={time.perf_counter() - began}", file=sys.stderr)
            return result
        take("validate", take("fingerprint"), checked)
        take("prepare", checked, older, newer)
        take("train", older, fitted)
        take("evaluate", checked, older, newer, fitted, judged)
        take("compare", checked, judged, compared)
        take("register", checked, judged, compared)
"""
)
# The core's own `train`, and then the one that takes its place at level 2: the pipeline.
CORE = "from my_ml_project.core.commands import app; app()"
ALL = "from my_ml_project.cli import main; main()"
STAMP = r"(\d\d:\d\d:\d\d[.,]\d{3})"


class Measured:
    """A command that has ended: its seconds and those of processors, the most memory of a process, what it printed."""

    def __init__(self, *command: str | Path, project: Path) -> None:
        """Run Python of the project with these arguments, or end all where that fails."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
            began = time.perf_counter()
            started = subprocess.Popen(
                [project / ".venv/bin/python", *command],
                cwd=project,
                env=own_environment(),
                stdout=printed,
                stderr=printed,
            )
            _, status, usage = os.wait4(started.pid, 0)
            self.seconds = time.perf_counter() - began
            printed.seek(0)
            self.printed = printed.read()
        self.busy = usage.ru_utime + usage.ru_stime  # with its children: the same whoever else uses the machine
        self.megabytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
        if status:
            sys.exit(f"{command} failed:\n{self.printed}")


def to_one_process(project: Path, runs: int) -> None:
    """The pipeline to the same steps in one process, and where its seconds go."""
    rivals = {"pipeline": ["-c", PIPELINE], "one process": ["-c", ONE_PROCESS, "1"]}
    if runs > 1:
        for command in rivals.values():
            Measured(*command, project=project)  # compiles what it imports, makes the tracking store
    done: dict[str, list[Measured]] = {name: [] for name in rivals}
    for _ in range(runs):
        for name, command in rivals.items():
            done[name].append(Measured(*command, project=project))
    for clock in ("seconds", "busy"):
        ours, theirs = (statistics.median(getattr(one, clock) for one in some) for some in done.values())
        print(f"{clock}: pipeline {ours:.1f}, {ours / theirs:.2f} of the same steps in one process ({theirs:.1f})")
    work = work_of(Measured("-c", ONE_PROCESS, "2", project=project).printed)
    log = (project / "pipeline.log").read_text(encoding="utf-8")
    print(f"{'of the last pipeline':20} {'all':>6} {'imports':>8} {'work':>6} {'kfp, start and end':>19}")
    for step, (whole, inside) in sections(log).items():
        print(f"{step:20} {whole:6.1f} {inside - work[step]:8.1f} {work[step]:6.1f} {whole - inside:19.1f}", flush=True)


def work_of(printed: str) -> dict[str, float]:
    """The seconds of each step, the last time that it was taken."""
    return {step: float(seconds) for step, seconds in re.findall(r"^(\w+)=([\d.e-]+)$", printed, re.MULTILINE)}


def sections(log: str) -> dict[str, tuple[float, float]]:
    """Of each step, the seconds from its start to its end, and those of them in which its own code ran."""
    found = {}
    parts = [part for part in re.split(r"^-+$", log, flags=re.MULTILINE) if "Executing task" in part]
    for part in parts:
        step = re.search(r"Executing task .*?'(\w+)'", part)
        begin, loaded, written, end = (
            datetime.strptime(re.search(pattern, part)[1].replace(",", "."), "%H:%M:%S.%f")
            for pattern in (
                rf"{STAMP} - INFO - Executing",
                rf"{STAMP} INFO\]: Looking for",
                rf"{STAMP} INFO\]: Wrote executor",
                rf"{STAMP} - INFO - Task .* finished",
            )
        )
        found[step[1]] = ((end - begin).total_seconds(), (written - loaded).total_seconds())
    return found


def growth(project: Path, rows: tuple[int, ...]) -> None:
    """Time and memory of the commands over larger and larger tables, as ratios to the smallest."""
    commands = {name: ("-c", CORE, name) for name in ("data", "train", "evaluate")}
    commands["pipeline"] = ("-c", ALL, "train")
    smallest: dict[str, Measured] = {}
    print("rows, command, seconds, busy, MB; each to that of the smallest table; bytes of memory for each of the table")
    for count in rows:
        size = write_table(project, count)
        for name, command in commands.items():
            done = Measured(*command, project=project)
            first = smallest.setdefault(name, done)
            ratios = (done.seconds / first.seconds, done.busy / first.busy, done.megabytes / first.megabytes)
            print(f"{count:>9,} {name:10}", end="")
            print(
                f"{done.seconds:8.1f} {done.busy:8.1f} {done.megabytes:8.0f}  ",
                *(f"{one:7.1f}" for one in ratios),
                end="",
            )
            print(f"{done.megabytes * 1e6 / size:8.0f}", flush=True)


def write_table(project: Path, count: int) -> int:
    """Put a sample of so many rows where the project's table is; its size in bytes."""
    (project / "data/schema.yaml").unlink(missing_ok=True)
    path = project / "data/customers.csv"
    path.write_text(make_sample.make_table(count), encoding="utf-8", newline="\n")
    return path.stat().st_size


def main() -> None:
    """Measure all, or as little as shows that it works."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="measure all once, over a small table")
    extent = QUICK if parser.parse_args().quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        project = render_level(Path(folder), maturity_level="2")
        subprocess.run(["uv", "sync", "-q"], cwd=project, check=True)
        to_one_process(project, extent["runs"])
        growth(project, extent["rows"])


if __name__ == "__main__":
    main()
