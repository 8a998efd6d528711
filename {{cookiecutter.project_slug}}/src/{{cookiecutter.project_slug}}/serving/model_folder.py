"""What makes the folder of a trained model one that MLServer, here or under Seldon, can load."""

import json
from pathlib import Path
from typing import Any

from .. import __name__ as package
from ..core.storage import MODEL, RECORD, new_file, read_table
from .protocol import describe_inputs, to_request

EXAMPLE, REQUEST, MODEL_SETTINGS = "example.csv", "request.json", "model-settings.json"
RUNTIME = f"{package}.serving.runtime.ModelRuntime"


def model_settings(record: dict[str, Any]) -> dict[str, Any]:
    """MLServer's settings for the model with this record: nothing that ties it to a machine or a port."""
    return {
        "name": package,
        "implementation": RUNTIME,
        "inputs": describe_inputs(record["features"]),
        "parameters": {
            "uri": f"./{MODEL}",
            "version": record["sha256"][:12],
            # Seldon rewrites name and version, and keeps this.
            "extra": {"sha256": record["sha256"]},
        },
    }


def make_servable(place: Path) -> None:
    """Write MLServer's settings, and a request for the example rows, beside the model in this folder."""
    record = json.loads((place / RECORD).read_text(encoding="utf-8"))
    request = to_request(read_table(place / EXAMPLE, record["features"]), record["features"])
    for name, content in {MODEL_SETTINGS: model_settings(record), REQUEST: request}.items():
        with new_file(place / name) as unfinished:
            unfinished.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
