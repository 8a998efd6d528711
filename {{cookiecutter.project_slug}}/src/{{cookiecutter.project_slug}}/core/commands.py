"""The commands of the core: fetch the data, train, evaluate. Each does its work over the other modules."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from ..errors import ProjectError
from ..settings import load_settings
from . import storage
from .card import score_lines
from .data import features_and_target
from .kept_models import latest_model, write_model
from .origin import describe_origin, describe_project
from .record import seed_from
from .schema_file import read_schema
from .split import missing_classes, split
from .tables import SCHEMA, accept, checked_rows, table_path, write_first_schema
from .unlearned import unlearned

app = typer.Typer()


@app.command()
def data() -> None:
    """Fetch the table, check it against data/schema.yaml (written at the first time), and keep it."""
    settings = load_settings()
    uri, path = settings.data.uri, table_path(settings)
    typer.echo(f"Fetching {uri}")
    content = storage.fetch(uri.whole, settings.data.max_megabytes)
    storage.check_fingerprint(content, settings.data.sha256, uri)
    known = read_schema(SCHEMA)
    typer.echo("Checking it")
    table, schema = accept(content, settings, known)
    storage.write_table(table, path)
    if known is None:
        typer.echo(write_first_schema(schema))
    typer.echo(f"The table, {len(table)} rows in {len(table.columns)} columns, is in {path}.")
    typer.echo(f"The fingerprint of what was fetched, for data.sha256, is {storage.sha256(content)}.")


@app.command()
def train(note: Annotated[str, typer.Option(help="What is different this time, for the score history.")] = "") -> None:
    """Train a model on the checked table, judge it on rows held out, and keep it with its card and pictures."""
    # Here and below: takes seconds to import, and the other commands go without.
    from .fitting import fit
    from .history import remember
    from .training import describe, illustrate

    settings = load_settings()
    rows, schema = checked_rows(settings)
    train_rows, test_rows = split(rows, settings)
    X, y = features_and_target(train_rows, settings)
    typer.echo(f"Training on {len(X)} rows with {X.shape[1]} features")
    model = fit(X, y, settings)
    typer.echo(f"Judging on {len(test_rows)} rows held out")
    origin = describe_origin(settings, note, table_path(settings).read_bytes(), describe_project())
    record = describe(model, train_rows, test_rows, schema, settings, origin)
    if record.missed:
        raise ProjectError("The model misses what params.yaml asks for and is not kept: " + "; ".join(record.missed))
    typer.echo("Drawing the pictures")
    files = illustrate(model, record, train_rows, test_rows, settings)
    kept = write_model(model, record, files, Path(settings.state.models))
    remember(kept, settings)
    typer.echo(score_lines(record.scores, record.spread, record.baseline))
    typer.echo(f"The model is in {kept.place}, with its card, record and pictures.")


@app.command()
def evaluate() -> None:
    """Judge the latest model on the rows held out of the checked table, and fail where params.yaml asks for more."""
    from .evaluate import judge

    settings = load_settings()
    rows, _ = checked_rows(settings)
    train_rows, test_rows = split(rows, settings)
    folder = latest_model(Path(settings.state.models))
    try:
        fair = test_rows[unlearned(rows, folder.record)[test_rows.index]]
    except ProjectError as error:
        raise ProjectError(f"The latest model cannot be judged: {error}. Train it anew.") from None
    if len(fair) < len(test_rows):
        typer.echo(f"{len(test_rows) - len(fair)} rows held out are left out, as the model has learned from them.")
    if missing := missing_classes(train_rows, fair, settings):
        raise ProjectError(f"Of the rows that the model has not learned from, none {missing}: train it anew.")
    found = judge(folder.load(), train_rows, fair, settings, seed_from(folder.record.data.sha256))
    typer.echo(score_lines(found["scores"], found["spread"], found["baseline"]))
    if found["slices"]:
        typer.echo(pd.DataFrame(found["slices"]).round(4).to_string(index=False))
    if found["missed"]:
        raise ProjectError("The model misses what params.yaml asks for: " + "; ".join(found["missed"]))
