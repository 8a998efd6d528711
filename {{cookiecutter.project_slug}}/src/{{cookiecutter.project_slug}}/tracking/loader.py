"""How MLflow loads a model of this project: the folder that is served, answering as `predict` does."""

from pathlib import Path
from typing import Any

import pandas as pd

from ..core.model_folder import open_folder
from ..core.predict import predict


class Answering:
    """A model behind MLflow's interface."""

    def __init__(self, place: Path) -> None:
        """place: the folder of the model."""
        folder = open_folder(place)
        self._model, self._features = folder.load(), list(folder.record.features)

    def predict(self, rows: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """What the core's `predict` says of the rows."""
        return predict(self._model, rows[self._features])


def _load_pyfunc(path: str) -> Answering:
    """What MLflow calls, by this name, to load the model in a folder."""
    return Answering(Path(path))
