"""Level 1: a released model is served, answers, gives way to the next, and comes back."""

from .promise import Demo

__all__ = ["Demo"]
