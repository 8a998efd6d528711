"""Predictions for the rows of a table, however many, written beside the rows as they came."""

import csv
from collections.abc import Iterable
from typing import IO

from ..errors import ProjectError
from ..settings import Read
from .checking import Findings, typed_table
from .csv_files import Cells, read_cells
from .model_folder import ModelFolder
from .predict import predict
from .record import Record
from .storage import delivered, fetched, quoting_for
from .values import InFile

MODEL = "model_sha256"  # the column that says which model has answered


def score_table(folder: ModelFolder, source: str, out: str, read: Read) -> int:
    """Ask a model about all rows of the table at an address, and write them with its answers to another; how many.

    read: how the table is written. The answers are written as commas and UTF-8, with the cells as they came. Raises
    ProjectError, with columns and lines, where a row does not fit the model: then nothing is written.
    """
    with (
        fetched(source) as table,
        delivered(out) as unfinished,
        unfinished.open("w", encoding="utf-8", newline="") as file,
    ):
        return write_answers(folder, read_cells(table, read, source), read, source, file)


def write_answers(folder: ModelFolder, pieces: Iterable[Cells], read: Read, name: str, file: IO[str]) -> int:
    """Write the cells with the answers of the model; the number of rows. name: of the table, for errors."""
    model, features = folder.load(), folder.record.features
    form, findings, count = InFile(read), Findings(), 0
    for cells in pieces:
        if not count:
            check_header(cells.columns, folder.record, name)
            csv.writer(file, lineterminator="\n").writerow([*cells.columns, *folder.record.answers, MODEL])
        rows = typed_table({one: cells.columns[one] for one in features}, cells.lines, features, form, findings)
        count += len(cells.lines)
        if not findings.found:
            answers = predict(model, rows).assign(**{MODEL: folder.sha256})
            columns = [*cells.columns.values(), *(answers[one].tolist() for one in answers)]
            writer = csv.writer(file, lineterminator="\n", quoting=quoting_for(cells.columns.values()))
            writer.writerows(zip(*columns, strict=True))
    findings.refuse()
    return count


def check_header(columns: Iterable[str], record: Record, name: str) -> None:
    """Raise ProjectError where a column that the model needs is not there, or one that it answers with is."""
    columns = list(columns)
    if absent := [one for one in record.features if one not in columns]:
        raise ProjectError(f"{name} has no column {absent}, which the model needs. It has {columns}.")
    if taken := [one for one in (*record.answers, MODEL) if one in columns]:
        raise ProjectError(f"{name} has columns {taken} already, which the predictions would replace: rename them.")
