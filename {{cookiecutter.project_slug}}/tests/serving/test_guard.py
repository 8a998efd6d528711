"""What is let through to MLServer: who may ask, for what, how much of it, and in which order."""

import asyncio
import gzip
import json
import tracemalloc
from pathlib import Path

import pytest

from {{cookiecutter.project_slug}}.serving import guard
from {{cookiecutter.project_slug}}.serving.guard import Guard

PROXY = Path("deploy/compose/nginx.conf").resolve()
LENGTH, PACKED, JSON = "content-length", {"content-encoding": "gzip"}, {"content-type": "application/json"}


async def model(scope, receive, send):
    """What the guard stands before: says which body it was given."""
    await asyncio.sleep(0)
    body = (await receive())["body"] if scope["method"] == "POST" else b"ready"
    said = dict(scope["headers"]).get(LENGTH.encode(), b"no")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"length", said)]})
    await send({"type": "http.response.body", "body": body})


def guarded(app=model, **options):
    return Guard(app, {"/ready": "GET", "/infer": "POST"}, most_inputs=2, **options)


async def ask(guard, method="POST", path="/infer", body=b"{}", pieces=1, ends=True, **headers):
    """The status and the body of an answer. ends: whether the client sends all before it hangs up."""
    size = len(body) // pieces + 1
    sent = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    messages = [{"type": "http.request", "body": one, "more_body": one is not sent[-1] or not ends} for one in sent]
    messages.append({"type": "http.disconnect"})
    given = {"host": "127.0.0.1:8080"} | JSON | {name.replace("_", "-"): value for name, value in headers.items()}
    answered = []

    async def receive():
        await asyncio.sleep(0)
        return messages.pop(0)

    async def send(message):
        answered.append(message)

    named = [(name.encode(), value.encode()) for name, value in given.items() if value is not None]
    await guard({"type": "http", "method": method, "path": path, "headers": named}, receive, send)
    return (answered[0]["status"], answered[1]["body"]) if answered else None


def answer(guard, *words, **options):
    return asyncio.run(ask(guard, *words, **options))


def test_what_is_offered_is_answered():
    assert answer(guarded(), "GET", "/ready") == (200, b"ready")
    assert answer(guarded(), body=b'{"inputs": [{}, {}]}', pieces=3) == (200, b'{"inputs": [{}, {}]}')
    assert answer(guarded(), content_type="application/json; charset=utf-8")[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v2/repository/index", 404),
        ("POST", "/infer/", 404),
        ("GET", "/" + "x" * 10_000, 404),
        ("GET", "/infer", 405),
        ("POST", "/ready", 405),
        ("UNHEARD-OF", "/infer", 405),
    ],
)
def test_what_is_not_offered_does_not_reach_the_model(method, path, status):
    answered, said = answer(guarded(app=None), method, path)
    assert answered == status and len(said) < 300


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://127.0.0.1:8080"}, 200),
        ({"host": "localhost:8080"}, 200),
        ({"host": "[::1]:8080", "origin": "http://[::1]:8080"}, 200),
        ({"origin": "https://stranger.example"}, 403),
        ({"origin": "http://127.0.0.1:8888"}, 403),  # another server of this machine
        ({"origin": "null"}, 403),
        ({"host": "stranger.example:8080", "origin": "http://stranger.example:8080"}, 421),  # a name led here
        ({"host": "127.0.0.1.stranger.example"}, 421),
        ({"host": "[::1"}, 421),
        ({"content_type": "text/plain"}, 415),  # what a page may send without asking first
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
        ({"content_type": None}, 415),
    ],
)
def test_the_page_of_a_stranger_is_not_answered(headers, status):
    assert answer(guarded(only_here=True), **headers)[0] == status


def test_a_server_for_others_may_have_any_name():
    assert answer(guarded(), host="models.example", origin="https://models.example")[0] == 200
    assert answer(guarded(), host="models.example", origin="https://stranger.example")[0] == 403


def test_a_body_has_a_bound_packed_or_not_and_however_it_comes(monkeypatch):
    monkeypatch.setattr(guard, "MOST_BYTES", 2**20)
    fits, large = b'{"a": "%s"}' % (b"x" * (2**20 - 9)), b'{"a": "%s"}' % (b"x" * 2**20)
    for pieces in (1, 100):
        assert answer(guarded(), body=fits, pieces=pieces) == (200, fits)
        assert answer(guarded(app=None), body=large, pieces=pieces)[0] == 413
    assert answer(guarded(), body=gzip.compress(fits), **PACKED) == (200, fits)
    assert answer(guarded(), body=gzip.compress(fits[:5]) + gzip.compress(fits[5:]), **PACKED) == (200, fits)
    bomb = gzip.compress(b" " * 50_000_000)
    tracemalloc.start()
    assert answer(guarded(app=None), body=bomb, **PACKED)[0] == 413
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_the_proxy_has_the_same_bound():
    assert f"client_max_body_size {guard.MOST_BYTES // 2**20}m;" in PROXY.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"no gzip", PACKED, 400),
        (gzip.compress(b"{}" * 1000, mtime=0)[:-9], PACKED, 400),
        (b"{}", {"content-encoding": "br"}, 415),
        (b"{", {}, 400),
        (b"\xff", {}, 400),
        (b"[" * 1_000_000, {}, 400),
        (b"[]", {}, 400),
        (b'{"inputs": [1, 2, 3]}', {}, 400),
        (b'{"inputs": [], "\\u0069nputs": [1, 2, 3]}', {}, 400),
        (b'{"inputs": [{"shape": [1, 1, 1]}]}', {}, 400),
        (json.dumps({"outputs": [{}] * 101}).encode(), {}, 400),
        (b'{"inputs": {"a": 1, "b": 2, "c": 3}, "outputs": "x", "shape": 3}', {}, 200),  # one mistake, and MLServer's
        (b'{"inputs": [1, {"shape": 7}]}', {}, 200),
    ],
)
def test_a_body_is_looked_at_before_mlserver_does(body, headers, status):
    assert answer(guarded(), body=body, **headers)[0] == status


def test_the_headers_fit_the_body_that_is_handed_on():
    async def tell(scope, receive, send):
        said = {name.decode(): value.decode() for name, value in scope["headers"]}
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": json.dumps(said).encode()})

    said = json.loads(answer(guarded(tell), body=gzip.compress(b'{"a": 1}'), content_length="999", **PACKED)[1])
    assert said["content-length"] == "8" and "content-encoding" not in said


def test_who_sends_half_keeps_nobody_from_anything():
    one = guarded()

    async def act():
        halves = [ask(one, body=b"{" * 1000, ends=False) for _ in range(300)]
        return await asyncio.gather(*halves, ask(one), ask(one, "GET", "/ready"))

    assert asyncio.run(act()) == [None] * 300 + [(200, b"{}"), (200, b"ready")]
    assert one.bytes_here == one.waiting == 0


def test_too_much_at_once_is_put_off_and_the_room_is_given_back(monkeypatch):
    monkeypatch.setattr(guard, "MOST_BYTES_AT_ONCE", 2500)
    monkeypatch.setattr(guard, "MOST_AT_ONCE", 3)
    body = b'{"a": "%s"}' % (b"x" * 991)

    one = guarded()

    async def asked(body, times):
        return sorted(status for status, _ in await asyncio.gather(*(ask(one, body=body) for _ in range(times))))

    async def act():
        return await asked(body, 4), await asked(b"{}", 5), await asked(body, 2)

    assert asyncio.run(act()) == ([200, 200, 503, 503], [200, 200, 200, 503, 503], [200, 200])
    assert one.bytes_here == one.waiting == 0


def test_between_two_requests_whoever_else_asks_has_a_turn():
    turns, probes = [], []

    async def busy(scope, receive, send):
        turns.append(scope["method"])
        if not probes:
            probes.append(asyncio.create_task(ask(one, "GET", "/ready")))
        await send({"type": "http.response.start", "status": 200})  # without a pause, as MLServer
        await send({"type": "http.response.body", "body": b""})

    one = guarded(busy)

    async def act():
        await asyncio.gather(*(ask(one) for _ in range(20)), *probes)

    asyncio.run(act())
    assert turns.index("GET") <= 2


def test_one_request_is_answered_at_a_time():
    inside = []

    async def slow(scope, receive, send):
        inside.append(scope)
        assert len(inside) == 1
        await model(scope, receive, send)
        inside.remove(scope)

    one = guarded(slow)

    async def act():
        return await asyncio.gather(*(ask(one) for _ in range(20)))

    assert asyncio.run(act()) == [(200, b"{}")] * 20


def test_what_the_model_says_is_nobodys_turn_however_slowly_it_is_taken():
    one = guarded()

    async def act():
        slow = asyncio.Event()

        async def take(message):
            await slow.wait()

        async def body():
            return {"type": "http.request", "body": b"{}"}

        headers = [(b"host", b"a"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/infer", "headers": headers}
        waiting = asyncio.create_task(one(scope, body, take))
        answered = await asyncio.wait_for(ask(one), 60)
        slow.set()
        await waiting
        return answered

    assert asyncio.run(act()) == (200, b"{}")


def test_a_failure_behind_the_guard_gives_the_turn_back():
    async def fail(scope, receive, send):
        raise ValueError

    one = guarded(fail)
    with pytest.raises(ValueError):
        answer(one)
    one.app = model
    assert answer(one) == (200, b"{}") and one.bytes_here == one.waiting == 0
