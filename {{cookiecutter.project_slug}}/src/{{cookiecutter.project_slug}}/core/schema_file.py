"""The schema as a file that people edit."""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from ..errors import ProjectError, shortened
from .schema import Schema
from .storage import write_file

BREAKS = set("\x85\u2028\u2029")  # which YAML takes for the end of a line, and Python's csv for a letter
MEND = "Mend it, or delete it to have it written anew."


def as_yaml(schema: Schema) -> bytes:
    """The schema as YAML that people edit: one line per column."""
    lines = []
    for name, rules in schema.items():
        known = rules.model_dump(exclude_none=True)
        plain = not BREAKS & {*name, *"".join(known.get("values", []))}
        written = yaml.safe_dump(known, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=plain)
        lines.append(f"  {json.dumps(name, ensure_ascii=not plain)}: {written.strip()}")
    about = "# What every table must look like, written down from the first one. Tighten it: it is yours now.\n"
    return (about + "columns:\n" + "\n".join(lines) + "\n").encode()


def write_schema(schema: Schema, path: Path) -> None:
    """Write the schema to a file."""
    write_file(path, as_yaml(schema))


def read_schema(path: Path) -> Schema | None:
    """The schema that was written down; None if none was. Raises ProjectError that names every mistake in it."""
    if not path.exists():
        return None
    try:
        columns = yaml.safe_load(path.read_text(encoding="utf-8"))["columns"]
        return TypeAdapter(Schema).validate_python(columns)
    except ValidationError as error:
        problems = [describe_mistake(one) for one in error.errors()]
        raise ProjectError(f"{path} has {len(problems)} mistakes:\n  " + "\n  ".join(problems) + f"\n{MEND}") from None
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProjectError(f"{path} cannot be understood: {error}. {MEND}") from None


def describe_mistake(problem: Any) -> str:
    """A mistake in a schema as a line."""
    name, _, *where = [*map(str, problem["loc"]), "", ""]  # after the name, the type
    rule = ".".join(filter(None, where)) or "the rules"
    given = problem["input"]
    quotes = (
        ": write it in quotes" if problem["type"] == "string_type" and isinstance(given, bool | int | float) else ""
    )
    return f"{name or 'columns'}: {rule}: {problem['msg'].lower()} (it is {shortened(repr(given))}){quotes}"
