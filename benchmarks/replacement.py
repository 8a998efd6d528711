"""How often a candidate takes the place of the model in use that should, and how often one that should not.

    uvx --with-requirements tests/requirements.txt python benchmarks/replacement.py

Both models answer on rows whose truth is known, drawn anew each time: their scores are normal within each class, and
seven tenths of what is chance in them is shared, as it is between two models of one kind. The project's own paired
difference decides, by ROC AUC alone, reckoned from ranks: each of thousands of draws would take ten times as long with
all scores. `--quick` draws a few times over few rows.
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
FULL, QUICK = ["200", "250", "1000", "4000"], ["5", "250"]
SIMULATION = """
import sys
import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata
from my_ml_project.candidates import difference as differences
from my_ml_project.core import bootstrap
from my_ml_project.settings import Settings

GAPS = {"much worse": -0.03, "worse": -0.01, "equal": 0.0, "better": 0.01, "much better": 0.03}  # of the AUC of 0.8
SHARED, POSITIVE = 0.7, 0.2

def auc(y, answers, settings):
    truth = (y == "yes").to_numpy()
    ranks, hits = rankdata(answers["probability of yes"]), truth.sum()
    return {"roc_auc": float((ranks[truth].sum() - hits * (hits + 1) / 2) / (hits * (len(truth) - hits)))}

differences.score = bootstrap.score = auc
settings = Settings.model_validate({
    "data": {"uri": "none"}, "target": {"column": "y", "task": "binary", "positive": "yes"},
})

def one(rows, gap, seed):
    random = np.random.default_rng(seed)
    truth = random.random(rows) < POSITIVE
    chance = random.normal(size=rows)
    table = pd.DataFrame({"y": np.where(truth, "yes", "no")})
    answers = []
    for area in (0.8 + gap, 0.8):
        apart = np.sqrt(2) * norm.ppf(area)
        own = random.normal(size=rows)
        score = apart * truth + np.sqrt(SHARED) * chance + np.sqrt(1 - SHARED) * own
        answers.append(pd.DataFrame({"probability of yes": score}))
    return differences.difference(*answers, table, settings, seed)

times, *sizes = map(int, sys.argv[1:])
for rows in sizes:
    for name, gap in GAPS.items():
        found = [one(rows, gap, seed) for seed in range(times)]
        outcomes = [each.outcome(settings.evaluation.margin) for each in found]
        groups = {name: outcomes}
        if name == "equal":
            groups["equal, higher by noise"] = [said for said, each in zip(outcomes, found) if each.value > 0]
        for group, said in groups.items():
            share = {mode: np.mean([one in wins for one in said]) for mode, wins in {
                "better": {"better"}, "not_worse": {"better", "not worse"}}.items()}
            kinds = ("better", "not worse", "cannot be told apart", "worse")
            known = " | ".join(f"{said.count(kind) / len(said):.0%}" for kind in kinds)
            print(f"| {rows:,} | {group} | {share['better']:.0%} | {share['not_worse']:.0%} | {known} |", flush=True)
"""


def main() -> None:
    """Draw as often as the docs say, or as little as shows that it works."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="draw a few times, over few rows")
    extent = QUICK if parser.parse_args().quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        project = render_level(Path(folder), maturity_level="2")
        subprocess.run(["uv", "sync", "-q"], cwd=project, check=True)
        columns = ("rows held out", "the candidate is", "replaces: better", "replaces: not_worse", *OUTCOMES)
        print(f"| {' | '.join(columns)} |")
        print("|---|---|---|---|---|---|---|---|", flush=True)
        command = [project / ".venv/bin/python", "-c", SIMULATION, *extent]
        subprocess.run(command, cwd=project, env=own_environment(), check=True)


if __name__ == "__main__":
    main()
