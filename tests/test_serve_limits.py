"""What is refused, what is done only once, and how failures are told."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient

import remanence
from remanence import errors
from remanence.serve.app import make
from remanence.serve.limits import Rate, loopback
from remanence.serve.problem import STATUS, document
from remanence.serve.serving import Serving

SAID = {"text": "I keep bees.", "at": "2024-05-01"}


def opening(path: Path) -> Any:
    return remanence.open(path, embed="hashing", method="words")


def serve(tmp_path: Path, **how: Any) -> TestClient:
    return TestClient(make(Serving(tmp_path / "m.db", opening, **how)), base_url="http://localhost")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with serve(tmp_path) as client:
        yield client


# -- once ----------------------------------------------------------------------------------------------------------


def test_the_same_key_does_the_same_once(client: TestClient) -> None:
    twice = [client.post("/v1/memories", json={"text": "Now."}, headers={"Idempotency-Key": "a"}) for _ in range(2)]
    assert twice[0].json() == twice[1].json() and twice[1].status_code == 201
    assert [answer.headers.get("Idempotency-Replayed") for answer in twice] == [None, "true"]
    assert len(client.get("/v1/events").json()["data"]) == 1
    other = client.post("/v1/memories", json={"text": "Later."}, headers={"Idempotency-Key": "a"})
    assert other.status_code == 422 and "another request" in other.json()["title"]
    elsewhere = client.post("/v1/search", json={"question": "Now."}, headers={"Idempotency-Key": "a"})
    assert elsewhere.status_code == 422
    client.post("/v1/memories", json={"text": "Now."}).raise_for_status()
    assert len(client.get("/v1/events").json()["data"]) == 2


def test_one_that_is_at_work_is_not_begun_again(client: TestClient) -> None:
    memory, begun, go = client.app.state.serving.tenants[""].memory, threading.Event(), threading.Event()
    write, method = memory.method.write, memory.method

    def slow(*said: Any) -> Any:
        begun.set()
        go.wait(10)
        return write(*said)

    method.write = slow
    first: list[Any] = []
    ask = lambda: first.append(client.post("/v1/memories", json=SAID, headers={"Idempotency-Key": "a"}))  # noqa: E731
    thread = threading.Thread(target=ask)
    thread.start()
    assert begun.wait(10)
    meanwhile = client.post("/v1/memories", json=SAID, headers={"Idempotency-Key": "a"})
    go.set()
    thread.join()
    assert (meanwhile.status_code, meanwhile.headers["Retry-After"], first[0].status_code) == (409, "1", 201)


def test_what_failed_may_be_tried_again(client: TestClient) -> None:
    memory = client.app.state.serving.tenants[""].memory
    add_many = memory.add_many

    def failing(*said: Any, **how: Any) -> Any:
        memory.add_many = add_many
        raise errors.Locked("another process writes")

    memory.add_many = failing
    said = {"json": SAID, "headers": {"Idempotency-Key": "a"}}
    first = client.post("/v1/memories", **said)
    assert (first.status_code, first.headers["Retry-After"]) == (503, "5")
    assert client.post("/v1/memories", **said).status_code == 201


def test_a_new_key_is_never_shown_twice(client: TestClient) -> None:
    said = {"json": {"name": "boss", "right": "admin"}, "headers": {"Idempotency-Key": "a"}}
    secret = client.post("/v1/keys", **said).json()["secret"]
    for path in client.app.state.serving.path.parent.iterdir():
        assert path.is_dir() or secret.encode() not in path.read_bytes()


def test_answers_are_of_one_key_and_outlive_a_restart(tmp_path: Path) -> None:
    with serve(tmp_path) as client:
        client.post("/v1/memories", json=SAID, headers={"Idempotency-Key": "a"}).raise_for_status()
    with serve(tmp_path) as client:
        again = client.post("/v1/memories", json=SAID, headers={"Idempotency-Key": "a"})
        assert again.headers["Idempotency-Replayed"] == "true"
        _, secret = client.app.state.serving.keys.make("other", "write")
        other = {"Idempotency-Key": "a", "X-API-Key": secret}
        assert "Idempotency-Replayed" not in client.post("/v1/memories", json=SAID, headers=other).headers


# -- refused -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8765", 200),
        ("127.0.0.1:8765", 200),
        ("[::1]:8765", 200),
        ("192.168.1.5", 200),
        ("Memory.Example.Org", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("user@evil.example", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
def test_a_name_that_is_not_on_the_list_is_not_served(tmp_path: Path, host: str, status: int) -> None:
    with serve(tmp_path, allowed_hosts=["memory.example.org"]) as client:
        assert client.get("/healthz", headers={"Host": host}).status_code == status


def test_a_page_of_another_site_changes_nothing(client: TestClient) -> None:
    for said in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post("/v1/memories", json=SAID, headers=said).status_code == 403
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/v1/memories", json=SAID, headers=own).status_code == 201


@pytest.mark.parametrize("chunked", [False, True])
def test_too_long_a_body_is_not_read(tmp_path: Path, chunked: bool) -> None:
    with serve(tmp_path, body=1000) as client:
        long = b'{"text": "' + b"a" * 1000 + b'"}'
        content = iter([long[:500], long[500:]]) if chunked else long
        kind = {"Content-Type": "application/json"}
        for key in ({}, {"Idempotency-Key": "a"}):
            refused = client.post("/v1/memories", content=content, headers=kind | key)
            assert (refused.status_code, refused.json()["title"]) == (413, "too long")
            content = iter([long]) if chunked else long
        assert client.get("/v1/events").json()["data"] == []


def test_too_many_requests_are_told_when_to_come_back(tmp_path: Path) -> None:
    with serve(tmp_path, rate=2) as client:
        answers = [client.get("/v1/status") for _ in range(6)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert [answer.status_code for answer in answers[:2]] == [200, 200] and refused
        assert all(answer.headers["Retry-After"] == "1" for answer in refused)
        assert client.get("/healthz").status_code == 200


def test_a_bucket_refills(monkeypatch: Any) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    rate = Rate(0.5)
    assert rate.take("ana") == 0
    assert rate.take("ana") == 2.0
    assert rate.take("ben") == 0
    now += 1.5
    assert rate.take("ana") == pytest.approx(0.5)
    now += 0.6
    assert rate.take("ana") == 0
    now += 10_000  # a bucket holds no more than a second's worth, and what is not used is forgotten
    assert rate.take("ana") == 0 and rate.take("ana") > 0 and "ben" not in rate.buckets


def test_what_is_this_machine() -> None:
    assert all(map(loopback, ("localhost", "127.0.0.1", "127.9.9.9", "::1")))
    assert not any(map(loopback, ("0.0.0.0", "::", "192.168.0.2", "example.org", "localhost.example.org")))


# -- told ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "how", "status"),
    [
        ("GET", "/nowhere", {}, 404),
        ("GET", "/v1/memories/", {}, 404),
        ("PUT", "/v1/memories", {}, 405),
        ("GET", "/v1/memories/00", {}, 404),
        ("GET", "/v1/memories/zz", {}, 422),
        ("GET", "/v1/jobs/1", {}, 404),
        ("POST", "/v1/memories", {"content": b"{"}, 422),
        ("POST", "/v1/memories", {"json": {"text": "  "}}, 422),
        ("POST", "/v1/memories", {"json": SAID | {"at": "soon"}}, 422),
        ("POST", "/v1/memories", {"json": SAID | {"speker": "Ana"}}, 422),
        ("POST", "/v1/memories", {"json": SAID | {"text": "\x00 \ud7ff"}}, 201),
        ("POST", "/v1/search", {"json": {"question": "a", "between": ["2024-05-02", "2024-05-01"]}}, 422),
        ("GET", "/v1/search", {"params": {"question": "a", "meta": "[]"}}, 422),
        ("POST", "/v1/ask", {"json": {"question": "a", "k": 0}}, 422),
        ("POST", "/v1/ask", {"json": {"question": "a", "k": "1"}}, 422),
        ("POST", "/v1/ask", {"json": {"question": "Where is it?"}}, 422),
        ("POST", "/v1/search", {"json": {"question": ""}}, 200),
    ],
)
def test_failures_are_problem_documents(client: TestClient, method: str, path: str, how: Any, status: int) -> None:
    kind = {"Content-Type": "application/json"} if "content" in how else {}
    answer = client.request(method, path, headers={"X-Request-ID": "mine"} | kind, **how)
    assert answer.status_code == status and answer.headers["X-Request-ID"] == "mine"
    if status >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        said = answer.json()
        assert {"type", "title", "status", "detail", "instance", "request"} <= said.keys()
        assert (said["status"], said["instance"], said["request"]) == (status, path, "mine")


def test_a_method_that_is_not_allowed_is_told_which_are(client: TestClient) -> None:
    refused = client.put("/v1/memories/00")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "DELETE, GET, PATCH")


def test_a_request_without_a_good_id_is_given_one(client: TestClient) -> None:
    for said in ("", "a" * 500, "line\tbreak"):
        assert re.fullmatch(
            r"[0-9a-f]{16}", client.get("/healthz", headers={"X-Request-ID": said}).headers["X-Request-ID"]
        )


def test_what_nobody_foresaw_says_nothing_of_the_inside(client: TestClient, caplog: Any) -> None:
    client.app.state.serving.tenants[""].memory.search = lambda **said: {}["the inside"]
    answer = client.post("/v1/search", json={"question": "a"})
    assert answer.status_code == 500 and "inside" not in answer.text.replace("the server", "")
    assert answer.json()["request"] in caplog.text and "the inside" in caplog.text


def test_every_error_of_ours_has_a_status() -> None:
    known = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.RemanenceError)]
    for kind in known:
        answer = document(kind("what"), "/", "1")
        assert answer.status_code == next(STATUS[c] for c in kind.__mro__ if c in STATUS)
    assert document(errors.NotFound("what"), "/", "1").status_code == 404
    assert document(errors.BadReply("what"), "/", "1").status_code == 502
    assert document(errors.DiskFull("what"), "/", "1").headers["Retry-After"] == "60"
