"""What a run of the pipeline is told of the project: one text, which any engine can carry."""

import base64
import zlib
from pathlib import Path
from typing import Any, Literal

from ..core.schema import Schema
from ..errors import ProjectError
from ..settings import Section, Settings

FOR_PEOPLE = "> "  # begins a line that a step prints for whoever looks on
LONGEST = 100_000  # Linux passes on 131,072 letters in one word, and the engine adds some of its own
Trigger = Literal["by hand", "new data", "schedule"]


class Job(Section):
    """One training.

    source: where the content of the table is: at data.uri, or in a copy of it. columns: the schema to check it against;
    None to write one down. project: the code and environment, as `describe_project` says. tracking: the URI of the
    store of runs. trigger: what asked for it. note: what is different this time.
    """

    settings: Settings
    source: str
    columns: Schema | None
    project: dict[str, Any]
    tracking: str
    trigger: Trigger
    note: str = ""


def as_text(job: Job) -> str:
    """The job as one short word without any sign that an engine would read something into.

    Raises ProjectError where it is longer than what a program may be told when it is started.
    """
    text = base64.urlsafe_b64encode(zlib.compress(job.model_dump_json().encode(), 9)).decode()
    if len(text) > LONGEST:
        raise ProjectError(
            f"The settings and the schema take {len(text)} letters, of which a cluster passes on {LONGEST}: the table "
            "has too many columns for it. Train here, or leave columns out of the table."
        )
    return text


def read_job(text: str) -> Job:
    """The job in this text, or in the file whose whole path it is."""
    path = Path(text)
    content = path.read_bytes() if path.is_absolute() else zlib.decompress(base64.urlsafe_b64decode(text))
    return Job.model_validate_json(content)
