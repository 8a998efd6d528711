"""What is known of a model: the content of model.json, which is also the list of all files in the model's folder.

Format 2. The digest of model.json is the digest of the model: what registry, release, pointer and server know it by.
Format 1, of projects made before, lists no files, and has the digest of model.skops instead; it is read and served.
"""

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import ProjectError, shortened
from ..settings import Settings
from .schema import Schema

FORMAT = 2
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Kind = TypeVar("Kind", bound=BaseModel)
Scores = dict[str, float]
Spread = dict[str, tuple[float, float] | None]


class Fixed(BaseModel):
    """Something that is read as it was written: nothing changes. A name that is new is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class File(Fixed):
    """One file of the folder."""

    sha256: Digest
    bytes: int | None = Field(default=None, ge=0)


class Data(Fixed):
    """What was learned from: the address of the table, and digest and size of the file in which it was kept then."""

    uri: str
    sha256: Digest
    bytes: int | None = None


class Numbers(Fixed):
    """How numbers are distributed: counts[i] of them lie from edges[i] on and below edges[i + 1], the last edge too."""

    kind: Literal["numbers"] = "numbers"
    edges: list[float]
    counts: list[int]
    missing: int


class Values(Fixed):
    """How often each value occurs; of many, the most frequent ones. other: all that are not listed."""

    kind: Literal["values"] = "values"
    counts: dict[str, int]
    other: int
    missing: int


Distribution = Annotated[Numbers | Values, Field(discriminator="kind")]


class Reference(Fixed):
    """How features and answers were distributed in the rows that the model has learned from."""

    features: dict[str, Distribution]
    answers: dict[str, Distribution]


class Learned(Fixed):
    """Which rows a model has learned from, in any table: those until a time, or those on one side of a hash.

    time: the last time in its rows, by data.time of its settings. held_out: the share of the places, see `split` of the
    core, that it has not learned from; these follow from the key, or from what is in the columns, of which each is
    named with the kind of its values. Neither time nor held_out: not known.
    """

    time: str | float | None = None
    key: str | None = None
    columns: dict[str, str] = {}
    held_out: float | None = None


class Record(Fixed):
    """What is known of a model.

    trained, note, data (uri, sha256), code (commit, changed), lock, settings, versions: where it comes from. rows: to
    train on and to test on. features: what it takes. answers: the type of each column that it answers with. scores,
    slices: how good it is on the rows held out, the first score decides. spread: where 95 % of the draws of a bootstrap
    have each score. baseline: the scores of always answering the same. missed: what was asked of it and not reached.
    threshold: the probability from which a row is of the positive class; None where the estimator decides by itself.
    classes_follow: whether its classes are those of `classes_by` of the core, on all rows that it has learned from.
    key: the column that says who or what a row is about, and its type; empty where there is none.
    schema_sha256: of the schema of all columns. sha256: of model.skops, in format 1 alone.
    """

    format: int = FORMAT
    files: dict[str, File] = {}
    sha256: Digest | None = None
    trained: str
    note: str
    data: Data
    code: dict[str, Any]
    lock: str | None
    settings: dict[str, Any]
    versions: dict[str, str]
    rows: dict[str, int]
    features: Schema
    key: Schema = {}
    schema_sha256: Digest | None = None
    answers: dict[str, str]
    scores: Scores
    spread: Spread = {}
    baseline: Scores = {}
    slices: list[dict[str, Any]]
    missed: list[str] = []
    learned: Learned | None = None
    reference: Reference | None = None
    threshold: float | None = None
    classes_follow: bool = False

    @model_validator(mode="after")
    def with_the_digest_of_its_format(self) -> "Record":
        """Hold format 1 to its digest, and keep it out of format 2, where another one counts."""
        if (self.format == 1) != (self.sha256 is not None):
            raise ValueError("a sha256 belongs to format 1 alone")
        return self

    def as_bytes(self) -> bytes:
        """The content of the record's file."""
        return as_json(self.model_dump(exclude={"sha256"}))


def as_json(content: Any) -> bytes:
    """Content as JSON for people and programs, the same bytes for the same content."""
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def parse_record(content: bytes, where: str) -> Record:
    """The record in these bytes. Raises ProjectError where they are none."""
    return parse(Record, content, f"{where} is not the record of a model")


def parse(kind: type[Kind], content: bytes, otherwise: str) -> Kind:
    """What is in a JSON file that has a format; without one, it is of the first. Raises ProjectError where it is not.

    otherwise: what the error begins with.
    """
    try:
        fields = {"format": 1} | json.loads(content)
        if fields["format"] not in range(1, FORMAT + 1):
            raise ProjectError(
                f"{otherwise}, as far as this project knows: it is of format {shortened(repr(fields['format']))}, and "
                f"formats up to {FORMAT} are known here. Bring the project up to date with `make upgrade`."
            )
        return kind.model_validate(fields)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)[:3]
        problems = [shortened(f"{'.'.join(map(str, one['loc']))} {one['msg']}".strip(), 200) for one in found]
        raise ProjectError(f"{otherwise}: {'; '.join(problems)}.") from None
    except (ValueError, TypeError, RecursionError) as error:  # no JSON, no object, or lists in lists without end
        raise ProjectError(f"{otherwise}: {shortened(str(error), 200)}.") from None


def settings_of(record: Record, where: str) -> Settings:
    """The settings that a model was made with, but for how its table was read, which is kept as the project keeps it.

    Raises ProjectError where this project cannot read them.
    """
    settings = {**record.settings, "data": {**record.settings.get("data", {}), "read": {}}}
    try:
        return Settings.model_validate(settings)
    except ValidationError as error:
        raise ProjectError(f"The settings in the record of {where} cannot be read: {error}") from None


def seed_from(digest: str) -> int:
    """A seed that follows from the fingerprint of a table."""
    return int(digest[:16], 16)
