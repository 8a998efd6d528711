"""Over gRPC, as a mesh asks MLServer: the same answers, and whatever is wrong is the client's mistake there, too."""

import asyncio
import itertools
import threading

import grpc
import pandas as pd
import pytest
from conftest import published
from families import SERVED
from mlserver import ModelSettings, Settings
from mlserver.grpc import dataplane_pb2 as messages
from mlserver.grpc.converters import ModelInferResponseConverter
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub
from mlserver.grpc.server import GRPCServer
from mlserver.handlers import DataPlane, ModelRepositoryHandlers
from mlserver.raw import pack
from mlserver.registry import MultiModelRegistry
from mlserver.repository import SchemalessModelRepository
from mlserver.types import RequestInput

from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.errors import MOST_SECONDS
from {{cookiecutter.project_slug}}.serving.model_settings import MODEL_SETTINGS
from {{cookiecutter.project_slug}}.serving.protocol import to_request
from {{cookiecutter.project_slug}}.serving.server import HERE, free_port

pytestmark = pytest.mark.filterwarnings("ignore:The `construct` method is deprecated")  # of MLServer itself
FIELDS = {"FP64": "fp64_contents", "INT64": "int64_contents", "BOOL": "bool_contents", "BYTES": "bytes_contents"}
EMPTY = {"FP64": float("nan"), "BYTES": b""}  # nothing is null in gRPC


class Server:
    """MLServer's own gRPC server, in a thread: once for all tests, since its metrics can be there only once."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.registry, self.names = MultiModelRegistry(), itertools.count()
        self.channel = grpc.insecure_channel(f"{HERE}:{self.call(self.start())}")
        self.stub = GRPCInferenceServiceStub(self.channel)

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(MOST_SECONDS)

    async def start(self) -> int:
        settings = Settings(debug=False, host=HERE, grpc_port=free_port())
        repository = ModelRepositoryHandlers(SchemalessModelRepository(""), self.registry)
        self.server = GRPCServer(settings, DataPlane(settings, self.registry), repository)
        await self.server._create_server().start()
        return settings.grpc_port

    def serve(self, folder) -> str:
        """The name that this model is served by from now on."""
        with published(folder) as place:
            settings = ModelSettings.parse_file(str(place / MODEL_SETTINGS))
            settings.name = f"model-{next(self.names)}"
            self.call(self.registry.load(settings))
        return settings.name

    def ask(self, name: str, request: messages.ModelInferRequest) -> messages.ModelInferResponse:
        request.model_name = name
        return self.stub.ModelInfer(request, timeout=MOST_SECONDS)


@pytest.fixture(scope="module")
def server():
    server = Server()
    yield server
    server.channel.close()
    server.call(server.server.stop())
    server.loop.call_soon_threadsafe(server.loop.stop)


def as_message(rows: pd.DataFrame, features) -> messages.ModelInferRequest:
    """The rows as a client sends them."""
    request = messages.ModelInferRequest(id="a-request")
    for tensor in to_request(rows, features)["inputs"]:
        kind = tensor["datatype"]
        values = [EMPTY.get(kind) if value is None else value for value in tensor["data"]]
        values = [value.encode() if isinstance(value, str) else value for value in values]
        tensor = request.inputs.add(name=tensor["name"], datatype=kind, shape=tensor["shape"])
        getattr(tensor.contents, FIELDS[kind]).extend(values)
    return request


def as_raw(request: messages.ModelInferRequest) -> messages.ModelInferRequest:
    """The same as bytes beside the tensors, as Triton's client sends it."""
    for tensor in request.inputs:
        values = list(getattr(tensor.contents, FIELDS[tensor.datatype]))
        ours = RequestInput(name=tensor.name, datatype=tensor.datatype, shape=list(tensor.shape), data=values)
        request.raw_input_contents.append(pack(ours))
        tensor.contents.Clear()
    return request


def as_table(response: messages.ModelInferResponse) -> pd.DataFrame:
    columns = {}
    for tensor in ModelInferResponseConverter.to_types(response).outputs:
        columns[tensor.name] = [value.decode() if isinstance(value, bytes) else value for value in tensor.data]
    return pd.DataFrame(columns)


@pytest.fixture
def served(server, make_model):
    """The name of a model that is served, and a good request."""
    folder = make_model()
    return server.serve(folder), as_message(folder.example(), folder.record.features)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # which would take longer to be done
@pytest.mark.parametrize(("family", "task"), SERVED)
def test_answers_are_those_of_the_model(server, make_model, family, task):
    folder = make_model(task, family=family)
    rows = folder.example()
    response = server.ask(server.serve(folder), as_message(rows, folder.record.features))
    pd.testing.assert_frame_equal(as_table(response), predict(folder.load(), rows).reset_index(drop=True))
    assert response.id == "a-request" and response.parameters["sha256"].string_param == folder.sha256


def test_only_what_is_asked_for_is_answered_in_that_order(server, served):
    name, request = served
    everything = as_table(server.ask(name, request))
    for wanted in ("probability of yes", "prediction"):
        request.outputs.add(name=wanted)
    pd.testing.assert_frame_equal(
        as_table(server.ask(name, request)), everything[["probability of yes", "prediction"]], check_exact=True
    )


def test_a_message_may_hold_its_tensors_as_bytes_and_is_answered_so(server, served):
    name, request = served
    answers = as_table(server.ask(name, request))
    response = server.ask(name, as_raw(request))
    assert response.raw_output_contents and not response.outputs[0].contents.bytes_contents
    pd.testing.assert_frame_equal(as_table(response), answers, check_exact=True)


def change(request: messages.ModelInferRequest, what: str) -> None:
    """Make a good request a bad one."""
    tensor = next(one for one in request.inputs if one.name == "days")
    if what == "an unknown output":
        request.outputs.add(name="certainty")
    elif what == "an unknown datatype":
        tensor.datatype = "FLOAT"
    elif what == "an unknown input":
        tensor.name = "colour"
    elif what == "a value out of range":
        tensor.contents.fp64_contents[0] = 900
    elif what == "a wrong shape":
        tensor.shape[0] = 4
    elif what == "no value":
        tensor.contents.Clear()
    elif what == "text that is none":
        tensor = next(one for one in request.inputs if one.name == "shop")
        tensor.contents.bytes_contents[0] = b"\xff"
    elif what == "a wrong id":
        request.id = "a b"
    elif what == "nothing at all":
        request.Clear()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("an unknown output", r"unknown outputs \['certainty'\]. The model gives \['prediction', "),
        ("an unknown datatype", "is of datatype FLOAT, not one of"),
        ("an unknown input", r"lacks inputs \['days'\]"),
        ("a value out of range", "is outside 0 to"),
        ("a wrong shape", "has 5 values, but its shape says"),
        ("no value", "has 0 values, but its shape says"),
        ("text that is none", "is not text"),
        ("a wrong id", "The id of a request"),
        ("nothing at all", "lacks inputs"),
    ],
)
def test_what_is_wrong_is_the_clients_mistake(server, served, what, said):
    name, request = served
    change(request, what)
    with pytest.raises(grpc.RpcError, match=said) as raised:
        server.ask(name, request)
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_many_at_once_get_their_own_answers_and_the_wrong_ones_their_own_errors(server, make_model):
    folder = make_model()
    rows, name = folder.example(), server.serve(folder)
    expected = predict(folder.load(), rows).reset_index(drop=True)
    calls = []
    for number in range(60):
        request = as_message(rows.iloc[[number % 5]], folder.record.features)
        request.model_name, request.id = name, f"request-{number}"
        if number % 4 == 3:
            change(request, "a value out of range")
        calls.append(server.stub.ModelInfer.future(request, timeout=MOST_SECONDS))
    for number, call in enumerate(calls):
        if number % 4 == 3:
            assert call.code() == grpc.StatusCode.INVALID_ARGUMENT and "is outside" in call.details()
            continue
        assert call.result().id == f"request-{number}"
        assert call.result().parameters["sha256"].string_param == folder.sha256
        one = expected.iloc[[number % 5]].reset_index(drop=True)
        pd.testing.assert_frame_equal(as_table(call.result()), one, rtol=1e-9)
