"""The MLServer runtime: loads a model folder, checks each request against the model's schema, and answers it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from mlserver import MLModel
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse, MetadataModelResponse, Parameters
from mlserver.utils import get_model_uri

from ..core.checking import Columns, as_table, rows_of
from ..core.model_folder import open_folder
from ..core.predict import predict
from . import metrics, turns
from .batching import Batching
from .model_settings import MODEL_SETTINGS
from .observers import Observer, Observers, found
from .tensors import check_id, check_outputs, to_columns, to_outputs

SECONDS_TO_ANSWER = 60  # whoever has asked a model that is to go


class ModelRuntime(MLModel):
    """Serves one model. Each answer carries the digest of the model that it came from."""

    batching = Batching

    async def load(self) -> bool:
        """Load the model that model-settings.json names. Raises ProjectError where its folder is not what it should be.

        In it is what was fetched and checked, or, on Seldon, what the bucket holds.
        """
        asked = (self._settings.parameters.extra or {}).get("sha256") if self._settings.parameters else None
        place = Path(await get_model_uri(self._settings)).parent
        # In a thread, as another model may be served meanwhile.
        folder = await asyncio.to_thread(open_folder, place, expected=str(asked), beside=[MODEL_SETTINGS])
        self._record, self._sha256 = folder.record, folder.sha256
        self._model, self._batching = await asyncio.to_thread(folder.load), self.batching(self.answers)
        self._observers = Observers(self.find_observers(), self._sha256, self._record)
        self._asked, self._idle, self._let_go = 0, asyncio.Event(), False
        self._ending = asyncio.create_task(self._close_at_the_end())
        return True

    async def _close_at_the_end(self) -> None:
        """Let observers hear of the last answers when the event loop ends.

        MLServer does not unload its models then. At the end of Python it is too late: no store's client can begin
        anything any more.
        """
        try:
            await asyncio.Event().wait()
        finally:
            if not self._let_go:
                self._observers.close()

    def find_observers(self) -> list[Observer]:
        """Whoever is to hear of the answers."""
        return found()

    async def unload(self) -> bool:
        """Let the model go, once it has answered whoever has asked it. MLServer asks it no more by then.

        One that hangs would keep every other from taking its place: it is not waited for for ever.
        """
        if not hasattr(self, "_ending"):  # MLServer unloads what could not be loaded, too
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_TO_ANSWER):
                while self._asked:
                    self._idle.clear()
                    await self._idle.wait()
        self._batching.close()
        self._let_go = True
        await asyncio.to_thread(self._observers.close)  # another model may be served meanwhile
        self._ending.cancel()
        return True

    def answers(self, features: Columns) -> Columns:
        """What the model says of these rows."""
        table = as_table(features, self._record.features)
        answers = predict(self._model, table, by_probabilities=self._record.classes_follow)
        return {str(name): column.tolist() for name, column in answers.items()}

    async def metadata(self) -> MetadataModelResponse:
        """What MLServer says of a model, and its digest."""
        described = await super().metadata()
        described.parameters = Parameters(sha256=self._sha256)
        return described

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """The predictions for the rows of a request; InferenceError (400) where the request does not fit the model."""
        self._asked += 1
        try:
            return await self._predict(payload)
        finally:
            self._asked -= 1
            if not self._asked:
                self._idle.set()

    async def _predict(self, payload: InferenceRequest) -> InferenceResponse:
        """The same."""
        try:
            check_id(payload.id)
            features, key = to_columns(payload, self._record.features, self._record.key)
            wanted = check_outputs(payload, [*self._record.answers, *key])
        except InferenceError:
            metrics.REFUSED.labels(self.name, self._sha256).inc()
            raise
        turns.give_back()
        began, at = time.perf_counter(), time.time()
        try:
            answers = await self._batching.answer(features)
        except Exception:
            metrics.FAILED.labels(self.name, self._sha256).inc()
            raise
        seconds, count = time.perf_counter() - began, rows_of(answers)
        self._observers.tell(str(payload.id), at, seconds, features, key, answers)
        metrics.ROWS.labels(self.name, self._sha256).inc(count)
        metrics.ROWS_PER_REQUEST.labels(self.name, self._sha256).observe(count)
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            parameters=Parameters(sha256=self._sha256),
            outputs=to_outputs({name: key[name] if name in key else answers[name] for name in wanted}),
        )

    async def predict_stream(self, payloads: AsyncIterator[InferenceRequest]) -> AsyncIterator[InferenceResponse]:
        """The same, request by request. A stream has no status any more: what is wrong stands in the answer."""
        async for payload in payloads:
            try:
                yield await self.predict(payload)
            except InferenceError as error:
                refusal = Parameters(sha256=self._sha256, error=str(error))
                yield InferenceResponse(model_name=self.name, parameters=refusal, outputs=[])
