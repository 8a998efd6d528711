"""Level 2: new data trains by itself, once; every run is tracked and can be done again; a person releases."""

from .promise import Demo

__all__ = ["Demo"]
