"""The server of this machine as a target of rollouts."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pandas as pd
from prometheus_client.parser import text_string_to_metric_families

from ... import __name__ as package
from ...core.model_folder import ModelFolder
from ...errors import ProjectError
from ...serving import client
from ..targets import Ask, MissingTargetError, Requests
from .folder import Running, ServingFolder

BESIDE = f"{package}-beside"


class LocalTarget:
    """One server that runs in a folder. All of it raises ProjectError where the server does not do what it should."""

    def __init__(self, folder: ServingFolder) -> None:
        """folder: in which the server runs."""
        self._folder = folder

    @property
    def _server(self) -> Running:
        """How the server is reached. Raises ProjectError where none runs."""
        found = self._folder.running()
        if found is None:
            raise MissingTargetError(f"No server runs in {self._folder.path}: start one, with `make serve`.")
        return found

    def serves(self) -> str | None:
        """The digest of the model that answers now; None where the server has none yet."""
        url = self._server.url
        try:
            return client.digest_served(url)
        except ProjectError:
            client.call(f"{url}/v2/health/live")  # raises where it is the server that is missing
            return None

    @contextmanager
    def beside(self, candidate: ModelFolder) -> Iterator[Ask]:
        """What asks the candidate, loaded beside the model that is served, for as long as it is needed."""
        server = self._server
        self._folder.choose("beside", candidate)
        self._control(server, BESIDE, "load")
        try:
            client.smoke_test(server.control, candidate, BESIDE, server.token)

            def ask(rows: pd.DataFrame) -> pd.DataFrame:
                return client.ask(server.control, rows, candidate.record.features, BESIDE, server.token)[0]

            yield ask
        finally:
            with suppress(ProjectError):  # gone with its server
                self._control(server, BESIDE, "unload")

    def promote(self, model: ModelFolder) -> None:
        """Let this model answer everybody. What is under way is answered by the one before."""
        server, before = self._server, self._folder.current
        self._folder.choose("served", model)
        try:
            self._control(server, package, "load")
            client.smoke_test(server.url, model)
        except ProjectError:
            if before and before != model.sha256:
                with suppress(ProjectError):  # what keeps it from that is in the first error
                    self._folder.choose("served", self._folder.model(before))
                    self._control(server, package, "load")
            raise

    def requests(self) -> dict[str, Requests] | None:
        """What became of the requests since the server has started, by the digest of the model."""
        text = client.call(f"{self._server.metrics}/metrics").decode()
        found: dict[str, Requests] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                outcome = COUNTED.get(sample.name)
                if outcome and sample.labels["model"] == package:
                    counts = found.setdefault(sample.labels["sha256"], Requests())
                    found[sample.labels["sha256"]] = counts.with_more(outcome, int(sample.value))
        return found

    @staticmethod
    def _control(server: Running, name: str, action: str) -> None:
        """Have a model loaded or unloaded."""
        client.call(f"{server.control}/v2/repository/models/{name}/{action}", {}, server.token)


COUNTED = {
    "model_rows_per_request_count": "answered",
    "model_requests_refused_total": "refused",
    "model_requests_failed_total": "failed",
}
