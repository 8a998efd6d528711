"""What clients have asked lately is asked again of a candidate: no answer of it reaches anybody."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..candidates.difference import difference
from ..core.model_folder import ModelFolder
from ..core.predict import predict
from ..core.record import seed_from
from ..core.schema import Schema
from ..errors import ProjectError
from ..monitoring.joined import LABEL, Window, joined
from ..monitoring.parts import Parts
from ..monitoring.policy import load_policy as load_monitoring
from ..monitoring.predictions import FEATURE
from ..releases.record import Check
from ..serving.client import SMOKE_TEST
from ..settings import Settings
from .policy import Shadow
from .targets import Ask

COLUMNS, SHADOW = "columns sent", "shadow"
AT_ONCE = 100  # rows in a request
FEWEST_NUMBERS = 50  # different ones
ALIKE = 1e-9  # of the width of the middle four fifths of all numbers: closer ones are the same
BINS, EVEN = 10, 0.5  # of an index of stability, and what is added to each count, so that none is zero


@dataclass(frozen=True)
class Replayed:
    """Rows that a candidate was asked about, those that it answered, with its answers, and why not the others."""

    asked: pd.DataFrame
    answered: pd.DataFrame
    answers: pd.DataFrame
    refusals: list[str]


def rows_asked(settings: Settings, policy: Shadow) -> pd.DataFrame:
    """The newest rows of the log: features, `label`, and the key, if it was sent; as many as the policy says."""
    log, labels = Parts(settings.state.predictions), Parts(settings.state.labels)
    newest = pd.DataFrame()
    with joined(log, labels, Window.until_now(policy.days), load_monitoring().labels.horizon) as found:
        for table in found.tables():
            rows = table[table["id"] != SMOKE_TEST]
            newest = pd.concat([newest, rows], ignore_index=True) if len(newest) else rows
            newest = newest.sort_values("at", kind="stable").tail(policy.rows_at_most)
    newest = newest.reset_index(drop=True)
    kept = [name for name in map(str, newest) if name.startswith(FEATURE) or name == LABEL]
    rows = newest[kept].rename(columns=lambda name: name.removeprefix(FEATURE))
    if settings.data.key and len(rows) and newest["key"].notna().all():
        rows[settings.data.key] = newest["key"]
    return rows


def check_columns(candidate: ModelFolder, champion: ModelFolder | None, rows: pd.DataFrame) -> Check:
    """Whether clients send what the candidate takes, no less and no more: by the log or, without one, what the model in
    use takes.
    """
    takes = set(candidate.record.features)
    sent = set(champion.record.features) if champion else takes
    if len(rows):
        sent = set(map(str, rows)) - {LABEL, *candidate.record.key}
    if takes - sent:
        said = f"nobody sends {sorted(takes - sent)}, which the candidate needs"
        return Check(name=COLUMNS, outcome="fail", said=said)
    if sent - takes:
        said = f"clients send {sorted(sent - takes)}, for which the candidate would refuse them"
        return Check(name=COLUMNS, outcome="fail", said=said)
    return Check(name=COLUMNS, outcome="pass", said="clients send what it takes")


def replay(rows: pd.DataFrame, features: Schema, ask: Ask, refused_at_most: float) -> Replayed:
    """Ask about all rows, some at once; where that fails, each by itself, until more are refused than may be."""
    answers: list[pd.DataFrame] = []
    refusals: list[str] = []
    for start in range(0, len(rows), AT_ONCE):
        if len(refusals) > refused_at_most * len(rows):
            break
        some = rows[start : start + AT_ONCE]
        try:
            answers.append(ask(some[list(features)]).set_index(some.index))
        except ProjectError:
            for place in some.index:
                try:
                    answers.append(ask(some.loc[[place], list(features)]).set_index(pd.Index([place])))
                except ProjectError as error:
                    refusals.append(str(error))
    found = pd.concat(answers) if answers else pd.DataFrame()
    return Replayed(rows, rows.loc[found.index], found, refusals)


def check_shadow(
    replayed: Replayed, champion: ModelFolder | None, settings: Settings, policy: Shadow, digest: str
) -> Check:
    """Whether the candidate answers what clients ask, and not all too differently from the model in use.

    digest: of the data that the candidate was made from, from which a seed follows.
    """
    share = len(replayed.refusals) / len(replayed.asked)
    said = [f"{len(replayed.asked)} rows asked again, {share:.1%} of them not answered"]
    wrong = share > policy.refused_at_most
    if replayed.refusals:
        said.append(f"the first: {replayed.refusals[0]}")
    try:
        other = asked_of(champion, replayed.answered)
    except Exception as error:  # of a model, which may raise anything
        said.append(f"the model in use cannot answer them: {type(error).__name__}: {error}")
        other = None
    if other is not None:
        changed, apart = changed_share(replayed.answers, other), distance(replayed.answers, other)
        said.append(f"{changed:.1%} of the classes are others" if settings.target.task != "regression" else "")
        index = "not told by so few different ones" if apart is None else f"{apart:.3f}"
        said.append(f"stability index of the answers {index}")
        wrong = wrong or (apart is not None and apart > policy.distance_at_most)
        wrong = wrong or (settings.target.task != "regression" and changed > policy.changed_at_most)
        worse, about = quality(replayed, other, settings, digest)
        said.append(about)
        wrong = wrong or worse
    text = "; ".join(part for part in said if part)
    return Check(name=SHADOW, outcome="fail" if wrong else "pass", said=text)


def asked_of(champion: ModelFolder | None, rows: pd.DataFrame) -> pd.DataFrame | None:
    """What the model in use says of the rows; None without one, or without rows. Raises whatever the model raises."""
    if champion is None or not len(rows):
        return None
    return predict(champion.load(), rows[list(champion.record.features)])


def changed_share(one: pd.DataFrame, other: pd.DataFrame) -> float:
    """The share of rows for which two models predict something else."""
    return float((one["prediction"].to_numpy() != other["prediction"].to_numpy()).mean())


def distance(one: pd.DataFrame, other: pd.DataFrame) -> float | None:
    """How differently the answers of two models are distributed: the largest stability index of all probabilities.

    Of what has none, of the predictions. None where these are too few different numbers: where clients ask the same
    again and again, the least change moves many of them at once.
    """
    names = [name for name in other if name in one and (name != "prediction" or len(other.columns) == 1)]
    if any(pd.api.types.is_numeric_dtype(other[name]) and few(other[name]) for name in names):
        return None
    return max(stability_index(one[name], other[name]) for name in names)


def few(numbers: pd.Series) -> bool:
    """Whether there are too few different ones to say how they are distributed."""
    return len(gaps(numbers)) + 1 < FEWEST_NUMBERS


def gaps(numbers: pd.Series) -> np.ndarray:
    """The middles between each number and the next one that is another.

    A model that is asked about a row with other rows beside it answers with other last digits: these are no others.
    """
    known = np.unique(numbers.to_numpy("float64"))
    low, high = np.quantile(numbers, [0.1, 0.9])  # one number that is far off makes no others the same
    others = np.diff(known) > ALIKE * (high - low)
    return ((known[:-1] + known[1:]) / 2)[others]


def stability_index(one: pd.Series, other: pd.Series) -> float:
    """The population stability index of two columns: of numbers by deciles of the second, else by values.

    Each count gets a half more, so that an empty bin is not infinite.
    """
    if pd.api.types.is_numeric_dtype(other) and not pd.api.types.is_bool_dtype(other):
        between = gaps(other)
        deciles = np.quantile(other, np.linspace(0, 1, BINS + 1)[1:-1], method="lower")
        places = np.unique(np.searchsorted(between, deciles))
        edges = between[places[places < len(between)]]  # never at a number, which the least change would cross
        one, other = (pd.Series(np.searchsorted(edges, side)) for side in (one, other))
        values: pd.Index = pd.RangeIndex(len(edges) + 1)
    else:
        values = pd.Index(pd.concat([one, other]).unique())
    counts = [side.value_counts().reindex(values, fill_value=0) + EVEN for side in (one, other)]
    first, second = (count / count.sum() for count in counts)
    return float(((first - second) * np.log(first / second)).sum())


def quality(replayed: Replayed, other: pd.DataFrame, settings: Settings, digest: str) -> tuple[bool, str]:
    """Whether the candidate is worse where it is known what came true, and a sentence about it.

    It may have learned from such rows: that it is better on them says nothing.
    """
    known = replayed.answered[replayed.answered[LABEL].notna()].rename(columns={LABEL: settings.target.column})
    if not len(known):
        return False, ""
    one, other = replayed.answers.loc[known.index], other.loc[known.index]
    try:
        found = difference(one, other, known, as_far_as_sent(settings, known), seed_from(digest))
    except ProjectError as error:
        return False, f"it is known of {len(known)} rows what came true, which tells nothing: {error}"
    worse = found.outcome(settings.evaluation.margin) == "worse"
    return worse, f"where it is known what came true: {found.score} {found.value:+.4f} on {found.rows} rows"


def as_far_as_sent(settings: Settings, rows: pd.DataFrame) -> Settings:
    """The settings without a key and slices that the rows lack: clients send features, and the key if they like."""
    slices = [name for name in settings.evaluation.slices if name in rows]
    key = settings.data.key if settings.data.key in rows else None
    evaluation = settings.evaluation.model_copy(update={"slices": slices})
    data = settings.data.model_copy(update={"key": key})
    return settings.model_copy(update={"evaluation": evaluation, "data": data})
