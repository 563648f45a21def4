"""The nine tools of the reference memory server, over our store."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import remanence
from mcp_client import Got, call, talk, wire
from remanence.memory import Memory
from remanence.serve.mcp.reach import Reach
from remanence.serve.mcp.server import build

NINE = {
    "create_entities", "create_relations", "add_observations", "delete_entities", "delete_observations",
    "delete_relations", "read_graph", "search_nodes", "open_nodes",
}  # fmt: skip
ANA = {"name": "Ana", "entityType": "person", "observations": ["keeps bees", "plays the cello"]}
ACME = {"name": "Acme", "entityType": "company", "observations": []}
WORKS = {"from": "Ana", "to": "Acme", "relationType": "works_at"}


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with remanence.open(tmp_path / "m.db", embed="hashing") as opened:
        yield opened


def do(memory: Memory, name: str, scope: dict[str, str] | None = None, **arguments: Any) -> Got:
    return call(build(lambda request: Reach(memory, scope or {}), "graph"), name, **arguments)


def whole(memory: Memory, **scope: str) -> tuple[list[Any], list[Any]]:
    data = do(memory, "read_graph", scope).data
    return data["entities"], data["relations"]


@pytest.fixture
def drawn(memory: Memory) -> Memory:
    do(memory, "create_entities", entities=[ANA, ACME])
    do(memory, "create_relations", relations=[WORKS])
    return memory


def test_the_names_are_those_of_the_reference(memory: Memory) -> None:
    offered = wire(talk(build(lambda request: Reach(memory), "graph"), lambda session: session.list_tools()))
    assert {tool["name"] for tool in offered["tools"]} == NINE


def test_what_goes_in_comes_out(drawn: Memory) -> None:
    assert whole(drawn) == ([ANA, ACME], [WORKS])
    got = do(drawn, "read_graph")
    assert json.loads(got.text) == got.data


def test_it_is_there_again_after_closing(tmp_path: Path) -> None:
    for path in (tmp_path / "m.db", tmp_path / "other.db"):
        with remanence.open(path, embed="hashing") as memory:
            if path.name == "other.db":
                memory.import_(tmp_path / "m.jsonl")
            else:
                do(memory, "create_entities", entities=[ANA, ACME])
                do(memory, "delete_observations", deletions=[{"entityName": "Ana", "observations": ["keeps bees"]}])
                memory.export(tmp_path / "m.jsonl")
        with remanence.open(path, embed="hashing") as memory:
            assert whole(memory)[0] == [ANA | {"observations": ["plays the cello"]}, ACME]


def test_only_what_is_new_is_created(drawn: Memory) -> None:
    bo = {"name": "Bo", "entityType": "person", "observations": []}
    assert do(drawn, "create_entities", entities=[ANA | {"entityType": "cat"}, bo]).data == {"entities": [bo]}
    assert do(drawn, "create_relations", relations=[WORKS, WORKS | {"to": "Bo"}]).data == {
        "relations": [WORKS | {"to": "Bo"}]
    }
    assert whole(drawn)[0] == [ANA, ACME, bo]


def test_observations_are_added_once_and_only_to_what_is_there(drawn: Memory) -> None:
    new = {"entityName": "Ana", "contents": ["keeps bees", "swims"]}
    assert do(drawn, "add_observations", observations=[new]).data == {
        "results": [{"entityName": "Ana", "addedObservations": ["swims"]}]
    }
    assert whole(drawn)[0][0]["observations"] == ["keeps bees", "plays the cello", "swims"]
    missing = do(drawn, "add_observations", observations=[new | {"contents": ["x"]}, new | {"entityName": "Zoe"}])
    assert missing.failed and "Entity with name Zoe not found" in missing.text
    assert "x" not in whole(drawn)[0][0]["observations"]  # all or nothing


def test_a_deleted_entity_takes_its_relations_along(drawn: Memory) -> None:
    assert do(drawn, "delete_entities", entityNames=["Acme", "nobody"]).data["success"]
    assert whole(drawn) == ([ANA], [])
    do(drawn, "create_entities", entities=[ACME])
    assert whole(drawn) == ([ANA, ACME], [])


def test_a_relation_may_name_what_is_not_there(drawn: Memory) -> None:
    dangling = {"from": "Zoe", "to": "Yan", "relationType": "knows"}
    do(drawn, "create_relations", relations=[dangling])
    assert do(drawn, "open_nodes", names=["Zoe"]).data == {"entities": [], "relations": []}
    assert dangling in whole(drawn)[1]
    do(drawn, "delete_entities", entityNames=["Yan"])
    assert whole(drawn)[1] == [WORKS]


def test_an_entity_outlives_its_observations(drawn: Memory) -> None:
    deletions = [{"entityName": "Ana", "observations": [*ANA["observations"], "never said"]}]
    assert do(drawn, "delete_observations", deletions=deletions).text == "Observations deleted successfully"
    assert whole(drawn)[0] == [ACME, ANA | {"observations": []}]


def test_deleted_relations_are_gone(drawn: Memory) -> None:
    do(drawn, "delete_relations", relations=[WORKS | {"relationType": "owns"}])
    assert whole(drawn)[1] == [WORKS]
    do(drawn, "delete_relations", relations=[WORKS])
    assert whole(drawn) == ([ANA, ACME], [])


def test_what_is_deleted_is_no_longer_found_and_still_kept(drawn: Memory) -> None:
    do(drawn, "delete_observations", deletions=[{"entityName": "Ana", "observations": ["keeps bees"]}])
    texts = [hit.text for hit in drawn.search("bees")]
    assert not [text for text in texts if "bees" in text or "deleted" in text]
    assert [event.text for event in drawn.events() if "bees" in event.text] == ["Ana (person): keeps bees"]


def test_search_looks_in_names_types_and_observations(drawn: Memory) -> None:
    for query, name in (("aCM", "Acme"), ("compan", "Acme"), ("the CELLO", "Ana")):
        found = do(drawn, "search_nodes", query=query).data
        assert [node["name"] for node in found["entities"]] == [name]
        assert found["relations"] == [WORKS]
    assert do(drawn, "search_nodes", query="Who has an instrument, a cello?").data["entities"][0]["name"] == "Ana"
    assert do(drawn, "search_nodes", query="zither").data == {"entities": [], "relations": []}
    assert do(drawn, "open_nodes", names=["Acme", "nobody"]).data == {"entities": [ACME], "relations": [WORKS]}


def test_names_and_observations_are_kept_to_the_letter(memory: Memory) -> None:
    odd = [
        {"name": " a: b (c)", "entityType": "", "observations": [" x: y ", "", "two\nlines", "{}"]},
        {"name": " a: b", "entityType": "c", "observations": ["x"]},
    ]
    do(memory, "create_entities", entities=odd)
    assert whole(memory)[0] == odd
    assert do(memory, "create_entities", entities=[{"name": " ", "entityType": "", "observations": []}]).failed


def test_a_graph_of_the_reference_server_that_was_imported_is_there(memory: Memory, tmp_path: Path) -> None:
    lines = [{"type": "entity"} | ANA, {"type": "entity"} | ACME, {"type": "relation"} | WORKS]
    (tmp_path / "memory.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    memory.import_(tmp_path / "memory.jsonl")
    assert whole(memory) == ([ANA, ACME], [WORKS])


def test_each_user_has_a_graph_and_whoever_sees_all_deletes_for_all(memory: Memory) -> None:
    for user in ("ana", "bo"):
        do(memory, "create_entities", {"user": user}, entities=[ANA | {"observations": [user]}])
    assert whole(memory, user="bo")[0][0]["observations"] == ["bo"]
    do(memory, "delete_entities", {"user": "bo"}, entityNames=["Ana"])
    assert whole(memory, user="bo")[0] == []
    assert whole(memory, user="ana")[0][0]["observations"] == ["ana"]
    do(memory, "delete_entities", entityNames=["Ana"])
    assert whole(memory, user="ana")[0] == []


def test_meta_of_others_is_no_graph(memory: Memory) -> None:
    for meta in ({"entity": 3, "type": "x"}, {"from": "a", "to": "b"}, {"takes back": 7}, {"entity": "Ana"}):
        memory.add("Something.", channel="import", meta=meta)
    assert whole(memory) == ([], [])
