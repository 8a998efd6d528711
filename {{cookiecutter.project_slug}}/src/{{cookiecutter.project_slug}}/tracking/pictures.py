"""Performance over time, from the tracked runs."""

import pandas as pd
from matplotlib.figure import Figure

from ..core.pictures import canvas

MOST_DATES = 12


def over_time(table: pd.DataFrame, score: str) -> Figure:
    """The deciding score of each run, oldest first, with its version and alias. table: as `leaderboard` gives it."""
    runs = table.sort_values("date", ignore_index=True)
    figure = canvas(10, 4)
    axis = figure.subplots()
    axis.plot(runs.index, runs[score], color="0.7", zorder=1)
    ends = [runs[score] - runs["low"], runs["high"] - runs[score]]
    axis.errorbar(runs.index, runs[score], yerr=ends, fmt="none", ecolor="0.7", capsize=3, zorder=1)
    axis.plot(runs.index, runs["baseline"], "k:", label="always answering the same")
    for label, those, color in (
        ("not good enough for a version", runs["version"] == "", "tab:red"),
        ("version", (runs["version"] != "") & (runs["alias"] == ""), "0.5"),
        ("challenger", runs["alias"] == "challenger", "tab:orange"),
        ("champion", runs["alias"] == "champion", "tab:blue"),
    ):
        if those.any():
            axis.scatter(runs.index[those], runs[score][those], color=color, s=60, label=label, zorder=2)
    for position, run in runs.iterrows():
        if run["version"]:
            axis.annotate(f"v{run['version']}", (position, run[score]), (8, 6), textcoords="offset points", fontsize=8)
    dated = runs.iloc[:: -(-len(runs) // MOST_DATES)]
    axis.set_xticks(dated.index, dated["date"].str.replace(" ", "\n"), fontsize=8)
    axis.set(title="Performance of each training, on its rows held out", ylabel=score)
    axis.margins(y=0.2)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return figure
