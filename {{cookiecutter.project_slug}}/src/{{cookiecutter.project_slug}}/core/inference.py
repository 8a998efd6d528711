"""The schema of a first table, from how its values are written."""

import math
import re
from collections.abc import Callable
from typing import Any

from ..errors import ProjectError
from ..settings import TYPES, Read, Settings
from .csv_files import Cells
from .dates import FORMATS, UnclearError, form_of, readings
from .schema import Boolean, Category, Column, Date, Integer, Number, Schema, Text
from .values import HIGHEST, LOWEST, InFile

MOST_CATEGORIES = 20
MOST_EXACT = 2**53  # beyond it, a float leaves out whole numbers
CODE = re.compile(r"[+-]?0[0-9]")  # how no number begins: a postcode, say


def infer_schema(cells: Cells, settings: Settings) -> Schema:
    """The schema of a first table: per column its type, whether it may be missing, and its range or its categories.

    A range is that of the table widened by its own width on both sides, and stays above zero where the table does: wide
    enough for next month, narrow enough for a wrong unit. The columns of time and those that the model must not see go
    on with new values and have neither. Raises ProjectError for a column that holds nothing, or where there is no time.
    """
    form, schema, empty = InFile(settings.data.read), {}, []
    for name, texts in cells.columns.items():
        known = [text for text in form.known(texts, name) if text is not None]
        if known or name in open_ended(settings):
            schema[name] = describe(name, known, len(known) < len(texts), form, settings)
        else:
            empty.append(name)
    if empty:
        raise ProjectError(f"Columns {empty} hold no value at all: list them under data.drop in params.yaml.")
    return schema


def open_ended(settings: Settings) -> set[str]:
    """The columns whose next values are others, such as dates and identifiers."""
    return {*settings.data.drop, *([settings.data.time] if settings.data.time else [])}


def describe(name: str, known: list[str], missing: bool, form: InFile, settings: Settings) -> Column:
    """The rules of one column. known: its values, as they are written; missing: whether there are others."""
    read = settings.data.read
    hint = TYPES.get(read.dtype if isinstance(read.dtype, str) else read.dtype.get(name, ""))
    if name in read.parse_dates:
        return Date(missing=missing, format=date_format(f"The column {name!r} of data.read.parse_dates", known, read))
    if hint == "boolean" or (hint is None and known and all(map(form.says_truth, known))):
        return Boolean(missing=missing)
    if hint in ("integer", "number") or (hint is None and known and not any(map(CODE.match, known))):
        if (numbers := all_read(known, form.number)) is not None:
            return describe_numbers(name, known, numbers, missing, form, settings, hint == "integer")
        if hint:  # the check will name the lines
            return Number(missing=missing)
    if name == settings.data.time:
        return Date(missing=missing, format=date_format(f"The time column {name!r}", known, read))
    if hint is None and known and (dates := describe_dates(known, missing, read)):
        return dates
    values = set(known)
    if name not in open_ended(settings) and (hint == "category" or len(values) <= MOST_CATEGORIES):
        return Category(missing=missing, values=sorted(values))
    return Text(missing=missing)


def describe_numbers(
    name: str,
    known: list[str],
    numbers: list[float],
    missing: bool,
    form: InFile,
    settings: Settings,
    asked: bool,
) -> Column:
    """The rules of a column of numbers: whole ones where they are names or classes, or where a float would change them.

    Any others may have decimals in the next table, unless the settings ask for whole ones.
    """
    low, high = min(numbers), max(numbers)
    whole = all_read(known, form.integer)
    large = max(abs(low), abs(high)) > MOST_EXACT
    if whole is None and large and all(map(str.isdigit, known)):
        return Text(missing=missing)  # too long for a number of 64 bits
    is_class = name == settings.target.column and settings.target.task != "regression"
    if whole is not None and (asked or large or is_class or name in open_ended(settings)):
        low, high = min(whole), max(whole)
    rules: Integer | Number = (Integer if isinstance(low, int) else Number)(missing=missing)
    if name in open_ended(settings):
        return rules
    width = high - low or max(abs(high), 1)
    least, most = (LOWEST, HIGHEST) if isinstance(rules, Integer) else (-math.inf, math.inf)
    floor = type(low)(0) if low >= 0 else least
    return rules.model_copy(update={"min": max(low - width, floor), "max": min(high + width, most)})


def describe_dates(known: list[str], missing: bool, read: Read) -> Date | None:
    """The rules of a column of dates; None where not all are, or where it is not clear which."""
    if not any(readings(known[:1], form) for form in [*FORMATS, read.date_format]):
        return None
    try:
        form = read.date_format or form_of(known, read.dayfirst)
    except UnclearError:
        return None
    rules, different = Date(missing=missing, format=form), set(known)
    return rules if len(readings(different, form)) == len(different) else None


def date_format(what: str, known: list[str], read: Read) -> str | None:
    """The format of most of these dates. Raises ProjectError where that is unclear."""
    try:
        return read.date_format or form_of(known, read.dayfirst) if known else None
    except UnclearError as error:
        raise ProjectError(f"{what} {error}. Write dates like 2024-12-31.") from None


def all_read(known: list[str], read: Callable[[str], Any]) -> list[Any] | None:
    """What all the texts say; None where one says nothing."""
    try:
        return list(map(read, known))
    except ValueError:
        return None
