"""Between the tensors of the Open Inference Protocol and the tables of the core."""

import re
from collections import Counter
from typing import Any

import numpy as np
from mlserver.errors import InferenceError
from mlserver.types import Datatype, InferenceRequest, RequestInput, ResponseOutput

from ..core.checking import Columns, Findings, read_columns
from ..core.schema import Column, Schema
from ..core.values import InJson
from ..errors import ProjectError, shortened
from .protocol import DATATYPES, in_json

MOST_ROWS = 10_000


def to_columns(request: InferenceRequest, features: Schema, key: Schema) -> tuple[Columns, Columns]:
    """The features in the rows of a request, and their key, if it was sent, as `as_table` makes a table of them.

    Raises InferenceError, which the client sees as status 400, that says what is wrong with the request.
    """
    check_names(request, features, key)
    columns = {one.name: values_of(one, (features | key)[one.name]) for one in request.inputs}
    rows = {len(column) for column in columns.values()}
    if len(rows) > 1:
        raise InferenceError(f"The inputs have different numbers of rows: {sorted(rows)}.")
    findings = Findings("row")
    asked, about = (read_columns(columns, range(*rows), some, InJson(), findings) for some in (features, key))
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


def to_outputs(answers: Columns) -> list[ResponseOutput]:
    """One tensor per column of answers, with one value per row."""
    return [
        ResponseOutput(name=name, shape=[len(values), 1], datatype=datatype, data=data)
        for name, values in answers.items()
        for datatype, data in [as_sent(values)]
    ]


def as_sent(values: Any) -> tuple[Datatype, list[Any]]:
    """A column of answers: texts as bytes, of which gRPC takes nothing else, and JSON makes texts of them."""
    plain = values.tolist() if isinstance(values, np.ndarray) else list(values)
    datatype = {bool: Datatype.BOOL, int: Datatype.INT64, float: Datatype.FP64}.get(type(plain[0]), Datatype.BYTES)
    return datatype, [str(in_json(one)).encode() for one in plain] if datatype == Datatype.BYTES else plain
