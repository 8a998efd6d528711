"""The file that a fitted model is kept in: it runs no code when it is loaded, and takes no more memory than it says."""

from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_STORED, ZipFile

from ..errors import ProjectError

# What a model file may hold besides what skops knows to be harmless. Add your model's types after a look at them.
TRUSTED = ["numpy.dtype"]
MOST_BYTES = 2_000_000_000  # unpacked; a larger model wants another kind of server than one process


def save_model(model: Any, path: Path) -> None:
    """Write a fitted model to a file that runs no code when it is loaded."""
    from skops.io import dump  # here and below: takes seconds to import, since it imports all of scikit-learn

    dump(model, path)


def load_model(path: Path) -> Any:
    """The model in a file. Raises ProjectError where it holds something that is not known to be harmless."""
    from skops.io import load
    from skops.io.exceptions import UntrustedTypesFoundException

    check_size(path)
    try:
        return load(path, trusted=TRUSTED)
    except UntrustedTypesFoundException as error:
        raise ProjectError(f"{path} is not loaded: {error} Add what you trust to TRUSTED in model_file.py.") from None
    except Exception as error:  # whatever types are in it have errors of their own: a library is gone, or another one
        raise ProjectError(f"{path} cannot be loaded with the packages here: {error!r}. Train it anew.") from None


def check_size(path: Path) -> None:
    """Raise ProjectError where a file would take more memory than it shows, or more than is ever wanted."""
    try:
        with ZipFile(path) as packed:
            if any(one.compress_type != ZIP_STORED for one in packed.infolist()):
                raise ProjectError(f"{path} is not loaded: it is compressed, which a model of this project never is.")
            total = unpacked(packed)
    except ProjectError:
        raise
    except Exception as error:  # of the archive, and of those in it
        raise ProjectError(f"{path} is no model file: {error}") from None
    if total > MOST_BYTES:
        raise ProjectError(f"{path} is not loaded: unpacked, it takes {total / 1e9:.1f} GB of memory (MOST_BYTES).")


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
