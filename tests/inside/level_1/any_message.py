"""Any message over gRPC is answered, or is the client's mistake, and the model goes on. Beside test_grpc.py."""

import os

import grpc
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlserver.grpc import dataplane_pb2 as messages
from test_grpc import as_table, served, server

__all__ = ["served", "server"]  # fixtures

CLIENTS_MISTAKES = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}
TEXT = st.text(max_size=20) | st.sampled_from(["FP64", "INT64", "BYTES", "BOOL", "FP16", "prediction", "x" * 10_000])
WHOLE = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, -1, 10_001])
CONTENTS = {
    "bool_contents": st.booleans(),
    "int_contents": st.integers(-(2**31), 2**31 - 1),
    "int64_contents": WHOLE,
    "uint_contents": st.integers(0, 2**32 - 1),
    "uint64_contents": st.integers(0, 2**64 - 1),
    "fp32_contents": st.floats(width=32),
    "fp64_contents": st.floats(),
    "bytes_contents": st.binary(max_size=20),
}
WORDS = st.fixed_dictionaries({"string_param": TEXT | st.sampled_from(["pd", "np", "str", "base64", "datetime"])})
ANYTHING = st.one_of(
    st.fixed_dictionaries({"bool_param": st.booleans()}), st.fixed_dictionaries({"int64_param": WHOLE}), WORDS
)
# MLServer itself fails at a content type that is no text, at `headers`, and at broken bytes in `raw_input_contents`:
# it reads them before it asks the model.
PARAMETERS = (
    (st.just("content_type"), WORDS),
    (TEXT.filter(lambda text: text not in ("content_type", "headers")), ANYTHING),
)


def add_parameter(draw, holder) -> None:
    """Any parameter."""
    names, values = draw(st.sampled_from(PARAMETERS))
    holder.parameters[draw(names)].CopyFrom(messages.InferParameter(**draw(values)))


def change(draw, request: messages.ModelInferRequest) -> None:
    """Change something in a request."""
    tensor = draw(st.sampled_from(list(request.inputs))) if request.inputs else request.inputs.add()
    what = draw(st.sampled_from(["id", "name", "datatype", "shape", "contents", "more", "less", "output", "parameter"]))
    if what == "id":
        request.id = draw(TEXT)
    elif what in ("name", "datatype"):
        setattr(tensor, what, draw(TEXT))
    elif what == "shape":
        del tensor.shape[:]
        tensor.shape.extend(draw(st.lists(WHOLE, max_size=4)))
    elif what == "contents":
        field = draw(st.sampled_from(sorted(CONTENTS)))
        if draw(st.booleans()):
            tensor.contents.Clear()
        getattr(tensor.contents, field).extend(draw(st.lists(CONTENTS[field], max_size=6)))
    elif what == "more":
        request.inputs.add().CopyFrom(tensor)
    elif what == "less":
        request.inputs.remove(tensor)
    elif what == "output":
        add_parameter(draw, request.outputs.add(name=draw(TEXT)))
    else:
        add_parameter(draw, draw(st.sampled_from([request, tensor])))


@settings(max_examples=int(os.environ["EXAMPLES"]), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_good_message_with_anything_wrong_in_it(server, served, data):
    name, good = served
    answer = as_table(server.ask(name, good))
    request = messages.ModelInferRequest()
    request.CopyFrom(good)
    for _ in range(data.draw(st.integers(1, 3))):
        change(data.draw, request)
    try:
        server.ask(name, request)
    except grpc.RpcError as error:
        assert error.code() in CLIENTS_MISTAKES, error.details()
    pd.testing.assert_frame_equal(as_table(server.ask(name, good)), answer)
