"""The log of predictions as an observer of what is served."""

import logging
from collections.abc import Mapping

from ..addresses import Address
from ..errors import ProjectError
from ..serving.observers import Observer
from ..settings import PARAMS, load_settings

ADDRESS = "PREDICTIONS"  # the variable that says where, in a container, which has no params.yaml


def observer(environment: Mapping[str, str]) -> Observer | None:
    """What writes down what was answered, where the environment, or else params.yaml, says; None where neither does."""
    given = environment.get(ADDRESS)
    address = Address(given) if given else load_settings().state.predictions if PARAMS.exists() else None
    if address is not None and address.has_account:
        raise ProjectError(
            f"{ADDRESS}: there is an account in it. Give it in the variables of the store's own package."
        )
    if address is None:
        logging.getLogger(__name__).warning(f"Predictions are not logged: {ADDRESS} does not say where.")
        return None
    from .predictions import PredictionLog

    return PredictionLog(address).write
