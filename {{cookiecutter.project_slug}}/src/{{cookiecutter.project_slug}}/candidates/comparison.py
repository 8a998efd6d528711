"""A candidate beside the model in use: both asked about the same rows, which the candidate has not learned from."""

import json
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from ..core.data import features_and_target
from ..core.model_folder import ModelFolder
from ..core.predict import predict
from ..core.record import Record
from ..errors import ProjectError, printable
from ..settings import Settings

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator  # takes seconds to import, and those who read a comparison go without

FILE, PICTURE = "comparison.json", "comparison.png"
NO_CHAMPION = "there is no champion to compare it with"
OLD_CHAMPION = "the record of the champion, of the first format, may be anybody's: only `release` compares with it"
STRANGE_CHAMPION = "the champion knows other columns or other classes"


class Judged(BaseModel):
    """What one of the two scores on the rows, as a whole and by slice."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    scores: dict[str, float]
    slices: list[dict[Hashable, Any]]


class Comparison(BaseModel):
    """Both side by side. champion: None where there is none, or where it cannot be asked about such rows.

    changed: the share of the rows for which the two predict another class.
    """

    model_config = ConfigDict(frozen=True)

    rows: int
    candidate: Judged
    champion: Judged | None
    missed: list[str]
    changed: float | None
    verdict: str


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
    rows: pd.DataFrame,
    settings: Settings,
    folder: Path,
    absent: str = NO_CHAMPION,
) -> Comparison:
    """Compare two models on rows held out, and keep what is found as JSON and as a picture in a folder.

    rows: what the candidate was judged on; the champion may have learned from some of them, which is to its advantage.
    settings: those that the candidate was made with. absent: why there is no champion, where there is none.
    """
    from ..core.evaluate import shortfalls  # with the next ones: takes seconds to import
    from ..core.pictures import as_png
    from . import picture

    X, _ = features_and_target(rows, settings)
    model = candidate.load()
    answers = {"candidate": predict(model, X)}
    judged = judge(model, candidate, rows, settings)
    before = changed = None
    if champion is not None:
        old, absent = champion.load(), STRANGE_CHAMPION
        known_classes = getattr(old, "classes_", rows[settings.target.column])
        if asks_the_same(champion.record, candidate.record) and rows[settings.target.column].isin(known_classes).all():
            before = judge(old, champion, rows, settings)
            answers["champion"] = predict(old, X[list(champion.record.features)])
            if settings.target.task != "regression":
                changed = float((answers["champion"]["prediction"] != answers["candidate"]["prediction"]).mean())
    missed = shortfalls(judged.scores, settings)
    comparison = Comparison(
        rows=len(rows),
        candidate=judged,
        champion=before,
        missed=missed,
        changed=changed,
        verdict=verdict(judged, before, missed, absent),
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps(comparison.model_dump(), indent=2) + "\n", encoding="utf-8")
    (folder / PICTURE).write_bytes(as_png(picture.side_by_side(comparison.model_dump(), answers)))
    return comparison


def judge(model: "BaseEstimator", kept: ModelFolder, rows: pd.DataFrame, settings: Settings) -> Judged:
    """What a model scores on these rows. kept: its folder."""
    from ..core.evaluate import evaluate, evaluate_slices

    y = rows[settings.target.column]
    X = rows[list(kept.record.features)]
    slices = evaluate_slices(model, rows, X, y, settings).to_dict("records")
    return Judged(sha256=kept.sha256, scores=evaluate(model, X, y, settings), slices=slices)


def asks_the_same(champion: Record, candidate: Record) -> bool:
    """Whether the champion predicts the same target, from columns that the candidate knows too."""
    types = [{name: rules.type for name, rules in one.features.items()} for one in (champion, candidate)]
    return champion.settings["target"] == candidate.settings["target"] and types[0].items() <= types[1].items()


def verdict(candidate: Judged, champion: Judged | None, missed: list[str], absent: str) -> str:
    """The comparison in one sentence, by the first score, which decides. absent: why there is no champion's."""
    name, score = next(iter(candidate.scores.items()))
    if missed:
        return "It misses what params.yaml asks for: " + "; ".join(missed)
    if champion is None:
        return f"Its {name} is {score:.4f}; {absent}."
    gain = score - champion.scores[name]
    how = "better than" if gain > 0 else "worse than" if gain < 0 else "the same as"
    return f"Its {name} is {score:.4f}, {how} the champion's {champion.scores[name]:.4f}."


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
