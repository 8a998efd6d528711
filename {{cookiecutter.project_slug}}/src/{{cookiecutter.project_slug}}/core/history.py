"""The score history: one line for each training that was kept, and a picture of all of them."""

from pathlib import Path

from ..settings import Settings
from . import pictures, storage
from .model_folder import ModelFolder


def history_path(settings: Settings) -> Path:
    """Where the score history is kept."""
    return Path(settings.state.reports) / "score_history.csv"


def remember(kept: ModelFolder, settings: Settings) -> None:
    """Add the training to the score history, and draw it."""
    record = kept.record
    row = {
        "date": record.trained,
        "note": record.note,
        "data": settings.data.uri,
        "target": settings.target.column,
        "task": settings.target.task,
        "positive": "" if settings.target.positive is None else settings.target.positive,
        "threshold": "" if record.threshold is None else record.threshold,
        "time": settings.data.time,
        "drop": " ".join(settings.data.drop),
        "seed": settings.model.seed,
        "train_rows": record.rows["train"],
        "test_rows": record.rows["test"],
        "model": kept.place.name,
    }
    history = storage.append_history(row | record.scores, history_path(settings))
    picture = pictures.as_png(pictures.score_history(history, row, next(iter(record.scores))))
    storage.write_file(history_path(settings).with_suffix(".png"), picture)
