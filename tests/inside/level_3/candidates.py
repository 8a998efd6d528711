"""Make versions of the model beside the one that was trained: others that are as good, and odd ones.

candidates.py KIND...   prints the number of the version and the digest of the model, a line for each
"""

import io
import sys
import tempfile
import time
from pathlib import Path

import mlflow
from my_ml_project.core import storage
from my_ml_project.core.data import features_and_target, known_rows
from my_ml_project.core.fitting import fit
from my_ml_project.core.kept_models import latest_model
from my_ml_project.core.model_file import save_model
from my_ml_project.core.model_folder import MODEL, RECORD, complete
from my_ml_project.core.odd import Odd
from my_ml_project.core.schema_file import read_schema
from my_ml_project.core.split import split
from my_ml_project.core.tables import SCHEMA, table_path
from my_ml_project.settings import load_settings
from my_ml_project.tracking import registry, runs, store

settings, trained, schema = load_settings(), latest_model(Path("models")), read_schema(SCHEMA)
uri = store.address(settings)
content = table_path(settings).read_bytes()
known = known_rows(storage.read_table(io.BytesIO(content), schema), settings)
X, y = features_and_target(split(known, settings)[0], settings)
client = store.connect(uri)
for kind in sys.argv[1:]:
    if kind.startswith("C="):
        learned = settings.model.model_copy(update={"parameters": {"C": float(kind[2:])}})
        model = fit(X, y, settings.model_copy(update={"model": learned}))
    else:
        model = Odd(trained.load(), kind)
    with tempfile.TemporaryDirectory() as folder:
        place, began = Path(folder) / "model", time.time()
        place.mkdir()
        save_model(model, place / MODEL)
        files = {path.name: path.read_bytes() for path in trained.place.iterdir() if path.name not in (MODEL, RECORD)}
        made = complete(place, trained.record, files)
        tags = {
            runs.CONTENT: storage.sha256(content),
            runs.MADE: made.sha256,
            runs.MADE_FORMAT: str(made.record.format),
            runs.MAIN_SCORE: next(iter(made.record.scores)),
            runs.TRIGGER: "by hand",
            runs.VERDICT: kind,
        }
        with store.reaching(uri), runs.logging_run(client, tags, began) as run_id:
            address = runs.log_training(made, content, schema, "{}", began)
            registry.register(client, address, run_id, {name: tags[name] for name in (runs.MADE, runs.MADE_FORMAT)})
        print(registry.by_run(client, run_id).number, made.sha256, flush=True)
assert mlflow.active_run() is None
