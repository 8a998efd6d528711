"""Between the tensors of the Open Inference Protocol and the tables of the core."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd
from mlserver.errors import InferenceError
from mlserver.types import Datatype, InferenceRequest, RequestInput, ResponseOutput

from ..core.checking import Findings, typed_table
from ..core.schema import Column, Schema
from ..core.values import InJson
from ..errors import ProjectError, shortened
from .protocol import DATATYPES, in_json

MOST_ROWS = 10_000


def to_tables(request: InferenceRequest, features: Schema, key: Schema) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of a request, as the table that the model was trained on would hold them, and their key, if it was sent.

    Raises InferenceError, which the client sees as status 400, that says what is wrong with the request.
    """
    check_names(request, features, key)
    columns = {one.name: values_of(one, (features | key)[one.name]) for one in request.inputs}
    rows = {len(column) for column in columns.values()}
    if len(rows) > 1:
        raise InferenceError(f"The inputs have different numbers of rows: {sorted(rows)}.")
    findings = Findings("row")
    asked = typed_table(columns, range(*rows), features, InJson(), findings)
    about = typed_table(columns, range(*rows), key, InJson(), findings) if key else pd.DataFrame()
    try:
        findings.refuse()
    except ProjectError as error:
        raise InferenceError(str(error)) from None
    return asked, about


def check_names(request: InferenceRequest, features: Schema, key: Schema) -> None:
    """Raise InferenceError where the inputs are not the features of the model, to which the key may be added."""
    takes = f"The model takes {list(features)}" + "".join(f", and the key {name!r} beside them" for name in key)
    known = features | key
    if len(request.inputs) > len(known):
        raise InferenceError(f"The request has {len(request.inputs)} inputs. {takes}.")
    sent = Counter(one.name for one in request.inputs)
    problems = {
        "lacks": sorted(set(features) - set(sent)),
        "has unknown": sorted(shortened(name) for name in set(sent) - set(known)),
        "has more than one": sorted(shortened(name) for name, count in sent.items() if count > 1),
    }
    if said := [f"{problem} inputs {names}" for problem, names in problems.items() if names]:
        raise InferenceError(f"The request {' and '.join(said)}. {takes}.")


def check_id(request_id: str | None) -> None:
    """Raise InferenceError where the id of a request cannot be sent back: MLServer puts it into a header."""
    if not re.fullmatch(r"[!-~]{0,200}", request_id or ""):
        raise InferenceError("The id of a request must be at most 200 visible ASCII characters without spaces.")


def check_outputs(request: InferenceRequest, answers: list[str]) -> list[str]:
    """Which columns of the answers a request wants: those that it names, in its order, or else all.

    Raises InferenceError where it names others.
    """
    wanted = list(dict.fromkeys(output.name for output in request.outputs or []))
    if unknown := [shortened(name) for name in wanted if name not in answers]:
        raise InferenceError(f"The request has unknown outputs {unknown}. The model gives {answers}.")
    return wanted or answers


def values_of(tensor: RequestInput, rules: Column) -> list[Any]:
    """The values of one input. Raises InferenceError where it is no column of the datatypes that its rules allow."""
    where, values = f"Input {tensor.name!r}", tensor.data.root
    if not isinstance(values, list) or any(isinstance(value, list) for value in values):
        raise InferenceError(f"{where} must hold a flat list of values.")
    if tensor.shape not in ([len(values)], [len(values), 1]):
        raise InferenceError(f"{where} has {len(values)} values, but its shape says {shortened(str(tensor.shape))}.")
    if not 0 < len(values) <= MOST_ROWS:
        raise InferenceError(f"{where} has {len(values)} rows; a request may have 1 to {MOST_ROWS}.")
    kind, allowed = getattr(tensor.datatype, "value", tensor.datatype), DATATYPES[rules.type]  # gRPC takes any text
    if kind not in allowed:
        raise InferenceError(f"{where} is of datatype {shortened(str(kind))}, not one of {allowed}.")
    return values


def to_outputs(answers: Mapping[str, pd.Series]) -> list[ResponseOutput]:
    """One tensor per column of what the core's `predict` says, with one value per row."""
    return [
        ResponseOutput(name=str(name), shape=[len(column), 1], datatype=datatype_of(column), data=as_sent(column))
        for name, column in answers.items()
    ]


def as_sent(column: pd.Series) -> list[Any]:
    """The values of a column of answers: texts as bytes, of which gRPC takes nothing else and JSON makes texts."""
    values: list[Any] = column.tolist()
    return [str(in_json(value)).encode() for value in values] if datatype_of(column) == Datatype.BYTES else values


def datatype_of(column: pd.Series) -> Datatype:
    """How a column of answers is sent."""
    if pd.api.types.is_bool_dtype(column):
        return Datatype.BOOL
    if pd.api.types.is_integer_dtype(column):
        return Datatype.INT64
    return Datatype.FP64 if pd.api.types.is_float_dtype(column) else Datatype.BYTES
