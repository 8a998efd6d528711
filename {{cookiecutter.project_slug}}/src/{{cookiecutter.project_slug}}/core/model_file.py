"""The file that a fitted model is kept in: it runs no code when it is loaded, and takes no more memory than it says."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_STORED, ZipFile

from ..errors import ProjectError

BOOSTERS = {"lightgbm.basic.Booster", "xgboost.core.Booster"}
MOST_BYTES = 2_000_000_000  # unpacked; a larger model wants another kind of server than one process


def save_model(model: Any, path: Path) -> None:
    """Write a fitted model to a file that runs no code when it is loaded."""
    from skops.io import dump  # here and below: takes seconds to import, since it imports all of scikit-learn

    dump(model, path)


def check_loadable(model: Any) -> None:
    """Raise ProjectError where this model could not be kept in a file and loaded, before more work goes into it."""
    with tempfile.TemporaryDirectory(prefix="model-") as folder:
        path = Path(folder) / "model.skops"
        try:
            save_model(model, path)
        except Exception as error:  # of the types in it: some are written by no library
            raise ProjectError(f"This model cannot be written to a file: {error!r}") from None
        load_model(path, where="The file of this model")


def load_model(path: Path, where: str | None = None) -> Any:
    """The model in a file. Raises ProjectError where it holds something that is not known to be harmless.

    where: what errors call the file.
    """
    where = where or str(path)
    check_size(path, where)
    try:
        from skops.io import get_untrusted_types, load

        from .model import TRUSTED  # not above: it imports what is particular to a model, and many only look at folders

        unknown = sorted({*get_untrusted_types(file=path)} - {*TRUSTED} | {*called_boosters(path)})
        if not unknown:
            return load(path, trusted=TRUSTED)
    except Exception as error:  # whatever types are in it have errors of their own: a library is gone, or another one
        raise ProjectError(f"{where} cannot be loaded with the packages here: {error!r}") from None
    raise ProjectError(f"{where} is not loaded: {what_to_do(unknown)}")


def what_to_do(unknown: list[str]) -> str:
    """What somebody can do about types that nobody has looked at, as the end of a sentence."""
    if nameless := [name for name in unknown if "<" in name]:
        return f"{nameless} cannot be found again. Write it with `def`, at the top of a module."
    if running := [name for name in unknown if name.startswith("scipy.stats.")]:
        return f"{running} would run code. Let the search stand around all else in `build`, or give it lists of values."
    lines = "".join(f"\n    {json.dumps(name)}," for name in unknown)
    return (
        "nobody has looked at all that it holds. Where that runs no code when it is loaded, which docs/models.md helps "
        f"to tell, add to TRUSTED in core/model.py:{lines}"
    )


def called_boosters(path: Path) -> Iterator[str]:
    """The types of BOOSTERS that a file has called and not filled, as no model of ours does: they would open a file."""
    with ZipFile(path) as packed:
        nodes = [json.loads(packed.read("schema.json"))]
    while nodes:
        node = nodes.pop()
        nodes += node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
        if isinstance(node, dict) and "__loader__" in node:
            name = f"{node['__module__']}.{node['__class__']}"
            if name in BOOSTERS and node["__loader__"] != "ObjectNode":
                yield f"{name} by {node['__loader__']}"


def check_size(path: Path, where: str) -> None:
    """Raise ProjectError where a file would take more memory than it shows, or more than is ever wanted.

    where: what errors call the file.
    """
    try:
        with ZipFile(path) as packed:
            if any(one.compress_type != ZIP_STORED for one in packed.infolist()):
                raise ProjectError(f"{where} is not loaded: it is compressed, which a model of this project never is.")
            total = unpacked(packed)
    except ProjectError:
        raise
    except Exception as error:  # of the archive, and of those in it
        raise ProjectError(f"{where} is no model file: {error}") from None
    if total > MOST_BYTES:
        raise ProjectError(f"{where} is not loaded: unpacked, it takes {total / 1e9:.1f} GB of memory (MOST_BYTES).")


def unpacked(packed: ZipFile) -> int:
    """How many bytes an archive holds, and those archives in it that skops keeps sparse matrices in."""
    total = 0
    for one in packed.infolist():
        total += one.file_size
        if one.filename.endswith(".npz"):
            inner: IO[bytes]
            with packed.open(one) as inner, ZipFile(inner) as matrix:
                total += sum(part.file_size for part in matrix.infolist())
    return total
