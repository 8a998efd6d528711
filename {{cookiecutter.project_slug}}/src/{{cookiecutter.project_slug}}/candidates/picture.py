"""The picture of a comparison: the deciding score by slice, what is chance in it, and what the two say of each row."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..core.pictures import canvas, short

CHAMPION, CANDIDATE = "tab:blue", "tab:orange"
MOST_SLICES = 20


def side_by_side(comparison: dict[str, Any], answers: dict[str, pd.DataFrame]) -> Figure:
    """The comparison as a figure. answers: what `predict` says of the rows, by `candidate` and perhaps `champion`."""
    lines = 1 + len(comparison["candidate"]["slices"][:MOST_SLICES])
    height = max(4, 1.5 + 0.35 * lines)
    if comparison["difference"] is None:
        figure = canvas(11, height)
        scores, rows = figure.subplots(1, 2)
    else:
        figure = canvas(11, height + 1.5)
        panels: Any = [["scores", "rows"], ["difference", "rows"]]
        axes = figure.subplot_mosaic(panels, height_ratios=[height, 1.5])
        scores, rows = axes["scores"], axes["rows"]
        draw_difference(axes["difference"], comparison["difference"], comparison["margin"])
    draw_scores(scores, comparison)
    draw_answers(rows, answers)
    figure.suptitle(comparison["verdict"], fontsize=10, wrap=True)
    return figure


def draw_scores(axis: Axes, comparison: dict[str, Any]) -> None:
    """The deciding score of both, on all rows and by slice, all on one scale."""
    name = next(iter(comparison["candidate"]["scores"]))
    for who, color, size in (("champion", CHAMPION, 90), ("candidate", CANDIDATE, 40)):
        if judged := comparison[who]:
            slices = judged["slices"][:MOST_SLICES]
            labels = ["all rows", *(f"{line['slice']}: {short(line['value'])}" for line in slices)]
            values = [judged["scores"][name], *(line[name] for line in slices)]
            known = [value if np.isfinite(value) else np.nan for value in values]
            axis.scatter(
                known, range(len(labels)), color=color, s=size, label=f"{who} {judged['sha256'][:12]}", zorder=2
            )
            axis.set_yticks(range(len(labels)), labels)
    axis.invert_yaxis()
    axis.grid(alpha=0.3)
    axis.set(title=f"{name} on {comparison['rows']} rows held out", xlabel=name)
    axis.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)  # below: no point is under it


def draw_difference(axis: Axes, difference: dict[str, Any], margin: float) -> None:
    """By how much the candidate is better, with what may be chance, beside what may be worse and still is not worse."""
    value, low, high = (difference[name] for name in ("value", "low", "high"))
    axis.axvline(0, color="k", linewidth=1)
    axis.axvspan(-margin, 0, color="0.85", label="margin")
    axis.errorbar(value, 0, xerr=[[max(value - low, 0)], [max(high - value, 0)]], fmt="o", color=CANDIDATE, capsize=4)
    axis.set_yticks([])
    axis.set_ylim(-1, 1)
    axis.legend(fontsize=8, loc="upper left")
    axis.set_xlabel(
        f"candidate less champion: {difference['score']}, with 95 % of a bootstrap on {difference['rows']} rows"
    )


def draw_answers(axis: Axes, answers: dict[str, pd.DataFrame]) -> None:
    """What the two say of each row: the probability of the last class, or the number."""
    said = {who: table.iloc[:, -1] for who, table in answers.items()}
    name = str(said["candidate"].name)
    if "champion" not in said:
        axis.hist(said["candidate"], bins=30, color=CANDIDATE)
        axis.set(title="What the candidate says", xlabel=name, ylabel="rows")
        return
    axis.scatter(said["champion"], said["candidate"], s=8, alpha=0.4, color="0.3")
    ends = [min(one.min() for one in said.values()), max(one.max() for one in said.values())]
    axis.plot(ends, ends, "k:", linewidth=1)
    axis.set(title="What the two say of the same rows", xlabel=f"champion: {name}", ylabel=f"candidate: {name}")
