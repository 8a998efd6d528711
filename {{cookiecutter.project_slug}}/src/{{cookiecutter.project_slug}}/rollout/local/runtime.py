"""A model beside the one that is served: it answers whoever tries it, and nobody else hears of that."""

from ...core.checking import Columns
from ...serving.batching import Batching
from ...serving.observers import Observer
from ...serving.runtime import ModelRuntime


class Apart(Batching):
    """Asks a model in a thread of its own, however long it took the last time."""

    def _is_short(self, requests: list[Columns]) -> bool:
        """Nobody knows that of a candidate: one that takes long for some rows would hold up the model in use."""
        return False


class CandidateRuntime(ModelRuntime):
    """Serves as the runtime of every model does, unobserved: what it is asked has been asked before."""

    batching = Apart

    def find_observers(self) -> list[Observer]:
        """Nobody."""
        return []
