"""Between the tensors of the Open Inference Protocol and the tables of the core."""

import math
import re
from collections import Counter
from typing import Any

import pandas as pd
from mlserver.errors import InferenceError
from mlserver.types import Datatype, InferenceRequest, RequestInput, ResponseOutput

from ..core.schema import Schema, check_table
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
    columns = {one.name: read_column(one, features[one.name]) for one in request.inputs}
    rows = {len(column) for column in columns.values()}
    if len(rows) > 1:
        raise InferenceError(f"The inputs have different numbers of rows: {sorted(rows)}.")
    table = pd.DataFrame({name: columns[name] for name in features})
    try:
        check_table(table, features, row="row", first=0)
    except ProjectError as error:
        raise InferenceError(str(error)) from None
    return table


def check_id(request_id: str | None) -> None:
    """Raise InferenceError where the id of a request cannot be sent back: MLServer puts it into a header."""
    if not re.fullmatch(r"[!-~]{0,200}", request_id or ""):
        raise InferenceError("The id of a request must be at most 200 visible ASCII characters without spaces.")


def read_column(tensor: RequestInput, rules: dict[str, Any]) -> pd.Series:
    """The values of one input, missing ones as NaN. Raises InferenceError where they are not what the schema says."""
    where, values = f"Input {tensor.name!r}", tensor.data.root
    if not isinstance(values, list) or any(isinstance(value, list) for value in values):
        raise InferenceError(f"{where} must hold a flat list of values.")
    if tensor.shape not in ([len(values)], [len(values), 1]):
        raise InferenceError(f"{where} has {len(values)} values, but its shape says {shortened(str(tensor.shape))}.")
    if not 0 < len(values) <= MOST_ROWS:
        raise InferenceError(f"{where} has {len(values)} rows; a request may have 1 to {MOST_ROWS}.")
    kind, allowed = Datatype(tensor.datatype), DATATYPES[rules["type"]]
    if kind.value not in allowed:
        raise InferenceError(f"{where} is of datatype {kind.value}, not one of {allowed}.")
    try:
        if kind == Datatype.BYTES:
            return pd.Series([read_text(value) for value in values], dtype="str")
        if kind == Datatype.BOOL:
            return pd.Series([read_flag(value) for value in values])
        return pd.Series([read_number(value) for value in values], dtype="float64")
    except (TypeError, ValueError, OverflowError) as error:
        raise InferenceError(f"{where}: {error}") from None


def read_text(value: Any) -> str | float:
    """A text; NaN for a missing one. Raises ValueError for anything else."""
    if value is None:
        return math.nan
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise ValueError(f"{shortened(repr(value))} is not text")
    return value


def read_flag(value: Any) -> bool | float:
    """True or False; NaN for a missing one. Raises ValueError for anything else."""
    if value is None:
        return math.nan
    if not isinstance(value, bool):
        raise ValueError(f"{shortened(repr(value))} is neither true nor false")
    return value


def read_number(value: Any) -> float:
    """A finite number; NaN for a missing one. Raises ValueError for anything else, OverflowError for a huge one."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isinf(value):
        raise ValueError(f"{shortened(repr(value))} is not a number")
    return float(value)


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
