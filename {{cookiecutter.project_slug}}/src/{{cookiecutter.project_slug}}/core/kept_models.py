"""The models that were trained here: a folder each, named by its digest, and a pointer at the latest."""

import re
import tempfile
from pathlib import Path
from typing import Any

from ..errors import ProjectError
from .locking import alone
from .model_file import save_model
from .model_folder import MODEL, ModelFolder, complete, copy_files, open_folder
from .record import Record
from .storage import UNFINISHED, forget_unfinished, write_file

LATEST = "latest"


def write_model(model: Any, record: Record, files: dict[str, bytes], models: Path) -> ModelFolder:
    """Keep a model among the models, with its record and these files, by name. It is the latest then."""
    with tempfile.TemporaryDirectory(prefix="model-") as folder:
        save_model(model, Path(folder) / MODEL)
        return keep(complete(Path(folder), record, files), models)


def keep(made: ModelFolder, models: Path) -> ModelFolder:
    """Copy a model to its place among the models, and point `latest` at it."""
    place = put(made, models)
    write_file(models / LATEST, f"{place.name}\n".encode())
    return open_folder(place)


def put(made: ModelFolder, models: Path) -> Path:
    """Copy a model to its place in a folder of models, whole; where it is."""
    models.mkdir(parents=True, exist_ok=True)
    forget_unfinished(models)
    place = models / made.sha256[:12]
    with tempfile.TemporaryDirectory(dir=models, prefix=UNFINISHED) as folder, alone(models / ".lock"):
        if not is_whole(place):
            unfinished = Path(folder) / "model"
            unfinished.mkdir()
            copy_files(made, unfinished)
            if place.exists():
                place.rename(Path(folder) / "damaged")
            unfinished.rename(place)
    return place


def is_whole(place: Path) -> bool:
    """Whether the folder of a model is there already, as it should be: what has the same digest is the same."""
    try:
        return place.exists() and bool(checked(place))
    except ProjectError:
        return False


def checked(place: Path) -> ModelFolder:
    """The model in a folder that is named by its digest. Raises ProjectError where it is another."""
    folder = open_folder(place)
    if not folder.sha256.startswith(place.name):
        raise ProjectError(f"{place} holds the model {folder.sha256}, which is not what it is named by: train again.")
    return folder


def latest_model(models: Path) -> ModelFolder:
    """The model trained last. Raises ProjectError where there is none."""
    try:
        name = (models / LATEST).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise ProjectError(f"There is no model in {models} yet: train one first, with the command `train`.") from None
    if not re.fullmatch("[0-9a-f]{12}", name) or not (models / name / MODEL).is_file():
        raise ProjectError(f"{models / LATEST} points at {name!r}, which is not there: train again.")
    return checked(models / name)
