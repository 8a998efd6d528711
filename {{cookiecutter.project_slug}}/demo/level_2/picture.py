"""The demo as one picture: what happened when, how good the two versions are, and how they compare."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from {{cookiecutter.project_slug}}.candidates.comparison import Comparison
from {{cookiecutter.project_slug}}.candidates.picture import CANDIDATE, CHAMPION, draw_scores
from {{cookiecutter.project_slug}}.core.pictures import canvas

from .story import A_RUN, NOTHING, Act, Arrival, Training

VERSIONS = (CHAMPION, CANDIDATE)
PERSON, NEW, SEEN, BAD = "0.75", "tab:green", "0.5", "tab:red"


def draw(arrivals: list[Arrival], trainings: list[Training], acts: list[Act], comparison: Comparison) -> Figure:
    """All of it as a figure."""
    figure = canvas(12, 8.5)
    grid = figure.add_gridspec(2, 2, width_ratios=[1, 2.5])
    draw_story(figure.add_subplot(grid[0, :]), arrivals, trainings, acts)
    draw_versions(figure.add_subplot(grid[1, 0]), trainings, next(iter(comparison.candidate.scores)))
    draw_scores(figure.add_subplot(grid[1, 1]), comparison.model_dump())
    return figure


def draw_story(axis: Axes, arrivals: list[Arrival], trainings: list[Training], acts: list[Act]) -> None:
    """What happened when, a line for each: tables that arrived, runs that MLflow tracked, commands of a person."""
    kinds = {A_RUN: NEW, NOTHING: SEEN}
    lines = [
        (one.second, one.second, f"data: {one.table}", f"{one.rows} rows: {one.then}", kinds.get(one.then, BAD))
        for one in arrivals
    ]
    lines += [
        (run.begin, run.end, f"run {run.id[:8]}", f"{run.trigger}: version {run.version}", color)
        for run, color in zip(trainings, VERSIONS, strict=True)
    ]
    lines += [(act.begin, act.end, "a person", act.command, PERSON) for act in acts]
    lines.sort()
    for place, (begin, end, _, says, color) in enumerate(lines):
        if begin == end:
            axis.plot(begin, place, ">", color=color, markersize=9)
        axis.barh(place, end - begin, left=begin, height=0.6, color=color)
        axis.annotate(says, (end, place), (8, 0), textcoords="offset points", va="center", fontsize=9)
    axis.set_yticks(range(len(lines)), [label for _, _, label, *_ in lines])
    axis.set(title="What happened when", xlabel="seconds", xlim=(0, 1.15 * max(end for _, end, *_ in lines)))
    axis.invert_yaxis()
    axis.grid(axis="x", alpha=0.3)


def draw_versions(axis: Axes, trainings: list[Training], score: str) -> None:
    """The deciding score of both versions, each on the rows that its own run held out."""
    names = [f"version {run.version}\n{run.trigger}" for run in trainings]
    axis.bar_label(axis.bar(names, [run.score or 0 for run in trainings], color=VERSIONS, width=0.6), fmt="%.4f")
    axis.set(title="Performance, as tracked", ylabel=score)
    axis.margins(y=0.15)
