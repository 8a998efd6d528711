"""Predictions for the rows of a table, however many, written beside the rows as they came."""

import csv
import os
from collections.abc import Callable, Iterable
from typing import IO

from ..errors import ProjectError
from ..settings import Read
from .checking import Columns, Findings, as_table, read_columns
from .csv_files import Cells, read_cells
from .model_folder import ModelFolder
from .predict import predict
from .record import Record
from .schema import Schema
from .storage import delivered, fetched, quoting_for
from .values import InFile

MODEL = "model_sha256"  # the column that says which model has answered
PREDICTION = "prediction_id"  # and the one by which a row of the log of predictions is known
# Is told of some rows: their features, their key, if there is one, and the answers. Gives the id of each.
Observe = Callable[[Columns, Columns, Columns], list[str]]


def score_table(folder: ModelFolder, source: str, out: str, read: Read, observe: Observe | None = None) -> int:
    """Ask a model about all rows of the table at an address, and write them with its answers to another; how many.

    read: how the table is written. The answers are written as commas and UTF-8, with the cells as they came. observe:
    is told of all rows, or of none where one of them does not fit the model. Raises ProjectError, with columns and
    lines, where that is so: then nothing is written.
    """
    with (
        fetched(source) as table,
        delivered(out) as unfinished,
        unfinished.open("w", encoding="utf-8", newline="") as file,
    ):
        if observe:
            with open(os.dup(table.fileno()), "rb") as again:  # which is closed when it has been read
                check_rows(read_cells(again, read, source), folder.record, read, source)
            table.seek(0)
        return write_answers(folder, read_cells(table, read, source), read, source, file, observe)


def check_rows(pieces: Iterable[Cells], record: Record, read: Read, name: str) -> None:
    """Raise ProjectError where any of the rows does not fit the model."""
    findings = Findings()
    for cells in pieces:
        check_header(cells.columns, [*record.answers, MODEL, PREDICTION], record.features, name)
        read_columns(cells.columns, cells.lines, record.features, InFile(read), findings)
    findings.refuse()


def write_answers(
    folder: ModelFolder, pieces: Iterable[Cells], read: Read, name: str, file: IO[str], observe: Observe | None
) -> int:
    """Write the cells with the answers of the model; the number of rows. name: of the table, for errors."""
    model, features = folder.load(), folder.record.features
    added = [*folder.record.answers, MODEL, *([PREDICTION] if observe else [])]
    form, findings, count = InFile(read), Findings(), 0
    for cells in pieces:
        if not count:
            check_header(cells.columns, added, features, name)
            csv.writer(file, lineterminator="\n").writerow([*cells.columns, *added])
        asked = read_columns(cells.columns, cells.lines, features, form, findings)
        count += len(cells.lines)
        if not findings.found:
            table = predict(model, as_table(asked, features))
            answers = {str(name): column.tolist() for name, column in table.items()}
            columns = [*cells.columns.values(), *answers.values(), [folder.sha256] * len(cells.lines)]
            if observe:
                columns.append(observe(asked, keys_of(cells, folder.record.key, form), answers))
            writer = csv.writer(file, lineterminator="\n", quoting=quoting_for(cells.columns.values()))
            writer.writerows(zip(*columns, strict=True))
    findings.refuse()
    return count


def keys_of(cells: Cells, key: Schema, form: InFile) -> Columns:
    """Who or what each row is about, as far as the table says it: what is no such value is as if it was missing."""
    known = {name: rules.model_copy(update={"missing": True}) for name, rules in key.items()}
    return read_columns(cells.columns, cells.lines, known, form, Findings())


def check_header(columns: Iterable[str], added: Iterable[str], features: Schema, name: str) -> None:
    """Raise ProjectError where a column that the model needs is not there, or one that is added is."""
    columns = list(columns)
    if absent := [one for one in features if one not in columns]:
        raise ProjectError(f"{name} has no column {absent}, which the model needs. It has {columns}.")
    if taken := [one for one in added if one in columns]:
        raise ProjectError(f"{name} has columns {taken} already, which the predictions would replace: rename them.")
