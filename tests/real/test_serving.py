"""The served model against hostile clients: whatever they send, it is their mistake, and the server goes on."""

import copy
import gzip
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import NAME, Server, served
from support import INSIDE, run, volume

pytestmark = pytest.mark.real
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def server(in_place_1, tmp_path_factory) -> Server:
    """The released model, served as `make serve` does it."""
    with served(in_place_1, tmp_path_factory.mktemp("server") / "log") as server:
        yield server


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["FP64", "BYTES", "BOOL", "", "\ud800", 10**400, -1, 2**63, 1e308]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def places(value: object, way: tuple = ()) -> list[tuple]:
    """The ways to everything in a JSON value, itself included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    return [way, *(place for key, one in inner for place in places(one, (*way, key)))]


def changed(request: dict, way: tuple, what: str, new: object) -> object:
    """The request with one place in it replaced, removed or doubled, or a name added there."""
    if not way:
        return new
    result = copy.deepcopy(request)
    *before, last = way
    holder = result
    for key in before:
        holder = holder[key]
    if what == "replace":
        holder[last] = new
    elif what == "remove":
        del holder[last]
    elif isinstance(holder, list):
        holder.insert(last, holder[last] if what == "double" else new)
    else:
        holder[str(new)] = holder[last]
    return result


@given(data=st.data())
@unhurried
def test_a_good_request_with_anything_wrong_in_it(server, data):
    body = server.good | {"id": "one", "parameters": {"content_type": "pd"}, "outputs": [{"name": "prediction"}]}
    for _ in range(data.draw(st.integers(1, 3))):
        way = data.draw(st.sampled_from(places(body)))
        body = changed(body, way, data.draw(st.sampled_from(["replace", "remove", "double", "add"])), data.draw(JSON))
        if not isinstance(body, dict):
            break
    server.refuses_or_answers(json.dumps(body).encode())


@given(body=JSON)
@unhurried
def test_any_json(server, body):
    assert server.refuses_or_answers(json.dumps(body).encode()) != 200


@given(body=st.binary(max_size=200), encoding=st.sampled_from(["identity", "gzip", "deflate", "x"]))
@unhurried
def test_any_bytes(server, body, encoding):
    assert server.refuses_or_answers(body, **{"Content-Encoding": encoding}) != 200


@given(text=st.text(max_size=300) | st.sampled_from(["one\r\nSet-Cookie: a=b", "ü", "x" * 100_000]))
@unhurried
def test_any_id_which_goes_back_in_a_header(server, text):
    server.refuses_or_answers(json.dumps(server.good | {"id": text}).encode())


def of(server: Server, name: str, change: dict) -> bytes:
    """A good request in which one input is changed."""
    body = copy.deepcopy(server.good)
    (tensor,) = [tensor for tensor in body["inputs"] if tensor["name"] == name]
    tensor |= change
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("age", {"data": [float("nan")] * 5}, "JSON decode error"),
        ("age", {"data": [float("inf")] * 5}, "JSON decode error"),
        ("age", {"data": [10**400] * 5}, "JSON decode error"),
        ("age", {"data": ["41"] * 5}, "column age: 5 rows, the first in row 0, 1, 2, 3, 4: is not a number: '41'"),
        ("age", {"data": [900] * 5}, "column age: 5 rows, the first in row 0, 1, 2, 3, 4: is outside 0 to"),
        ("age", {"datatype": "BYTES"}, "is of datatype BYTES, not one of"),
        ("age", {"datatype": "FP128"}, "Input should be"),
        ("age", {"shape": [10**9]}, "has 5 values, but its shape says"),
        ("region", {"data": ["Köln 🚀"] * 5}, "is not a known category: 'Köln 🚀'"),
        ("region", {"data": [None] * 5}, "column region: 5 rows, the first in row 0, 1, 2, 3, 4: is missing"),
        ("region", {"name": "größe"}, "lacks inputs ['region'] and has unknown inputs ['größe']"),
    ],
)
def test_what_is_wrong_is_said(server, name, change, said):
    status, content = server.post(of(server, name, change))
    assert 400 <= status < 500 and said in content.decode(), content


def test_more_than_is_reasonable_is_refused_and_does_no_harm(server):
    body = copy.deepcopy(server.good)
    for tensor in body["inputs"]:
        tensor |= {"data": tensor["data"] * 4000, "shape": [20_000, 1]}
    status, content = server.post(json.dumps(body).encode())
    assert status == 400 and b"a request may have 1 to 10000" in content
    assert 400 <= server.post(b"[" * 1_000_000 + b"]" * 1_000_000)[0] < 500
    numbers = b"1," * 20_000_000 + b"1"
    assert (
        400 <= server.post(b'{"inputs":[{"name":"age","shape":[1],"datatype":"FP64","data":[%b]}]}' % numbers)[0] < 500
    )
    assert server.is_as_before()


def test_there_is_one_way_in(server):
    good = json.dumps(server.good).encode()
    version = json.loads(server.post(good)[1])["model_version"]
    for way in ("generate", "infer_stream", "generate_stream", f"versions/{version}/infer"):
        assert server.post(good, f"/v2/models/{NAME}/{way}")[0] == 404
    assert server.post(gzip.compress(good), **{"Content-Encoding": "gzip"})[0] == 200
    assert server.post(good, "/v2/models/another/infer")[0] == 404
    assert server.is_as_before()


def test_only_this_machine_is_listened_to(server):
    lines = [line for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text("ascii").splitlines()]
    listening = [address.split(":") for _, address, _, state, *_ in map(str.split, lines) if state == "0A"]
    assert len(server.ports) == 2  # HTTP, metrics
    for port in server.ports:
        (address,) = [address for address, number in listening if int(number, 16) == port]
        assert address in ("0100007F", "0000000000000000FFFF00000100007F")  # 127.0.0.1, as of IPv4 and of IPv6


def test_any_message_over_grpc(copied):
    """What Seldon puts in front of the runtime is gRPC; `serve` itself has none."""
    test = copied / "tests/serving/test_any_message.py"
    shutil.copy(INSIDE.parent / "level_1" / "any_message.py", test)
    command = ["uv", "run", "--with", "hypothesis", "python", "-m", "pytest", "-q", "-n", "0", test]
    run(*command, cwd=copied, EXAMPLES=str(volume(200)))


def test_after_all_that_the_answers_are_the_same(server):
    assert server.is_as_before()
