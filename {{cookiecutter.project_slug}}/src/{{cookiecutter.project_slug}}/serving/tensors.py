"""Between the tensors of the Open Inference Protocol and the tables of the core."""

import re
from collections import Counter
from typing import Any

import pandas as pd
from mlserver.errors import InferenceError
from mlserver.types import Datatype, InferenceRequest, RequestInput, ResponseOutput

from ..core.checking import Findings, typed_table
from ..core.schema import Column, Schema
from ..core.values import InJson
from ..errors import ProjectError, shortened
from .protocol import DATATYPES

MOST_ROWS = 10_000


def to_table(request: InferenceRequest, features: Schema) -> pd.DataFrame:
    """The rows of a request, as the table that the model was trained on would hold them.

    Raises InferenceError, which the client sees as status 400, that says what is wrong with the request.
    """
    if len(request.inputs) > len(features):
        raise InferenceError(f"The request has {len(request.inputs)} inputs. The model takes {list(features)}.")
    sent = Counter(one.name for one in request.inputs)
    problems = {
        "lacks": sorted(set(features) - set(sent)),
        "has unknown": sorted(shortened(name) for name in set(sent) - set(features)),
        "has more than one": sorted(shortened(name) for name, count in sent.items() if count > 1),
    }
    if said := [f"{problem} inputs {names}" for problem, names in problems.items() if names]:
        raise InferenceError(f"The request {' and '.join(said)}. The model takes {list(features)}.")
    columns = {one.name: values_of(one, features[one.name]) for one in request.inputs}
    rows = {len(column) for column in columns.values()}
    if len(rows) > 1:
        raise InferenceError(f"The inputs have different numbers of rows: {sorted(rows)}.")
    findings = Findings("row")
    table = typed_table(columns, range(*rows), features, InJson(), findings)
    try:
        findings.refuse()
    except ProjectError as error:
        raise InferenceError(str(error)) from None
    return table


def check_id(request_id: str | None) -> None:
    """Raise InferenceError where the id of a request cannot be sent back: MLServer puts it into a header."""
    if not re.fullmatch(r"[!-~]{0,200}", request_id or ""):
        raise InferenceError("The id of a request must be at most 200 visible ASCII characters without spaces.")


def values_of(tensor: RequestInput, rules: Column) -> list[Any]:
    """The values of one input. Raises InferenceError where it is no column of the datatypes that its rules allow."""
    where, values = f"Input {tensor.name!r}", tensor.data.root
    if not isinstance(values, list) or any(isinstance(value, list) for value in values):
        raise InferenceError(f"{where} must hold a flat list of values.")
    if tensor.shape not in ([len(values)], [len(values), 1]):
        raise InferenceError(f"{where} has {len(values)} values, but its shape says {shortened(str(tensor.shape))}.")
    if not 0 < len(values) <= MOST_ROWS:
        raise InferenceError(f"{where} has {len(values)} rows; a request may have 1 to {MOST_ROWS}.")
    kind, allowed = Datatype(tensor.datatype), DATATYPES[rules.type]
    if kind.value not in allowed:
        raise InferenceError(f"{where} is of datatype {kind.value}, not one of {allowed}.")
    return values


def to_outputs(answers: pd.DataFrame) -> list[ResponseOutput]:
    """One tensor per column of what the core's `predict` says, with one value per row."""
    return [
        ResponseOutput(name=str(name), shape=[len(column), 1], datatype=datatype_of(column), data=column.tolist())
        for name, column in answers.items()
    ]


def datatype_of(column: pd.Series) -> Datatype:
    """How a column of answers is sent."""
    if pd.api.types.is_bool_dtype(column):
        return Datatype.BOOL
    if pd.api.types.is_integer_dtype(column):
        return Datatype.INT64
    return Datatype.FP64 if pd.api.types.is_float_dtype(column) else Datatype.BYTES
