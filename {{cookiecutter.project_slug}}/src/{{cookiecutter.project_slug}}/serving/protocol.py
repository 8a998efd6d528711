"""How columns are named and typed in the Open Inference Protocol, for the server and for its clients."""

from datetime import datetime
from typing import Any

import pandas as pd

from ..core.schema import Schema

NUMBERS = ["FP64", "FP32", "FP16", "INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8"]
# The datatypes in which a column of the schema may be sent; the first is the one to choose.
DATATYPES = {
    "number": NUMBERS,
    "integer": ["INT64", *(one for one in NUMBERS if one != "INT64")],
    "boolean": ["BOOL"],
    "category": ["BYTES"],
    "date": ["BYTES"],
    "text": ["BYTES"],
}


def describe_inputs(features: Schema) -> list[dict[str, Any]]:
    """What a request has to hold: one tensor per feature, with one value per row."""
    return [{"name": name, "datatype": DATATYPES[rules.type][0], "shape": [-1, 1]} for name, rules in features.items()]


def to_request(table: pd.DataFrame, features: Schema) -> dict[str, Any]:
    """The rows as the body of a request. features: the schema of the columns to send."""
    inputs = []
    for described in describe_inputs(features):
        values = [in_json(value) for value in table[described["name"]].tolist()]
        inputs.append(described | {"shape": [len(values), 1], "data": values})
    return {"inputs": inputs}


def in_json(value: Any) -> Any:
    """A value of a table as JSON has it: dates as ISO 8601, nothing for what is missing."""
    if pd.isna(value):
        return None
    return value.isoformat() if isinstance(value, datetime) else value


def from_response(answer: dict[str, Any]) -> tuple[pd.DataFrame, str]:
    """The answers as a table, one line per row, and the fingerprint of the model that gave them."""
    columns = {output["name"]: output["data"] for output in answer["outputs"]}
    return pd.DataFrame(columns), answer["parameters"]["sha256"]
