"""What makes the folder of a trained model one that MLServer, here or under Seldon, can load."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import __name__ as package
from ..core.model_folder import MODEL, ModelFolder, copy_files, passing_folder
from ..core.record import as_json
from .protocol import describe_inputs

MODEL_SETTINGS = "model-settings.json"
RUNTIME = f"{package}.serving.runtime.ModelRuntime"


def model_settings(folder: ModelFolder) -> bytes:
    """MLServer's settings for a model: nothing that ties it to a machine or a port.

    They say which code MLServer runs. So they are made from the model's record wherever it is served, and never taken
    from where it was kept.
    """
    settings: dict[str, Any] = {
        "name": package,
        "implementation": RUNTIME,
        "inputs": describe_inputs(folder.record.features),
        "parameters": {
            "uri": f"./{MODEL}",
            "version": folder.sha256[:12],
            # Seldon rewrites name and version, and keeps this.
            "extra": {"sha256": folder.sha256},
        },
    }
    return as_json(settings)


@contextmanager
def servable(folder: ModelFolder) -> Iterator[Path]:
    """A folder that MLServer can load, for as long as it is needed: the model's files, and settings made anew."""
    with passing_folder() as place:
        copy_files(folder, place)
        (place / MODEL_SETTINGS).write_bytes(model_settings(folder))
        yield place
