"""MCP over HTTP, in the whole server at /mcp and alone: the same keys, the same hosts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp")
pytest.importorskip("fastapi")

from starlette.testclient import TestClient

import remanence
from remanence.serve.app import make
from remanence.serve.mcp.http import Endpoint, alone
from remanence.serve.mcp.server import profiles
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


def call(client: TestClient, name: str, key: str = "", path: str = "/mcp", **arguments: Any) -> dict[str, Any]:
    response = ask(client, "tools/call", path, key, name=name, arguments=arguments)
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


# -- nothing of one in any answer to another ---------------------------------------------------------------------------

NAME, HIDDEN, UNKNOWN = "xylophone", "marimba", "0" * 32  # what another may guess, and what only an answer can tell
SAID = {
    "text": f"My {NAME} is a {HIDDEN}. {HIDDEN.title()} lives in Lisbon.",
    "at": "2024-05-01",
    "meta": {"note": HIDDEN},
    **dict.fromkeys(("speaker", "session", "role", "agent", "run", "app"), HIDDEN),
}
NODE = {"name": NAME, "entityType": HIDDEN, "observations": [f"It is a {HIDDEN}."]}
EDGE = {"from": NAME, "to": HIDDEN, "relationType": HIDDEN}
SHOWING = {
    *("search_memories", "get_memory", "list_memories", "get_context", "get_sources"),
    *("read_graph", "search_nodes", "open_nodes", "search", "fetch", "resource", "prompt"),
}


def planted(client: TestClient, key: str) -> list[str]:
    """What she keeps by every way in: the ids of her memories and events."""
    client.post("/v1/memories", json=SAID, headers={"Authorization": f"Bearer {key}"}).raise_for_status()
    assert not call(client, "add_memory", key, text=f"The {NAME} is a {HIDDEN}.", path="/mcp/full")["isError"]
    assert not call(client, "create_entities", key, entities=[NODE], path="/mcp/graph")["isError"]
    assert not call(client, "create_relations", key, relations=[EDGE], path="/mcp/graph")["isError"]
    return [item["id"] for item in hers(client, key)]


def hers(client: TestClient, key: str) -> list[dict[str, Any]]:
    """All that a key reaches."""
    asked = {"headers": {"Authorization": f"Bearer {key}"}, "params": {"limit": 1000}}
    return [item for what in ("memories", "events") for item in client.get(f"/v1/{what}", **asked).json()["data"]]


def everything(client: TestClient, key: str, ids: list[str], reading: bool = False) -> Iterator[tuple[str, str]]:
    """Every answer of every profile to one who asks by name, by words and by id; a new tool is asked too.

    `reading` leaves out the tools that change something.
    """
    words = {
        **dict.fromkeys(("query", "question", "name"), NAME),
        "text": "It is blue.",
        "entities": [{"name": NAME, "entityType": "drum", "observations": ["It is red."]}],
        "relations": [{"from": NAME, "to": "drum", "relationType": "beside"}],
        "observations": [{"entityName": NAME, "contents": ["It is blue."]}],
        "deletions": [{"entityName": NAME, "observations": ["It is blue."]}],
        "names": [NAME],
        "entityNames": [NAME],
    }
    for profile in profiles():
        asking = partial(ask, client, path=f"/mcp/{profile}", key=key)
        tools = asking("tools/list").json()["result"]["tools"]
        assert tools
        for tool in (one for one in tools if one["annotations"]["readOnlyHint"] or not reading):
            needed = tool["inputSchema"].get("required", ())
            of_her = [{}, {"user": "ana"}] if "user" in tool["inputSchema"]["properties"] else [{}]
            for id, operation, also in product(
                ids if "id" in needed else [""], range(1, 9) if "operation" in needed else [0], of_her
            ):
                every = words | {"id": id, "operation": operation}
                said = {name: every[name] for name in needed} | also
                yield tool["name"], asking("tools/call", name=tool["name"], arguments=said).text
        for id in ids:
            yield "resource", asking("resources/read", uri=f"memory://record/{id}").text
        yield "prompt", asking("prompts/get", name="recall", arguments={"question": f"What is the {NAME}?"}).text


@pytest.mark.parametrize(
    ("ana", "ben"),
    [
        ({"tenant": "one"}, {"tenant": "two", "right": "admin"}),
        ({}, {"tenant": "two", "right": "admin"}),
        ({"user": "ana"}, {"user": "ben"}),
        ({"tenant": "one", "user": "ana"}, {"tenant": "one", "user": "ben"}),
    ],
    ids=["tenants", "the memory itself", "users", "users of a tenant"],
)
def test_nothing_of_one_is_told_to_another(serving: Serving, ana: dict[str, str], ben: dict[str, str]) -> None:
    (_, her), (_, his) = (serving.keys.make("some key", **{"right": "write"} | about) for about in (ana, ben))
    with whole(serving) as client:
        ids = planted(client, her)
        own = call(client, "add_memory", his, text="My drum is red.")["structuredContent"]["memories"][0]["id"]
        before = hers(client, her)
        for tool, told in everything(client, his, [*ids, own, UNKNOWN]):
            assert HIDDEN not in told.lower(), tool
        assert hers(client, her) == before  # nothing he did reached hers
        assert {tool for tool, told in everything(client, her, ids, reading=True) if HIDDEN in told.lower()} >= SHOWING
