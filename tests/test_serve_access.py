"""Who may ask for what: nothing of one tenant or user is in any answer to another."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient

import remanence
from remanence.errors import BadConfig, BadInput, NotFound
from remanence.serve import keys as keys_file
from remanence.serve.app import make
from remanence.serve.keys import Keys
from remanence.serve.running import run
from remanence.serve.serving import Serving

SECRET = "xylophone"  # what ana says, in every field that can be said
CANARY = {
    "text": f"My {SECRET} is green. {SECRET.title()} lives in Lisbon.",
    "at": "2024-05-01",
    "speaker": SECRET,
    "session": "day 1",
    "role": SECRET,
    "agent": SECRET,
    "run": SECRET,
    "app": SECRET,
    "meta": {"note": SECRET},
}
OWN = {"text": "My drum is red.", "at": "2024-05-01", "speaker": "Ben", "session": "day 1"}
ADDRESS = "http://localhost"


def opening(path: Path) -> Any:
    return remanence.open(path, embed="hashing")


@pytest.fixture
def serving(tmp_path: Path) -> Serving:
    return Serving(tmp_path / "m.db", opening, named_tenants=True)


@pytest.fixture
def client(serving: Serving) -> Iterator[TestClient]:
    with TestClient(make(serving), base_url=ADDRESS) as client:
        yield client


def asking(client: TestClient, **about: Any) -> TestClient:
    """A client with a key of its own."""
    _, secret = client.app.state.serving.keys.make("some key", **about)
    return TestClient(client.app, base_url=ADDRESS, headers={"Authorization": f"Bearer {secret}"})


def test_without_a_key_only_while_there_is_none(client: TestClient, serving: Serving) -> None:
    assert client.get("/v1/memories").status_code == 200
    for bad in ({"X-API-Key": ""}, {"Authorization": "Bearer"}, {"Authorization": "Basic YTpi"}):
        assert client.get("/v1/memories", headers=bad).status_code == 401
    key, _ = serving.keys.make("laptop")
    refused = client.get("/v1/memories")
    assert refused.status_code == 401 and refused.headers["WWW-Authenticate"] == "Bearer"
    assert client.get("/readyz").status_code == 200
    serving.keys.revoke(key.id)
    assert client.get("/v1/memories").status_code == 401  # revoking the last key opens nothing


def test_beyond_this_machine_a_key_is_needed_to_begin_with(tmp_path: Path) -> None:
    serving = Serving(tmp_path / "m.db", opening, host="0.0.0.0")
    with pytest.raises(BadConfig, match="there is no key"):
        run(serving, 0, lambda url: None)
    with TestClient(make(serving), base_url=ADDRESS) as client:
        assert client.get("/v1/memories").status_code == 401


@pytest.mark.parametrize("how", ["Bearer", "Token", "Api-Key", "bearer", "X-API-Key", "cookie"])
def test_a_key_is_taken_as_other_servers_take_theirs(client: TestClient, serving: Serving, how: str) -> None:
    _, secret = serving.keys.make("laptop")
    said = {"Authorization": f"{how} {secret}"} if how[0] in "BTAb" else {how: secret}
    said = {"Cookie": f"a=b; remanence_key={secret}"} if how == "cookie" else said
    assert client.get("/v1/memories", headers=said).status_code == 200
    wrong = {name: value.replace("rem_", "rem-") for name, value in said.items()}
    assert client.get("/v1/memories", headers=wrong).status_code == 401


def test_each_right_allows_what_stands_before_it(client: TestClient) -> None:
    may = {"read": 200, "write": 201, "admin": 202}
    for right in may:
        who = asking(client, right=right)
        answered = [
            who.get("/v1/memories").status_code,
            who.post("/v1/memories", json=OWN).status_code,
            who.post("/v1/derive").status_code,
        ]
        allowed = list(may).index(right) + 1
        assert answered == [*list(may.values())[:allowed], *[403] * (3 - allowed)], right


def test_only_hashes_are_kept_and_a_key_is_good_until_it_is_not(tmp_path: Path, monkeypatch: Any) -> None:
    keys = Keys(tmp_path / "m.keys.db")
    assert keys.find("rem_nothing") is None and not keys.path.exists()
    key, secret = keys.make("laptop", "write", days=1)
    assert keys.path.stat().st_mode & 0o777 == 0o600
    assert key.prefix == secret[: len(key.prefix)] and len(secret) == 47
    with closing(sqlite3.connect(keys.path)) as db:
        assert secret[12:] not in "\n".join(db.iterdump())
    found = keys.find(secret)
    assert found is not None and not key.used and keys.get(key.id).used
    again, other = keys.rotate(key.id)
    assert again.id == key.id and keys.find(other) and keys.find(secret)  # the old one for a day more
    monkeypatch.setattr(keys_file, "_now", lambda later=None, real=keys_file._now: real(keys_file.GRACE * 1.5))
    assert keys.find(other) is None  # it has expired
    monkeypatch.undo()
    keys.revoke(key.id)
    assert keys.find(other) is None and keys.find(secret) is None
    with pytest.raises(BadInput, match="revoked"):
        keys.rotate(key.id)
    with pytest.raises(NotFound):
        keys.revoke("nope")
    with pytest.raises(BadInput, match="user"):
        keys.make("boss", "admin", user="ana")


def test_the_old_secret_ends_after_its_day(tmp_path: Path, monkeypatch: Any) -> None:
    keys = Keys(tmp_path / "m.keys.db")
    key, secret = keys.make("laptop")
    _, other = keys.rotate(key.id)
    monkeypatch.setattr(keys_file, "_now", lambda later=None, real=keys_file._now: real(keys_file.GRACE * 1.5))
    assert keys.find(secret) is None and keys.find(other) is not None


def paths(client: TestClient) -> list[tuple[str, str]]:
    """Every route there is, by method and template."""
    routes = client.app.openapi()["paths"]
    return [(method.upper(), path) for path, methods in routes.items() for method in methods]


def everything(client: TestClient, ids: list[str], event: str) -> Iterator[tuple[str, str]]:
    """Every answer that this key can get to anything it may think of asking."""
    about = {"around": ids[0], "question": SECRET}
    bodies: dict[str, Any] = {
        "/v1/search": {"question": SECRET, "k": 100},
        "/v1/context": {"question": f"What is green? {SECRET}", "tokens": 2000},
        "/v1/ask": {"question": "What is green?"},
        "/v1/erase": {"events": [event], "dry_run": True},
        "/v1/undo": {"operation": 1},
        "/v1/memories": OWN,
        "/v1/consolidate": {"dry_run": True},
        "/v1/rebuild": {},
        "/v1/keys": {"name": "mine"},
    }
    client.app.state.serving.stopping.set()  # the stream says what there is, and ends
    for method, path in paths(client):
        for id in ids if "{id}" in path else [""]:
            params = {name: value for name, value in about.items() if path in ("/v1/graph", "/v1/search")}
            params = params if path != "/v1/search" else {"question": SECRET}
            params = {"around": id or ids[0]} if path == "/v1/graph" else params
            said = {"text": "It is blue."} if method == "PATCH" else bodies.get(path)
            body = {"json": said} if method in ("POST", "PATCH") and said is not None else {}
            headers = {"Last-Event-ID": "0"} if path == "/v1/stream" else {}
            query = {} if method == "POST" else params
            answered = client.request(method, path.replace("{id}", id), params=query, headers=headers, **body)
            yield f"{method} {path} {answered.status_code}", answered.text + str(answered.headers)
    for events in ({"limit": 1000}, {"user": "ana"}, {"sessions": "day 1"}, {"meta": json.dumps({"note": SECRET})}):
        for path in ("/v1/memories", "/v1/events", "/v1/export", "/v1/entities"):
            answered = client.get(path, params=events)
            yield f"GET {path} {events}", "" if answered.status_code >= 400 else answered.text


def planted(client: TestClient, who: TestClient) -> tuple[list[str], str]:
    """What ana keeps: the ids of her memories and of her event."""
    kept = who.post("/v1/memories?records=true", json=CANARY).json()
    ids = [record["id"] for record in kept["records"]]
    assert ids and SECRET in who.post("/v1/search", json={"question": SECRET}).text
    return [*ids, kept["events"][0]], kept["events"][0]


@pytest.mark.parametrize(
    ("ana", "ben"),
    [
        ({"tenant": "one"}, {"tenant": "two", "right": "admin"}),
        ({}, {"tenant": "two", "right": "admin"}),
        ({"user": "ana"}, {"user": "ben", "right": "write"}),
        ({"tenant": "one", "user": "ana"}, {"tenant": "one", "user": "ben", "right": "write"}),
    ],
    ids=["tenants", "the memory itself", "users", "users of a tenant"],
)
def test_nothing_of_one_is_in_any_answer_to_another(
    client: TestClient, ana: dict[str, str], ben: dict[str, str]
) -> None:
    hers, his = asking(client, **{"right": "write"} | ana), asking(client, **ben)
    ids, event = planted(client, hers)
    assert his.post("/v1/memories", json=OWN).status_code == 201
    before = hers.get("/v1/memories").json()
    seen = 0
    for what, answered in everything(his, ids, event):
        told = answered.replace(f"'{SECRET}'", "")
        assert SECRET not in told.lower().replace(f"question={SECRET}", ""), what
        assert event not in told.replace(f"/{event}", "").replace(f"'{event}'", ""), what
        seen += 1
    assert seen > len(paths(client))
    assert hers.get("/v1/memories").json() == before  # nothing he did reached hers


def test_ids_of_others_are_as_if_they_were_not_there(client: TestClient) -> None:
    hers, his = asking(client, right="write", user="ana"), asking(client, right="write", user="ben")
    ids, _ = planted(client, hers)
    for id in ids:
        refused, unknown = his.get(f"/v1/memories/{id}"), his.get(f"/v1/memories/{'0' * 32}")
        assert (refused.status_code, unknown.status_code) == (404, 404)
        assert refused.json()["detail"].replace(id, "") == unknown.json()["detail"].replace("0" * 32, "")
        assert his.get(f"/v1/memories/{id[:8]}").status_code == 404
        assert his.delete(f"/v1/memories/{id}?for_good=true").status_code == 404


def test_a_write_is_in_the_name_of_the_user_of_the_key(client: TestClient) -> None:
    his = asking(client, right="write", user="ben")
    assert his.post("/v1/memories", json=OWN | {"user": "ana"}).status_code == 403
    assert his.get("/v1/memories", params={"user": "ana"}).status_code == 403
    his.post("/v1/memories", json=OWN).raise_for_status()
    assert {event["user"] for event in his.get("/v1/events").json()["data"]} == {"ben"}
    assert his.post("/v1/import", content=b"{}").status_code == 403
    assert his.post("/v1/erase", json={"everything": True}).json()["events"] == 1


def test_erasing_everything_of_one_user_leaves_the_others(client: TestClient) -> None:
    hers, his = asking(client, right="write", user="ana"), asking(client, right="write", user="ben")
    planted(client, hers)
    his.post("/v1/memories", json=OWN).raise_for_status()
    assert his.post("/v1/erase", json={"everything": True, "sessions": ["day 1"]}).status_code == 422
    assert his.post("/v1/erase", json={"everything": True}).json()["events"] == 1
    assert len(hers.get("/v1/events").json()["data"]) == 1
    assert asking(client, right="write").post("/v1/erase", json={"user": "ana"}).status_code == 403


def test_an_admin_of_a_tenant_governs_its_keys_alone(client: TestClient) -> None:
    boss, admin = asking(client, right="admin"), asking(client, right="admin", tenant="one")
    made = admin.post("/v1/keys", json={"name": "desk", "right": "write"}).json()
    assert made["tenant"] == "one" and made["secret"].startswith("rem_")
    assert admin.post("/v1/keys", json={"name": "desk", "tenant": "two"}).status_code == 403
    assert {key["tenant"] for key in admin.get("/v1/keys").json()["keys"]} == {"one"}
    others = [key["id"] for key in boss.get("/v1/keys").json()["keys"] if key["tenant"] == ""]
    assert admin.delete(f"/v1/keys/{others[0]}").status_code == 404
    assert boss.delete(f"/v1/keys/{made['id']}").json()["revoked"]
    assert "secret" not in boss.get("/v1/keys").text
    assert admin.get("/metrics").status_code == 403


def test_tenants_are_for_servers_that_say_so(tmp_path: Path) -> None:
    with TestClient(make(Serving(tmp_path / "m.db", opening)), base_url=ADDRESS) as client:
        assert asking(client, tenant="one").get("/v1/memories").status_code == 403
        assert [path.name for path in tmp_path.iterdir() if path.is_dir() and "tenants" in path.name] == []
        for name in ("../m", "", "-a", "A", "a" * 64, "a/b", "a.b"):
            if name:
                with pytest.raises(BadInput):
                    client.app.state.serving.keys.make("bad", tenant=name)
