"""The rules of rollouts: rollout.yaml, read and checked."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from ..core.storage import sha256
from ..errors import ProjectError
from ..releases.pointers import ENVIRONMENT
from ..releases.record import Policy as DecidedBy
from ..settings import PRODUCTION, Section, read, read_bytes

POLICY = Path("rollout.yaml")
Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[float, Field(gt=0, le=36_500)]


class Environment(Section):
    """Where releases come into use, and whether a person is asked before."""

    target: Literal["local", "ci"] = "local"
    folder: str = "serving"
    require_approval: bool = False
    approval_days: Days = 7


class Gate(Section):
    """What a candidate is held against besides what params.yaml asks for."""

    slower_at_most: float = Field(default=2, gt=0)


class Shadow(Section):
    """How what clients have asked lately is asked again of the candidate."""

    required: bool = False
    days: Days = 7
    rows_at_least: int = Field(default=100, ge=1)
    rows_at_most: int = Field(default=2000, ge=1)
    refused_at_most: Share = 0.01
    changed_at_most: Share = 0.2
    distance_at_most: float = Field(default=0.2, ge=0)


class Watch(Section):
    """How long a release is watched, and what takes it back."""

    seconds: float = Field(default=60, ge=0, le=86_400)
    requests_at_least: int = Field(default=20, ge=1)
    failed_at_most: Share = 0.01
    refused_more_at_most: Share = 0.05


class RolloutPolicy(Section):
    """All of rollout.yaml."""

    mode: Literal["release", "judge"] = "release"
    environments: dict[str, Environment] = Field(default={PRODUCTION: Environment()})
    gate: Gate = Gate()
    shadow: Shadow = Shadow()
    watch: Watch = Watch()

    @field_validator("environments")
    @classmethod
    def some_with_folders_of_their_own(cls, environments: dict[str, Environment]) -> dict[str, Environment]:
        """Refuse none, strange names, and two servers in one folder."""
        if strange := [name for name in environments if not ENVIRONMENT.fullmatch(name)]:
            raise ValueError(f"{strange} are no names: up to 40 of a to z, 0 to 9 and -, as in staging-2")
        folders = [one.folder for one in environments.values() if one.target == "local"]
        if not environments or len(set(folders)) < len(folders):
            raise ValueError("there must be one, and each that is local has a folder of its own")
        return environments

    def environment(self, name: str | None) -> tuple[str, Environment]:
        """The environment of this name, or the first: its name and what it is. Raises ProjectError where it is none."""
        name = name or next(iter(self.environments))
        if name not in self.environments:
            raise ProjectError(f"{POLICY} knows no environment {name!r}, but {', '.join(self.environments)}.")
        return name, self.environments[name]


def load_policy(path: Path = POLICY) -> tuple[RolloutPolicy, DecidedBy]:
    """The rules in this file, and the file as it is now. Raises ProjectError that lists everything wrong with it."""
    content = read_bytes(path)
    return read(path, content, RolloutPolicy), DecidedBy(file=path.as_posix(), sha256=sha256(content))
