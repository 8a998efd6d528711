"""The parts of this package that are present: what one offers to others is found by the name of a module in it."""

import pkgutil
from importlib import util

from . import __name__ as package
from . import __path__ as folders


def modules(name: str) -> list[str]:
    """The full names of all modules of this name, in the alphabetical order of their parts."""
    found = [f"{package}.{part.name}.{name}" for part in pkgutil.iter_modules(folders) if part.ispkg]
    return [module for module in found if util.find_spec(module)]
