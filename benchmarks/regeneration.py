"""How long creating and upgrading takes, as ratios within one run: to plain cookiecutter, to cruft, and as things grow.

    uvx --with-requirements tests/requirements.txt python benchmarks/regeneration.py

Each figure is the median of several runs, each a process of its own, the rivals taking turns. Everything is in
temporary folders. `--quick` runs each once, on the least that shows that all of it works.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).parents[1]
TREE = "{{cookiecutter.project_slug}}"
DECLARED = yaml.safe_load((ROOT / TREE / "maturity.yaml").read_text(encoding="utf-8"))["levels"]
LEVELS = [str(level) for level, told in DECLARED.items() if "start" in told]
LOWEST, HIGHEST = LEVELS[0], LEVELS[-1]


class Extent(NamedTuple):
    """How much is measured."""

    runs: int  # of which the median is taken
    levels: list[str]  # that projects are created at
    of_the_user: tuple[int, ...]  # files beside an upgrade
    of_the_template: tuple[int, ...]  # files more than it has


FULL = Extent(7, LEVELS, of_the_user=(10_000, 1_000, 10), of_the_template=(400, 0))
QUICK = Extent(1, [HIGHEST], of_the_user=(20, 10), of_the_template=(4, 0))


def run(*command: str | Path, cwd: Path) -> None:
    """Run a command of the same Python, quietly."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command} failed:\n{done.stdout}{done.stderr}")


def git(*words: str | Path, cwd: Path) -> None:
    """Run git as somebody."""
    subprocess.run(["git", "-c", "user.name=b", "-c", "user.email=b@localhost", *words], cwd=cwd, check=True)


def commit(folder: Path) -> None:
    """Put all of a folder into a repository."""
    git("init", "-q", cwd=folder)
    git("add", "-A", cwd=folder)
    git("commit", "-qm", "all", cwd=folder)


def cookiecutter(template: Path, out: Path, level: str, *options: str) -> None:
    """Make or upgrade the project in a folder."""
    run("cookiecutter", template, "--no-input", *options, "-o", out, f"maturity_level={level}", cwd=out)


def cruft_create(template: Path, out: Path, level: str) -> None:
    """The same with cruft."""
    answers = json.dumps({"maturity_level": level})
    run("cruft", "create", template, "--no-input", "--output-dir", out, "--extra-context", answers, cwd=out)


def cruft_update(project: Path, level: str) -> None:
    """The same with cruft."""
    run("cruft", "update", "-y", "--variables-to-update", json.dumps({"maturity_level": level}), cwd=project)


def edit(project: Path) -> None:
    """Some work of its owner in files of the lowest level."""
    for name in ("README.md", "data/README.md", "pyproject.toml"):
        text = (project / name).read_text(encoding="utf-8")
        (project / name).write_text(text + "\n# Ours.\n", encoding="utf-8")
    (project / "notes.txt").write_text("ours\n", encoding="utf-8")


def medians(
    folder: Path, runs: int, rivals: dict[str, tuple[Callable[[Path], None], Callable[[Path], None]]]
) -> dict[str, float]:
    """The median seconds of each rival: (prepare, work), both called with an empty folder, the work timed."""
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(runs):
        for name, (prepare, work) in rivals.items():
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                prepare(Path(scratch))
                began = time.perf_counter()
                work(Path(scratch))
                seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in seconds.items()}


def show(title: str, seconds: dict[str, float]) -> None:
    """Print the seconds, and the ratio of the first to each other."""
    (first, ours), *others = seconds.items()
    compared = ", ".join(f"{ours / theirs:.2f} of {name} ({theirs:.2f} s)" for name, theirs in others)
    print(f"{title}: {first} {ours:.2f} s, {compared}", flush=True)


def nothing(_: Path) -> None:
    """No preparation."""


def creation(template: Path, folder: Path, extent: Extent) -> None:
    """Creation at each level, to plain cookiecutter that renders the whole tree, and to cruft."""
    for level in extent.levels:
        rivals = {
            "this template": (nothing, lambda out, level=level: cookiecutter(template, out, level)),
            "plain": (nothing, lambda out, level=level: cookiecutter(template, out, level, "--accept-hooks", "no")),
            "cruft create": (nothing, lambda out, level=level: cruft_create(template, out, level)),
        }
        show(f"creation, level {level}", medians(folder, extent.runs, rivals))


def upgrade(template: Path, folder: Path, extent: Extent) -> None:
    """From the lowest to the highest level over an edited, committed project; and the same level again."""

    def prepared(make: Callable[[Path, Path, str], None], level: str = LOWEST) -> Callable[[Path], None]:
        made = folder / f"{make.__name__}-{level}"
        made.mkdir(exist_ok=True)
        make(template, made, level)
        edit(made / "my_ml_project")
        commit(made / "my_ml_project")
        return lambda out: shutil.copytree(made / "my_ml_project", out / "my_ml_project") and None

    by_us = prepared(cookiecutter)
    rivals = {
        "this template": (by_us, lambda out: cookiecutter(template, out, HIGHEST, "-f")),
        "cruft update": (prepared(cruft_create), lambda out: cruft_update(out / "my_ml_project", HIGHEST)),
        "nothing to change": (by_us, lambda out: cookiecutter(template, out, LOWEST, "-f")),
    }
    show(f"upgrade, level {LOWEST} to {HIGHEST}", medians(folder, extent.runs, rivals))


def growth(template: Path, folder: Path, extent: Extent) -> None:
    """The same upgrade beside files of the user's own, and with a template of more files."""

    def beside(files: int) -> Callable[[Path], None]:
        def prepare(out: Path) -> None:
            cookiecutter(template, out, LOWEST)
            (out / "my_ml_project/mine").mkdir()
            for number in range(files):
                (out / f"my_ml_project/mine/{number}.txt").write_text("mine\n")

        return prepare

    work = lambda out: cookiecutter(template, out, HIGHEST, "-f")  # noqa: E731
    rivals = {f"{files} files": (beside(files), work) for files in extent.of_the_user}
    show("files of the user", medians(folder, extent.runs, rivals))
    sizes = {}
    for more in extent.of_the_template:
        larger = Path(shutil.copytree(template, folder / f"larger-{more}"))
        for number in range(more):
            (larger / TREE / "demo/level_1" / f"more_{number}.py").write_text(f"MORE = {number}\n" * 50)
        sizes[f"{more} more files"] = (nothing, lambda out, larger=larger: cookiecutter(larger, out, HIGHEST))
    show("size of the template, creation", medians(folder, extent.runs, sizes))


def main() -> None:
    """Measure all, or as little as shows that it works."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="measure each once, on the least that there is")
    extent = QUICK if parser.parse_args().quick else FULL
    with tempfile.TemporaryDirectory() as temporary:
        folder, template = Path(temporary), Path(temporary, "mlops-template")
        template.mkdir()
        settings = folder / "settings.yaml"
        settings.write_text(f'replay_dir: "{folder}/replay"\ncookiecutters_dir: "{folder}/clones"\n')
        os.environ |= {"COOKIECUTTER_CONFIG": str(settings), "TMPDIR": str(folder)}
        shutil.copy(ROOT / "cookiecutter.json", template)
        for part in ("hooks", "templates", TREE):
            shutil.copytree(ROOT / part, template / part, ignore=shutil.ignore_patterns("__pycache__"))
        commit(template)
        creation(template, folder, extent)
        upgrade(template, folder, extent)
        growth(template, folder, extent)


if __name__ == "__main__":
    main()
