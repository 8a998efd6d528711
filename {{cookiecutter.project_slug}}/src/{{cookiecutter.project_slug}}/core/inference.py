"""The schema of a first table, from how its values are written."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import ProjectError
from ..settings import TYPES, Read, Settings
from .csv_files import Cells
from .dates import FORMATS, MEND, UnclearError, form_of, is_date
from .schema import Boolean, Category, Column, Date, Integer, Number, Schema, Text
from .values import HIGHEST, INFINITE, LOWEST, MOST_EXACT, InFile

MOST_CATEGORIES, FEWEST_TIMES = 20, 2  # and how often a category occurs on average: else the next table has others
CODE = re.compile(r"\s*[+-]?0[0-9]")  # how no number begins: a postcode, say


def infer_schema(pieces: Iterable[Cells], settings: Settings) -> Schema:
    """The schema of a first table: per column its type, whether it may be missing, and its range or its categories.

    A range is that of the table widened by its own width on both sides, and stays above zero where the table does: wide
    enough for next month, narrow enough for a wrong unit. The columns of time and those that the model must not see go
    on with new values and have neither. Raises ProjectError for a column that holds nothing, or where there is no time.
    """
    read, seen = settings.data.read, {}
    form = InFile(read)
    for cells in pieces:
        for name, texts in cells.columns.items():
            if name not in seen:
                is_date = name == settings.data.time or name in read.parse_dates
                seen[name] = Seen(texts=Counter() if is_date else None, forms=[read.date_format, *FORMATS])
            seen[name].add(form.known(texts, name), form)
    if empty := [name for name, column in seen.items() if not column.count and name not in open_ended(settings)]:
        raise ProjectError(f"Columns {empty} hold no value at all: list them under data.drop in params.yaml.")
    return {name: describe(name, column, settings) for name, column in seen.items()}


def open_ended(settings: Settings) -> set[str]:
    """The columns whose next values are others, such as dates and identifiers."""
    return {*settings.data.drop, *filter(None, [settings.data.time, settings.data.key])}


@dataclass
class Seen:
    """What was seen of a column, piece by piece: what all of its values could be.

    whole: the lowest and the highest of whole numbers that are too large for a float; too_long: whether some are too
    long for 64 bits. forms: in which all are dates. texts: how often each occurs, where most should be dates.
    """

    texts: Counter[str] | None
    forms: list[str | None]
    count: int = 0
    missing: bool = False
    truths: bool = True
    codes: bool = False
    numbers: bool = True
    integral: bool = True
    low: float = math.inf
    high: float = -math.inf
    whole: set[int] = field(default_factory=set)
    too_long: bool = False
    different: set[str] = field(default_factory=set)

    def add(self, texts: list[str | None], form: InFile) -> None:
        """Look at some values, None for missing ones."""
        known = [text for text in texts if text is not None]
        self.missing = self.missing or len(known) < len(texts)
        if not known:
            return
        self.count += len(known)
        self.truths = self.truths and all(map(form.says_truth, known))
        self.codes = self.codes or any(map(CODE.match, known))
        if self.numbers:
            self.add_numbers(known, form)
        if len(self.different) <= MOST_CATEGORIES:
            self.different.update(known)
        if self.texts is not None:
            self.texts.update(known)
        different = set() if self.numbers else set(known)
        self.forms = [one for one in self.forms if different and all(is_date(text, one) for text in different)]

    def add_numbers(self, known: list[Any], form: InFile) -> None:
        """Look at these values as numbers, if all are."""
        found: Any
        found = form.numbers(known)
        if found is None:  # what is infinite makes no text of a column: the check will name it
            known = [text for text in known if not INFINITE.fullmatch(text)]
            found = all_read(known, form.number)
        self.numbers = found is not None
        if not known or found is None:
            return
        numbers = np.array(found)
        self.low, self.high = min(self.low, numbers.min()), max(self.high, numbers.max())
        self.integral = self.integral and bool((numbers % 1 == 0).all())
        large = [known[place] for place in np.flatnonzero(abs(numbers) > MOST_EXACT)]
        whole = all_read(large, form.integer)
        if whole is None:
            digits = all(text.strip().lstrip("+-").isdigit() for text in large)
            self.too_long, self.integral = self.too_long or digits, self.integral and digits
        elif whole:
            self.whole = {min({*self.whole, *whole}), max({*self.whole, *whole})}


def describe(name: str, seen: Seen, settings: Settings) -> Column:
    """The rules of one column."""
    read, missing = settings.data.read, seen.missing
    hint = TYPES.get(read.dtype if isinstance(read.dtype, str) else read.dtype.get(name, ""))
    free = hint is None and seen.count > 0
    if name in read.parse_dates:
        return Date(missing=missing, format=date_format(f"The column {name!r} of data.read.parse_dates", seen, read))
    if hint == "boolean" or (free and seen.truths):
        return Boolean(missing=missing)
    if hint in ("integer", "number") or (free and seen.numbers and not seen.codes):
        return describe_numbers(name, seen, settings, asked=hint == "integer")
    if name == settings.data.time:
        return Date(missing=missing, format=date_format(f"The time column {name!r}", seen, read))
    if free and (dates := describe_dates(seen, read)):
        return dates
    few = len(seen.different) <= min(MOST_CATEGORIES, seen.count / FEWEST_TIMES)
    if name not in open_ended(settings) and (few or hint == "category"):
        return Category(missing=missing, values=sorted(seen.different))
    return Text(missing=missing)


def describe_numbers(name: str, seen: Seen, settings: Settings, asked: bool) -> Column:
    """The rules of a column of numbers: whole ones where they are names or classes, or where a float would change them.

    Others may have decimals in the next table, unless whole ones were asked for. The check names what is no number.
    """
    low, high = seen.low, seen.high
    is_class = name == settings.target.column and settings.target.task != "regression"
    if seen.integral and seen.too_long:
        return Text(missing=seen.missing)
    if seen.integral and (asked or seen.whole or is_class or name in open_ended(settings)):
        exact = [*seen.whole, *(int(one) for one in (low, high) if abs(one) <= MOST_EXACT)]
        return Integer(missing=seen.missing, **widened(exact, LOWEST, HIGHEST, name, settings))
    known = [float(low), float(high)] if math.isfinite(low) else []
    return Number(missing=seen.missing, **widened(known, -math.inf, math.inf, name, settings))


def widened(known: list[Any], least: Any, most: Any, name: str, settings: Settings) -> dict[str, Any]:
    """The range of a column with these lowest and highest numbers; none where the next ones are others."""
    if not known or name in open_ended(settings):
        return {}
    low, high = min(known), max(known)
    width = high - low or max(abs(high), 1)
    floor = type(low)(0) if low >= 0 else least
    return {"min": max(low - width, floor), "max": min(high + width, most)}


def describe_dates(seen: Seen, read: Read) -> Date | None:
    """The rules of a column of dates; None where not all are, or where it is not clear which."""
    try:
        forms = [read.date_format] if read.date_format in seen.forms else seen.forms
        return Date(missing=seen.missing, format=form_of(list(seen.different), read.dayfirst, forms))
    except UnclearError:
        return None


def date_format(what: str, seen: Seen, read: Read) -> str | None:
    """The format of most of these dates. Raises ProjectError where that is unclear."""
    try:
        return read.date_format or form_of(list((seen.texts or Counter()).elements()), read.dayfirst)
    except UnclearError as error:
        raise ProjectError(f"{what} {error}. {MEND}") from None


def all_read(known: list[str], read: Callable[[str], Any]) -> list[Any] | None:
    """What all the texts say; None where one says nothing."""
    try:
        return list(map(read, known))
    except ValueError:
        return None
