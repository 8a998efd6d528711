"""What makes the folder of a trained model one that MLServer, here or under Seldon, can load."""

from typing import Any

from .. import __name__ as package
from ..core.model_folder import MODEL, ModelFolder
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
