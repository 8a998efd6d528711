"""A table as a data set of MLflow: what is known of it, without MLflow looking through its rows to find that out."""

import json
import warnings

from mlflow.data.dataset import Dataset
from mlflow.data.dataset_source_registry import resolve_dataset_source
from mlflow.types import Schema as Columns


class TableDataset(Dataset):
    """A table at an address."""

    def __init__(self, uri: str, name: str, digest: str, columns: Columns, rows: int) -> None:
        """digest: the beginning of its fingerprint. columns, rows: what it holds."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that an address may be of several kinds
            source = resolve_dataset_source(uri)
        super().__init__(source, name, digest)
        self._columns, self._rows = columns, rows

    def _compute_digest(self) -> str:
        """Not asked: the digest is given."""
        raise NotImplementedError

    @property
    def schema(self) -> Columns:
        """The columns."""
        return self._columns

    @property
    def profile(self) -> dict[str, int]:
        """How much it holds."""
        return {"num_rows": self._rows}

    def to_dict(self) -> dict[str, str]:
        """All of it, as MLflow keeps it."""
        columns = json.dumps({"mlflow_colspec": self.schema.to_dict()})
        return {**super().to_dict(), "schema": columns, "profile": json.dumps(self.profile)}
