"""The demo as one picture: which model answered when, and how good the two are."""

from matplotlib.figure import Figure

from {{cookiecutter.project_slug}}.core.pictures import canvas
from {{cookiecutter.project_slug}}.releases.record import Release

from .calls import Call, periods

NAMES, COLORS = ("first", "second"), ("tab:blue", "tab:orange")


def timeline(calls: list[Call], releases: list[Release]) -> Figure:
    """The answers over time by model, with the moments when nobody answered, and the deciding score of both models."""
    figure = canvas(11, 4)
    answers, scores = figure.subplots(1, 2, width_ratios=[3, 1])
    for period in periods(calls):
        if period.sha256 is None:
            answers.axvspan(period.begin, period.end, color="0.85", linewidth=0)
    for release, name, color in zip(releases, NAMES, COLORS, strict=True):
        mine = [call for call in calls if call.sha256 == release.model.sha256]
        label = f"{name} release, model {release.model.sha256[:12]}"
        answers.plot([call.second for call in mine], [call.answer for call in mine], "o", color=color, label=label)
        metric, value = next(iter(release.scores.items()))
        scores.bar_label(scores.bar([name], [value], color=color), fmt="%.4f")
        scores.set_title(metric)
    answers.set(title="What the service answers for one row (grey: nobody answers)", xlabel="seconds")
    answers.margins(y=0.3)
    answers.legend(loc="upper left", fontsize=8)
    scores.margins(y=0.15)
    return figure
