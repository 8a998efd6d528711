"""The MLServer runtime: loads a model folder, checks each request against the model's schema, and answers it."""

from collections.abc import AsyncIterator
from pathlib import Path

from mlserver import MLModel
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse, Parameters
from mlserver.utils import get_model_uri

from ..core.model_folder import open_folder
from ..core.predict import predict
from . import metrics
from .model_settings import MODEL_SETTINGS
from .tensors import check_id, to_outputs, to_table


class ModelRuntime(MLModel):
    """Serves one model. Each answer carries the digest of the model that it came from."""

    async def load(self) -> bool:
        """Load the model that model-settings.json names. Raises ProjectError where its folder is not what it should be.

        In it is what was fetched and checked, or, on Seldon, what the bucket holds.
        """
        asked = (self._settings.parameters.extra or {}).get("sha256") if self._settings.parameters else None
        place = Path(await get_model_uri(self._settings)).parent
        folder = open_folder(place, expected=str(asked), beside=[MODEL_SETTINGS])
        self._model, self._features, self._sha256 = folder.load(), folder.record.features, folder.sha256
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """The predictions for the rows of a request; InferenceError (400) where the request does not fit the model."""
        try:
            check_id(payload.id)
            table = to_table(payload, self._features)
        except InferenceError:
            metrics.REFUSED.labels(self.name, self._sha256).inc()
            raise
        answers = predict(self._model, table)
        metrics.ROWS.labels(self.name, self._sha256).inc(len(answers))
        metrics.ROWS_PER_REQUEST.labels(self.name).observe(len(answers))
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            parameters=Parameters(sha256=self._sha256),
            outputs=to_outputs(answers),
        )

    async def predict_stream(self, payloads: AsyncIterator[InferenceRequest]) -> AsyncIterator[InferenceResponse]:
        """The same, request by request. A stream has no status any more: what is wrong stands in the answer."""
        async for payload in payloads:
            try:
                yield await self.predict(payload)
            except InferenceError as error:
                refusal = Parameters(sha256=self._sha256, error=str(error))
                yield InferenceResponse(model_name=self.name, parameters=refusal, outputs=[])
