"""How often a candidate takes the place of the model in use that should, and how often one that should not.

    uvx --with-requirements tests/requirements.txt python benchmarks/replacement.py

Both models answer on rows whose truth is known, drawn anew each time: their scores are normal within each class. Of
what is chance in them they share nearly all, as a model does with the one that was trained anew on a few more rows, or
less, as models of two kinds do. The project's own paired difference decides, by ROC AUC alone, reckoned from ranks: all
scores would take six times as long for each of thousands of draws. `--quick` draws a few times over few rows.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / folder) for folder in ("hooks", "tests")]

from support import own_environment, render_level  # noqa: E402

OUTCOMES = ("better", "not worse", "no telling", "worse")
# How often, and then on how many rows for what is shared.
FULL = ["200", "250:0.98", "1000:0.98", "4000:0.98", "1000:0.7"]
QUICK = ["5", "250:0.98"]
SIMULATION = """
import sys
import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata
from my_ml_project.candidates import difference as differences
from my_ml_project.core import bootstrap
from my_ml_project.settings import Settings

GAPS = {"much worse": -0.03, "worse": -0.01, "equal": 0.0, "better": 0.01, "much better": 0.03}  # of the AUC of 0.8
POSITIVE = 0.2

def auc(y, answers, settings):
    truth = (y == "yes").to_numpy()
    ranks, hits = rankdata(answers["probability of yes"]), truth.sum()
    return {"roc_auc": float((ranks[truth].sum() - hits * (hits + 1) / 2) / (hits * (len(truth) - hits)))}

differences.score = bootstrap.score = auc
settings = Settings.model_validate({
    "data": {"uri": "none"}, "target": {"column": "y", "task": "binary", "positive": "yes"},
})

def one(rows, shared, gap, seed):
    random = np.random.default_rng(seed)
    truth = random.random(rows) < POSITIVE
    chance = random.normal(size=rows)
    table = pd.DataFrame({"y": np.where(truth, "yes", "no")})
    answers = []
    for area in (0.8 + gap, 0.8):
        apart = np.sqrt(2) * norm.ppf(area)
        own = random.normal(size=rows)
        score = apart * truth + np.sqrt(shared) * chance + np.sqrt(1 - shared) * own
        answers.append(pd.DataFrame({"probability of yes": score}))
    return differences.difference(*answers, table, settings, seed)

times, *extents = sys.argv[1:]
for extent in extents:
    rows, shared = int(extent.partition(":")[0]), float(extent.partition(":")[2])
    for name, gap in GAPS.items():
        found = [one(rows, shared, gap, seed) for seed in range(int(times))]
        outcomes = [each.outcome(settings.evaluation.margin) for each in found]
        groups = {name: outcomes}
        if name == "equal":
            groups["equal, higher by noise"] = [said for said, each in zip(outcomes, found) if each.value > 0]
        for group, said in groups.items():
            share = {mode: np.mean([one in wins for one in said]) for mode, wins in {
                "better": {"better"}, "not_worse": {"better", "not worse"}}.items()}
            kinds = ("better", "not worse", "cannot be told apart", "worse")
            known = " | ".join(f"{said.count(kind) / len(said):.0%}" for kind in kinds)
            replaces = f"{share['better']:.0%} | {share['not_worse']:.0%}"
            print(f"| {rows:,} | {shared:.0%} | {group} | {replaces} | {known} |", flush=True)
"""


def main() -> None:
    """Draw as often as the docs say, or as little as shows that it works."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="draw a few times, over few rows")
    extent = QUICK if parser.parse_args().quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        project = render_level(Path(folder), maturity_level="2")
        subprocess.run(["uv", "sync", "-q"], cwd=project, check=True)
        columns = ("rows held out", "shared", "the candidate is", "replaces: better", "replaces: not_worse", *OUTCOMES)
        print(f"| {' | '.join(columns)} |")
        print("|" + "---|" * len(columns), flush=True)
        command = [project / ".venv/bin/python", "-c", SIMULATION, *extent]
        subprocess.run(command, cwd=project, env=own_environment(), check=True)


if __name__ == "__main__":
    main()
