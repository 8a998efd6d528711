"""A candidate beside the model in use: both asked about the same rows, which neither has learned from."""

import json
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from ..core.model_folder import ModelFolder
from ..core.predict import kind_of, predict
from ..core.record import Record, seed_from
from ..core.split import split
from ..core.unlearned import unlearned
from ..errors import ProjectError, printable
from ..settings import Settings

Outcome = Literal["better", "not worse", "worse", "cannot be told apart", "not judged"]
FILE, PICTURE = "comparison.json", "comparison.png"
NO_CHAMPION = "there is no champion to compare it with"
OLD_CHAMPION = "the record of the champion, of the first format, may be anybody's: only `release` compares with it"
STRANGE_CHAMPION = "the champion needs other columns, knows other classes, or says something else of them"
KINDS = {"integer": "number", "category": "text"}  # of values, where they are not called as the type of the schema
SAYS = {
    "better": "Better than the champion",
    "not worse": "Not worse than the champion",
    "worse": "Worse than the champion",
    "cannot be told apart": "Cannot be told apart from the champion",
}


class Judged(BaseModel):
    """What one of the two scores on the rows, as a whole and by slice."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    scores: dict[str, float]
    slices: list[dict[Hashable, Any]]


class Difference(BaseModel):
    """The score of the candidate less that of the champion; low, high: where 95 % of the draws of a bootstrap have it.

    rows: on how many. worse_slices: a line for each slice in which the candidate is worse by more than chance.
    """

    model_config = ConfigDict(frozen=True)

    score: str
    value: float
    low: float
    high: float
    rows: int
    worse_slices: list[str]

    def outcome(self, margin: float) -> Outcome:
        """What that says. margin: what one may be worse and still count as not worse."""
        if self.worse_slices:
            return "worse"
        if self.low > 0:
            return "better"
        if self.low >= -margin:
            return "not worse"
        return "worse" if self.high < 0 else "cannot be told apart"


class Comparison(BaseModel):
    """Both side by side. champion: None where there is none, or where it cannot be asked about such rows.

    rows: how many both were asked about; learned: how many others were left out, since the champion has learned from
    them. changed: the share of the rows for which the two predict another class. margin: by how much one may be worse
    and still count as not worse. why: it was not judged. verdict: all in a sentence.
    """

    model_config = ConfigDict(frozen=True)

    rows: int
    learned: int
    candidate: Judged
    champion: Judged | None
    changed: float | None
    outcome: Outcome
    difference: Difference | None
    margin: float
    why: str
    verdict: str

    def metrics(self) -> dict[str, float]:
        """The difference and the ends of its interval, by name; nothing where it was not judged."""
        names = ("value", "low", "high")
        return {f"difference/{name}": getattr(self.difference, name) for name in names} if self.difference else {}


@contextmanager
def readable(champion: AbstractContextManager[ModelFolder] | None) -> Iterator[tuple[ModelFolder | None, str]]:
    """A champion for as long as it is needed, or why there is none.

    One that cannot be read keeps no other from being made. champion: what brings it; None where there is none.
    """
    with ExitStack() as stack:
        try:
            found, absent = stack.enter_context(champion) if champion else None, NO_CHAMPION
            if found:
                found.load()
        except ProjectError as error:
            found, absent = None, f"the champion cannot be read ({error})"
        yield found, absent


def compare(
    candidate: ModelFolder,
    champion: ModelFolder | None,
    table: pd.DataFrame,
    settings: Settings,
    folder: Path,
    absent: str,
) -> Comparison:
    """Compare two models on rows held out, and keep what is found as JSON and as a picture in a folder.

    table: all known rows that the candidate was made from, in their order. settings: those by which it has learned from
    some of them and was judged on others. absent: why there is no champion, where there is none.
    """
    from ..core.pictures import as_png  # with the next ones: takes seconds to import
    from . import picture
    from .difference import difference

    _, newer = split(table, settings)
    if champion is not None and not asks_the_same(champion, candidate, newer, settings):
        champion, absent = None, STRANGE_CHAMPION
    rows, why = (newer, absent) if champion is None else fair_rows(champion.record, table, newer, settings)
    answers = {"candidate": predict(candidate.load(), rows[list(candidate.record.features)])}
    if champion is not None:
        answers["champion"] = predict(champion.load(), rows[list(champion.record.features)])
    found = None
    if not why:
        try:
            found = difference(**answers, rows=rows, settings=settings, seed=seed_from(candidate.record.data.sha256))
        except ProjectError as error:
            why = str(error)
    comparison = describe(candidate, champion, rows, len(newer) - len(rows), answers, found, why, settings)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps(comparison.model_dump(), indent=2) + "\n", encoding="utf-8")
    (folder / PICTURE).write_bytes(as_png(picture.side_by_side(comparison.model_dump(), answers)))
    return comparison


def asks_the_same(champion: ModelFolder, candidate: ModelFolder, rows: pd.DataFrame, settings: Settings) -> bool:
    """Whether the champion predicts the same target, of these classes, from columns that are in the rows."""
    asked = [
        [repr(one.record.settings["target"].get(name)) for name in ("column", "task", "positive")]  # True is not 1
        for one in (champion, candidate)
    ]
    there = all(
        name in rows and kind_of(rows[name]) == KINDS.get(rules.type, rules.type)
        for name, rules in champion.record.features.items()
    )
    classes = rows[settings.target.column].unique().tolist()
    known = getattr(champion.load(), "classes_", np.array(classes)).tolist()
    return asked[0] == asked[1] and there and set(map(repr, classes)) <= set(map(repr, known))


def fair_rows(
    champion: Record, table: pd.DataFrame, newer: pd.DataFrame, settings: Settings
) -> tuple[pd.DataFrame, str]:
    """Those of the newer rows that the champion has not learned from; all, and why, where they cannot tell anything."""
    from .difference import check_enough

    try:
        fair = newer[unlearned(table, champion)[newer.index]]
        check_enough(fair, settings, set(newer[settings.target.column]))
    except ProjectError as error:
        return newer, f"of the champion, {error}"
    return fair, ""


def describe(
    candidate: ModelFolder,
    champion: ModelFolder | None,
    rows: pd.DataFrame,
    learned: int,
    answers: dict[str, pd.DataFrame],
    found: Difference | None,
    why: str,
    settings: Settings,
) -> Comparison:
    """What was found as a comparison. why: it was not judged."""
    judged = judge(candidate, answers["candidate"], rows, settings)
    before = judge(champion, answers["champion"], rows, settings) if champion else None
    changed = None
    if champion and settings.target.task != "regression":
        changed = float((answers["champion"]["prediction"] != answers["candidate"]["prediction"]).mean())
    margin = settings.evaluation.margin
    return Comparison(
        rows=len(rows),
        learned=learned,
        candidate=judged,
        champion=before,
        changed=changed,
        outcome=found.outcome(margin) if found else "not judged",
        difference=found,
        margin=margin,
        why=why,
        verdict=verdict(judged, before, found, margin, why, len(rows)) + left_out(learned),
    )


def judge(kept: ModelFolder, answers: pd.DataFrame, rows: pd.DataFrame, settings: Settings) -> Judged:
    """What a model scores on these rows. kept: its folder. answers: what it says of them."""
    from ..core.model import score  # takes seconds to import
    from ..core.slices import evaluate_slices

    slices = evaluate_slices(answers, rows, settings).to_dict("records")
    return Judged(sha256=kept.sha256, scores=score(rows[settings.target.column], answers, settings), slices=slices)


def verdict(
    candidate: Judged, champion: Judged | None, found: Difference | None, margin: float, why: str, rows: int
) -> str:
    """The comparison in one sentence, by the first score, which decides. why: it was not judged."""
    name, score = next(iter(candidate.scores.items()))
    if champion is None:
        return f"Its {name} is {score:.4f}; {why}."
    both = f"its {name} is {score:.4f}, the champion's {champion.scores[name]:.4f}"
    if found is None:
        return f"Not judged: {why}. On {rows} rows held out, {both}."
    outcome = found.outcome(margin)
    sizes = f"{found.value:+.4f} (95 %: {found.low:+.4f} to {found.high:+.4f}, margin {margin:g}) on {found.rows} rows"
    slices = f"; worse for {', '.join(found.worse_slices)}" if found.worse_slices else ""
    return f"{SAYS[outcome]}: {both}, {sizes}{slices}."


def left_out(learned: int) -> str:
    """What is said of rows that were held out, and yet nothing is judged on."""
    return f" {learned} rows held out are left out, as the champion may have learned from them." if learned else ""


def read_comparison(folder: Path) -> Comparison:
    """The comparison that was kept in a folder."""
    return Comparison.model_validate_json((folder / FILE).read_text(encoding="utf-8"))


def as_table(comparison: Comparison) -> str:
    """The scores of both for the screen: one line for all rows and one per slice, by the score that decides."""
    name = next(iter(comparison.candidate.scores))
    whole = [("all", score, value) for score, value in comparison.candidate.scores.items()]
    slices = [(f"{line['slice']}: {line['value']}", name, line[name]) for line in comparison.candidate.slices]
    table = pd.DataFrame([*whole, *slices], columns=["rows", "score", "candidate"])
    if comparison.champion:
        before = [*comparison.champion.scores.values(), *(line[name] for line in comparison.champion.slices)]
        table.insert(2, "champion", before)
    return printable(table.round(4).to_string(index=False))
