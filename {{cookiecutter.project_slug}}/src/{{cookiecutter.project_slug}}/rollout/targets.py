"""Where a release comes into use: what serves there, what can be tried beside it, and what takes its place."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

import pandas as pd

from ..core.model_folder import ModelFolder
from ..errors import ProjectError

Ask = Callable[[pd.DataFrame], pd.DataFrame]  # from rows to what a model says of them


class MissingTargetError(ProjectError):
    """Nothing serves there that could be asked, whatever a model would have answered."""


@dataclass(frozen=True)
class Requests:
    """How many requests a model has answered, refused as they did not fit its schema, and failed at."""

    answered: int = 0
    refused: int = 0
    failed: int = 0

    @property
    def all(self) -> int:
        """All that came."""
        return self.answered + self.refused + self.failed

    def share(self, outcome: str) -> float:
        """The share of those of this outcome."""
        count: int = getattr(self, outcome)
        return count / self.all if self.all else 0.0

    def with_more(self, outcome: str, count: int) -> "Requests":
        """With so many more of this outcome."""
        return replace(self, **{outcome: getattr(self, outcome) + count})


class Target(Protocol):
    """What can be asked of every target. Each raises ProjectError where the target does not do it."""

    def serves(self) -> str | None:
        """The digest of the model that answers now, asked from what answers; None where none does, or nobody knows."""

    def beside(self, candidate: ModelFolder) -> AbstractContextManager[Ask]:
        """What asks a candidate that answers nobody else, for as long as it is needed."""

    def promote(self, model: ModelFolder) -> None:
        """Let this model answer everybody. No request fails meanwhile; if it cannot, the one before answers on."""

    def requests(self) -> dict[str, Requests] | None:
        """What became of requests lately, by the digest of the model; None where nobody here can tell."""
