"""The rules of monitoring: monitoring.yaml, read and checked."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from ..settings import Section, load

POLICY = Path("monitoring.yaml")


class Predictions(Section):
    """How long predictions are kept."""

    keep_days: int = Field(default=400, ge=1)
    keep_megabytes: float = Field(default=10_000, gt=0)


class Labels(Section):
    """Which prediction a label belongs to. prediction_id, time: columns of a table of labels."""

    prediction_id: str = "prediction_id"
    time: str = "time"
    time_zone: str = "UTC"
    horizon_days: float = Field(default=30, gt=0, le=36_500)

    @property
    def horizon(self) -> timedelta:
        """How old a prediction may be that a label belongs to."""
        return timedelta(days=self.horizon_days)

    @field_validator("time_zone")
    @classmethod
    def known_zone(cls, name: str) -> str:
        """Refuse what is no time zone."""
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{name!r} is no time zone, such as UTC or Europe/Paris") from None
        return name


class Policy(Section):
    """All of monitoring.yaml."""

    predictions: Predictions = Predictions()
    labels: Labels = Labels()


def load_policy(path: Path = POLICY) -> Policy:
    """The rules in this file. Raises ProjectError that lists everything wrong with it."""
    return load(path, Policy)
