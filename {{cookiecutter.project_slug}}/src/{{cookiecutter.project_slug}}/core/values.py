"""What single values are, as text in a file and as JSON in a request: one meaning, whichever way they come.

Both forms have the same methods, one for each type of the schema. Each takes a value that is not missing, and raises
ValueError that says what it is not.
"""

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from ..settings import Read, Value
from .csv_files import MISSING
from .dates import read_date

LOWEST, HIGHEST = -(2**63), 2**63 - 1
MOST_EXACT = 2**53  # beyond it, a float leaves out whole numbers
WHOLE = re.compile(r"([+-]?[0-9]+)(\.0*)?")
INFINITE = re.compile(r"\s*[+-]?inf(inity)?\s*", re.IGNORECASE)
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
NO_FINITE_NUMBER = "is not a finite number"
NO_NUMBER, NO_INTEGER, NO_BOOLEAN = "is not a number", "is not a whole number of 64 bits", "is neither true nor false"
NO_TEXT, NO_DATE = "is not text", "is not a date"


class InFile:
    """Text in a file that is written as `read` says."""

    def __init__(self, read: Read) -> None:
        """read: of it, what says how missing values, numbers and truths are written."""
        self._read = read
        self._plain = read.decimal == "." and read.thousands is None
        self._words = {"false": False, "true": True}
        self._words |= {text.lower(): False for text in read.false_values}
        self._words |= {text.lower(): True for text in read.true_values}
        self._truths = {"0": False, "0.0": False, "1": True, "1.0": True} | self._words

    def missing(self, column: str) -> frozenset[str]:
        """The texts that stand for a missing value in this column."""
        read = self._read
        if not read.na_filter:
            return frozenset({""})
        given = read.na_values
        if isinstance(given, dict):
            given = given.get(column, [])
        own = {text for value in (given if isinstance(given, list) else [given]) for text in spellings(value)}
        return (MISSING if read.keep_default_na else frozenset({""})) | own

    def known(self, values: Sequence[str], column: str) -> list[str | None]:
        """The texts of a column, with None for what is missing."""
        missing = self.missing(column)
        return [None if value in missing else value for value in values]

    def numbers(self, values: list[str | None]) -> np.ndarray | None:
        """All texts as numbers at once; None where that takes a look at each, since float() takes more than we do."""
        together = "".join(filter(None, values))
        if not self._plain or "_" in together or not together.isascii():
            return None
        try:
            return all_finite([math.nan if value is None else float(value) for value in values], values.count(None))
        except ValueError:
            return None

    def number(self, value: str) -> float:
        """A finite number."""
        plain = self._without_separators(value)
        if INFINITE.fullmatch(plain):
            raise ValueError(NO_FINITE_NUMBER)
        if not NUMBER.fullmatch(plain):
            raise ValueError(NO_NUMBER)
        return finite(float(plain))

    def integer(self, value: str) -> int:
        """A whole number of 64 bits. 12.0 is one, too: so programs write it that know no gaps in whole numbers."""
        found = WHOLE.fullmatch(self._without_separators(value))
        if not found:
            raise ValueError(NO_INTEGER)
        return of_64_bits(int(found[1]))

    def _without_separators(self, value: str) -> str:
        """The text of a number as Python would write it."""
        plain = value.strip()
        if self._plain:
            return plain
        if self._read.thousands:
            plain = plain.replace(self._read.thousands, "")
        if self._read.decimal != ".":
            plain = plain.replace(".", "?").replace(self._read.decimal, ".")
        return plain

    def boolean(self, value: str) -> bool:
        """True or false, in any case, or 1 or 0."""
        try:
            return self._truths[value.strip().lower()]
        except KeyError:
            raise ValueError(NO_BOOLEAN) from None

    def says_truth(self, value: str) -> bool:
        """Whether this is a word for true or false, which 1 and 0 are not."""
        return value.strip().lower() in self._words

    def text(self, value: str) -> str:
        """The text as it is."""
        return value

    def date(self, value: str, form: str | None) -> datetime:
        """A moment; see `read_date`."""
        return date_of(value, form)


class InJson:
    """Values of a request."""

    def known(self, values: Sequence[Any], column: str) -> list[Any]:
        """The values of a column, with None for what is missing: an empty text is, as in a file, and so is NaN."""
        return [None if value is None or value != value or value in ("", b"") else value for value in values]

    def numbers(self, values: list[Any]) -> np.ndarray | None:
        """All values as numbers at once; None where that takes a look at each."""
        return all_finite(values, values.count(None)) if set(map(type, values)) <= {float, type(None)} else None

    def number(self, value: Any) -> float:
        """A finite number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(NO_NUMBER)
        return finite(value)

    def integer(self, value: Any) -> int:
        """A whole number of 64 bits. 12.0 is one, too: not every client has whole numbers."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(NO_INTEGER)
        return of_64_bits(value)

    def boolean(self, value: Any) -> bool:
        """True or false, or 1 or 0."""
        if not isinstance(value, bool | int | float) or value not in (0, 1):
            raise ValueError(NO_BOOLEAN)
        return bool(value)

    def text(self, value: Any) -> str:
        """A text."""
        try:
            value = value.decode() if isinstance(value, bytes) else value
        except UnicodeDecodeError:
            raise ValueError(NO_TEXT) from None
        if not isinstance(value, str):
            raise ValueError(NO_TEXT)
        return value

    def date(self, value: Any, form: str | None) -> datetime:
        """A moment; see `read_date`."""
        return date_of(self.text(value), form)


Form = InFile | InJson


def spellings(value: Value) -> list[str]:
    """How a value that stands for a missing one may be written: -999 also as -999.0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return [value] if isinstance(value, str) else [str(value), str(float(value))]


def all_finite(numbers: list[Any], missing: int) -> np.ndarray | None:
    """The numbers, if all are finite but for so many that are missing, which are NaN."""
    found = np.array(numbers, dtype="float64")
    return found if np.isfinite(found).sum() == len(found) - missing else None


def finite(number: float) -> float:
    """The number as a float. Raises ValueError where it is none that can be reckoned with."""
    try:
        number = float(number)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(NO_FINITE_NUMBER)
    return number


def of_64_bits(number: int) -> int:
    """The number. Raises ValueError where it does not fit."""
    if not LOWEST <= number <= HIGHEST:
        raise ValueError(NO_INTEGER)
    return number


def date_of(text: str, form: str | None) -> datetime:
    """The moment that a text says. Raises ValueError where it says none."""
    try:
        return read_date(text, form)
    except (ValueError, OverflowError):
        raise ValueError(f"{NO_DATE} like 2024-12-31" + (f" or in the format {form}" if form else "")) from None
