"""How MLflow loads a model of this project: the folder that is served, answering as `predict` does."""

from pathlib import Path
from typing import Any

import pandas as pd

from ..core.checking import Findings, typed_table
from ..core.model_folder import open_folder
from ..core.predict import predict
from ..core.values import InJson
from ..serving.protocol import in_json


class Answering:
    """A model behind MLflow's interface."""

    def __init__(self, place: Path) -> None:
        """place: the folder of the model."""
        folder = open_folder(place)
        self._model, self._features = folder.load(), folder.record.features

    def predict(self, rows: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """What the core's `predict` says of the rows. Raises ProjectError where they do not fit the model."""
        columns = {name: list(map(in_json, rows[name].tolist())) for name in self._features}
        findings = Findings("row")
        table = typed_table(columns, range(len(rows)), self._features, InJson(), findings)
        findings.refuse()
        return predict(self._model, table).set_index(rows.index)


def _load_pyfunc(path: str) -> Answering:
    """What MLflow calls, by this name, to load the model in a folder."""
    return Answering(Path(path))
