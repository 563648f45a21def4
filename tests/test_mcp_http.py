"""MCP over HTTP, in the whole server at /mcp and alone: the same keys, the same hosts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp")
pytest.importorskip("fastapi")

from starlette.testclient import TestClient

import remanence
from remanence.serve.app import make
from remanence.serve.mcp.http import Endpoint, alone
from remanence.serve.serving import Serving

ACCEPT = {"Accept": "application/json, text/event-stream"}
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


@pytest.fixture
def serving(tmp_path: Path) -> Serving:
    return Serving(tmp_path / "m.db", partial(remanence.open, embed="hashing"), named_tenants=True)


@contextmanager
def whole(serving: Serving) -> Iterator[TestClient]:
    with TestClient(make(serving), base_url="http://localhost") as client:
        yield client


@contextmanager
def only(serving: Serving, *how: Any) -> Iterator[TestClient]:
    with TestClient(alone(serving, Endpoint(*how)), base_url="http://localhost") as client:
        yield client


def ask(client: TestClient, method: str, path: str = "/mcp", key: str = "", **params: Any) -> Any:
    headers = ACCEPT | ({"Authorization": f"Bearer {key}"} if key else {})
    return client.post(path, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, headers=headers)


def call(client: TestClient, name: str, key: str = "", **arguments: Any) -> dict[str, Any]:
    response = ask(client, "tools/call", key=key, name=name, arguments=arguments)
    assert response.status_code == 200, response.text
    return response.json()["result"]


@pytest.mark.parametrize("kind", [whole, only])
def test_it_answers_without_a_session(serving: Serving, kind: Any) -> None:
    with kind(serving) as client:
        assert ask(client, "initialize", **HELLO).json()["result"]["serverInfo"]["name"] == "remanence"
        added = call(client, "add_memory", text="Ana keeps bees.")["structuredContent"]["memories"]
        found = call(client, "search_memories", query="bees")["structuredContent"]["memories"]
        assert found[0]["id"] == added[0]["id"]


def test_what_one_way_in_keeps_the_other_finds(serving: Serving) -> None:
    with whole(serving) as client:
        id = call(client, "add_memory", text="Ana keeps bees.")["structuredContent"]["memories"][0]["id"]
        assert client.get(f"/v1/memories/{id}").json()["text"] == "Ana keeps bees."


def test_a_path_names_a_profile(serving: Serving) -> None:
    with whole(serving) as client:
        names = {tool["name"] for tool in ask(client, "tools/list", "/mcp/chatgpt").json()["result"]["tools"]}
        assert names == {"search", "fetch"}
        problem = ask(client, "tools/list", "/mcp/chatgtp")
        assert problem.status_code == 422 and "Did you mean 'chatgpt'" in problem.json()["detail"]
    assert "mcp" not in json.dumps(client.app.openapi()["paths"])


@pytest.mark.parametrize("kind", [whole, only])
def test_from_the_first_key_on_a_key_is_needed(serving: Serving, kind: Any) -> None:
    _, secret = serving.keys.make("mine", "write")
    with kind(serving) as client:
        for key in ("", "rem_nothing"):
            refused = ask(client, "tools/list", key=key)
            assert refused.status_code == 401 and refused.headers["www-authenticate"] == "Bearer"
        assert ask(client, "tools/list", key=secret).status_code == 200


def test_a_key_says_what_may_be_done_and_whose_it_is(serving: Serving) -> None:
    _, writes = serving.keys.make("bo", "write", user="bo")
    _, reads = serving.keys.make("ana", "read", user="ana")
    _, other = serving.keys.make("other", "admin", tenant="other")
    with whole(serving) as client:
        made = call(client, "add_memory", writes, text="The canary is in Faro.")["structuredContent"]["memories"]
        assert {memory["user"] for memory in made} == {"bo"}
        assert call(client, "add_memory", reads, text="x")["isError"]
        for key in (reads, other):
            assert call(client, "search_memories", key, query="canary")["structuredContent"]["memories"] == []
            assert call(client, "list_memories", key)["structuredContent"]["memories"] == []
            gone = call(client, "get_memory", key, id=made[0]["id"])
            assert gone["isError"] and "Faro" not in json.dumps(gone)
        assert call(client, "search_memories", writes, query="canary")["structuredContent"]["memories"]


def test_a_server_for_one_user_refuses_the_key_of_another(serving: Serving) -> None:
    _, bo = serving.keys.make("bo", "write", user="bo")
    _, anyone = serving.keys.make("any", "write")
    with only(serving, "minimal", {"user": "ana"}) as client:
        assert ask(client, "tools/list", key=bo).status_code == 403
        made = call(client, "add_memory", anyone, text="Ana keeps bees.")["structuredContent"]["memories"]
        assert {memory["user"] for memory in made} == {"ana"}


@pytest.mark.parametrize("kind", [whole, only])
def test_names_of_others_and_pages_of_others_are_refused(serving: Serving, kind: Any) -> None:
    with kind(serving) as client:
        for headers, status in (({"Host": "evil.example"}, 421), ({"Origin": "https://evil.example"}, 403)):
            asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
            assert client.post("/mcp", json=asked, headers=ACCEPT | headers).status_code == status
