"""The release record, which is written once and never changed."""

from typing import Any, Literal

from pydantic import Field

from ..core.record import FORMAT, Digest, Fixed, Scores, Spread, as_json, parse


class Pointer(Fixed):
    """Where a release record is, and the fingerprint of its content."""

    record: str
    sha256: Digest


class ReleasedModel(Fixed):
    """The folder of a model and the digest of the model.

    settings_sha256: of the settings for MLServer beside it, as they were generated then. files: the fingerprints of all
    files, in format 1 alone.
    """

    uri: str
    sha256: Digest
    settings_sha256: Digest | None = None
    files: dict[str, Digest] | None = None


CheckOutcome = Literal["pass", "fail", "inconclusive", "no data"]


class Check(Fixed):
    """Something that a model was held against before its release, and what came of it. said: for people."""

    name: str
    outcome: CheckOutcome
    said: str


class Policy(Fixed):
    """The file by whose rules a release was decided, as it was then."""

    file: str
    sha256: Digest


class Release(Fixed):
    """A model that was released: what it is, what made it, how good it is, who released it and what it replaces.

    by: the person or the program that decided. policy: by which policy; None where a person decided by themselves.
    checks: what it was held against; none where a person has published it without.
    data, code, settings, scores, spread, baseline, versions, lock: as in the record of the model, for who reads this
    one alone.
    """

    format: int = FORMAT
    release: str
    published: str
    by: str
    note: str
    policy: Policy | None = None
    checks: tuple[Check, ...] = ()
    model: ReleasedModel
    data: dict[str, Any]
    code: dict[str, Any]
    settings: dict[str, Any]
    scores: Scores
    spread: Spread = Field(default={})
    baseline: Scores = Field(default={})
    versions: dict[str, str]
    lock: str | None
    previous: Pointer | None

    def as_bytes(self) -> bytes:
        """The content of the record's file."""
        return as_json(self.model_dump(exclude={"model": {"files"}}))


def parse_release(content: bytes, where: str) -> Release:
    """The record in these bytes. Raises ProjectError where they are none."""
    return parse(Release, content, f"{where} is not a release record")
