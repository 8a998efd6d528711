"""What a run of the pipeline is told of the project: one text, which any engine can carry."""

from typing import Any, Literal

from ..core.schema import Schema
from ..settings import Section, Settings

FOR_PEOPLE = "> "  # begins a line that a step prints for whoever looks on
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
