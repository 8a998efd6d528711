"""Reading a file of separated values as it is written: every cell as its text, every row with its line in the file."""

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO

from ..errors import ProjectError
from ..settings import Read

ROWS_AT_ONCE = 5_000
BLANKS = r"\s+"  # the one separator of more than a character: any number of blanks
# What pandas takes for missing, if not told otherwise. An empty cell is missing in any case.
MISSING = frozenset(
    {
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"),
        *("NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    }
)


@dataclass(frozen=True)
class Cells:
    """Some rows of a file. columns: the text of each cell, by column. lines: where in the file each row begins."""

    columns: dict[str, list[str]]
    lines: list[int]


def read_cells(file: IO[bytes], read: Read, name: str, rows_at_once: int = ROWS_AT_ONCE) -> Iterator[Cells]:
    """The rows of a file, so many at once; there is at least one.

    Raises ProjectError that names the file and the line where it is empty, cut off, or not written as `read` says.
    """
    try:
        header, rows = with_header(numbered_rows(as_text(file, read), read), read, name)
        kept = [place for place, column in enumerate(header) if read.usecols is None or column in read.usecols]
        if absent := sorted(set(read.usecols or []) - set(header)):
            raise ProjectError(f"{name} has no column {absent}, which data.read.usecols names. It has {header}.")
        rows, found = islice(whole(rows, header, name), read.nrows), False
        while piece := list(islice(rows, rows_at_once)):
            found = True
            columns = list(zip(*(cells for _, cells in piece), strict=True))
            yield Cells({header[place]: list(columns[place]) for place in kept}, [line for line, _ in piece])
    except (csv.Error, ValueError) as error:
        how = read.model_dump(exclude_defaults=True) or "commas and UTF-8"
        raise ProjectError(f"{name} cannot be read as {how} (data.read in params.yaml): {error}") from None
    if not found:
        raise ProjectError(f"{name} has a header and no rows.")


def numbered_rows(file: IO[str], read: Read) -> Iterator[tuple[int, list[str]]]:
    """The line and the cells of each row that is not empty, the header too. Footers are left out."""
    blanks = read.sep == BLANKS
    rows = csv.reader(
        lines_of(file, read),
        delimiter=" " if blanks else read.sep,
        quotechar=read.quotechar,
        quoting=read.quoting,
        doublequote=read.doublequote,
        escapechar=read.escapechar,
        skipinitialspace=blanks or read.skipinitialspace,
        strict=True,
    )
    held: deque[tuple[int, list[str]]] = deque()
    before = 0
    try:
        for cells in rows:
            line, before = before + 1, rows.line_num
            if read.skipfooter:
                held.append((line, cells))
                if len(held) <= read.skipfooter:
                    continue
                line, cells = held.popleft()
            if cells and (len(cells) > 1 or not cells[0].isspace()):
                yield line, cells
    except csv.Error as error:
        raise csv.Error(f"line {before + 1}: {error}") from None


def lines_of(file: IO[str], read: Read) -> Iterable[str]:
    """The lines of the file; what is to be skipped is an empty one, so that all others keep their numbers."""
    return rewritten(file, read) if read.skiprows or read.comment or read.sep == BLANKS else file


def rewritten(file: IO[str], read: Read) -> Iterator[str]:
    """The lines as they are to be read, where that is not as they are."""
    skipped = range(read.skiprows) if isinstance(read.skiprows, int) else set(read.skiprows)
    quoted = False  # whether the last line has ended within quotes
    for number, line in enumerate(file):
        if number in skipped:
            yield "\n"
            continue
        if read.comment:
            line, quoted = without_comment(line, read, quoted)
        yield line.strip().replace("\t", " ") + "\n" if read.sep == BLANKS else line


def without_comment(line: str, read: Read, quoted: bool) -> tuple[str, bool]:
    """The line up to its comment, and whether it ends within quotes. quoted: whether it begins within them."""
    for place, character in enumerate(line):
        if character == read.quotechar and read.quoting != csv.QUOTE_NONE:
            quoted = not quoted
        elif character == read.comment and not quoted:
            return line[:place] + "\n", False
    return line, quoted


def with_header(
    rows: Iterator[tuple[int, list[str]]], read: Read, name: str
) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The names of the columns, from the file or from data.read, and the rows of data.

    A column that has none is called by its place, as pandas does.
    """
    place = None if read.names and "header" not in read.model_fields_set else read.header
    first = next(islice(rows, place or 0, None), None)
    if first is None:
        raise ProjectError(f"{name} is empty.")
    if place is None:
        header = read.names or [str(number) for number in range(len(first[1]))]
        rows = chain([first], rows)
    else:
        header = read.names or [cell or f"Unnamed: {number}" for number, cell in enumerate(first[1])]
    if twice := sorted({one for one in header if header.count(one) > 1}):
        raise ProjectError(f"{name} has more than one column named {twice}.")
    return header, rows


def whole(rows: Iterable[tuple[int, list[str]]], header: list[str], name: str) -> Iterator[tuple[int, list[str]]]:
    """The same rows. Raises ProjectError at one that has more or fewer cells than the header."""
    width = len(header)
    for line, cells in rows:
        if len(cells) != width:
            raise ProjectError(
                f"Line {line} of {name} has {len(cells)} fields, the header {width}: "
                "is the file cut off, or separated otherwise (data.read in params.yaml)?"
            )
        yield line, cells


def as_text(content: IO[bytes], read: Read) -> IO[str]:
    """The text of a file, with its line ends as they are, and without the mark that some programs begin UTF-8 with."""
    encoding = "utf-8-sig" if codecs.lookup(read.encoding).name == "utf-8" else read.encoding
    return io.TextIOWrapper(content, encoding=encoding, errors=read.encoding_errors, newline="")
