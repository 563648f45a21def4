"""The default tools and those of `full` and `chatgpt`, through a client of the SDK."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import remanence
from mcp_client import call, talk, wire
from remanence.errors import BadConfig, Unavailable
from remanence.memory import Memory
from remanence.serve.mcp.reach import Reach
from remanence.serve.mcp.server import build, profiles

MINIMAL = ["search_memories", "add_memory", "get_memory", "update_memory", "delete_memory", "list_memories"]
MOST = {"minimal": 6000, "full": 11_000, "graph": 8000, "chatgpt": 1500}  # characters of tools/list


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with remanence.open(tmp_path / "m.db", embed="hashing") as opened:
        yield opened


def server(memory: Memory, tools: str = "minimal", **reach: Any) -> Any:
    return build(lambda request: Reach(memory, **reach), tools)


def told(memory: Memory) -> None:
    memory.add("I keep bees on the roof.", at="2024-05-01", user="ana", speaker="Ana", session="s")
    memory.add("My cello is being mended.", at="2024-05-02", user="ana", speaker="Ana", session="s")
    memory.add("Who mends it?", at="2024-05-03", user="ana", speaker="Ben", session="s")
    memory.add("I hid the canary in Faro.", at="2024-05-04", user="bo", speaker="Bo", session="s")


def listed(memory: Memory, tools: str) -> list[dict[str, Any]]:
    return wire(talk(server(memory, tools), lambda session: session.list_tools()))["tools"]


# -- what is offered ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tools", profiles())
def test_the_schemas_cost_little(memory: Memory, tools: str) -> None:
    assert len(json.dumps({"tools": listed(memory, tools)})) <= MOST[tools]


def test_the_default_profile_is_six_tools(memory: Memory) -> None:
    assert [tool["name"] for tool in listed(memory, "minimal")] == MINIMAL
    with pytest.raises(BadConfig, match="Did you mean 'minimal'"):
        server(memory, "minimall")


@pytest.mark.parametrize("tools", profiles())
def test_every_tool_says_what_it_does_and_takes(memory: Memory, tools: str) -> None:
    for tool in listed(memory, tools):
        hints = tool["annotations"]
        assert tool["description"] and tool["outputSchema"]["type"] == "object"
        assert hints["openWorldHint"] is False
        assert not (hints["readOnlyHint"] and hints["destructiveHint"])
        assert "title" not in tool["inputSchema"]
    writes = {tool["name"] for tool in listed(memory, tools) if not tool["annotations"]["readOnlyHint"]}
    if tools == "minimal":
        assert writes == {"add_memory", "update_memory", "delete_memory"}


# -- remembering -------------------------------------------------------------------------------------------------------


def test_what_is_added_is_found_read_corrected_and_forgotten(memory: Memory) -> None:
    it = server(memory)
    added = call(it, "add_memory", text="Ana keeps bees.", at="2024-05-01", speaker="Ana")
    (new,) = [one for one in added.data["memories"] if one["kind"] == "turn"]
    assert new["text"] == "Ana keeps bees." and new["at"].startswith("2024-05-01") and new["speaker"] == "Ana"
    assert call(it, "search_memories", query="bees").data["memories"][0]["id"] == new["id"]
    whole = call(it, "get_memory", id=new["id"][:8])
    assert whole.data["state"] == "holds" and whole.data["said"] == ["Ana keeps bees."]
    assert "> Ana keeps bees." in whole.text and new["id"][:8] in whole.text

    update = call(it, "update_memory", id=new["id"], text="Ana keeps goats.").data
    assert update["replaces"] == new["id"] and update["memory"]["text"] == "Ana keeps goats."
    old = call(it, "get_memory", id=new["id"]).data
    assert old["state"] == "replaced" and old["replaced_by"] == update["memory"]["id"]

    gone = call(it, "delete_memory", id=update["memory"]["id"])
    assert call(it, "get_memory", id=update["memory"]["id"]).data["state"] == "forgotten"
    assert "goats" not in call(it, "search_memories", query="goats").text
    memory.undo(gone.data["operation"])
    assert call(it, "get_memory", id=update["memory"]["id"]).data["state"] == "holds"


def test_the_event_says_that_an_assistant_wrote_it(memory: Memory) -> None:
    call(server(memory), "add_memory", text="Ana keeps bees.")
    assert [event.channel for event in memory.events()] == ["assistant"]


def test_the_list_is_the_latest_first_and_comes_in_pages(memory: Memory) -> None:
    told(memory)
    memory.add("The eclipse is in Spain.", at="2099-08-12")  # still to come
    memory.add("Rome was founded.", at="0753-04-21")
    it = server(memory)
    held = sorted(memory.records(), key=lambda record: record.valid_from, reverse=True)
    assert [one["at"] for one in call(it, "list_memories").data["memories"]] == [r.valid_from.isoformat() for r in held]
    page = call(it, "list_memories", limit=2, offset=1).data["memories"]
    assert [one["id"] for one in page] == [record.id for record in held][1:3]
    assert call(it, "list_memories", offset=99).text == "Nothing more."
    assert [one["text"] for one in call(it, "list_memories", since="2090-01-01").data["memories"]] == [held[0].text]
    assert [one["text"] for one in call(it, "list_memories", until="1000-01-01").data["memories"]] == [held[-1].text]
    assert call(it, "list_memories", since="2024-01-02", until="2024-01-01").failed


@pytest.mark.parametrize("tool", ["search_memories", "list_memories"])
def test_dates_narrow(memory: Memory, tool: str) -> None:
    told(memory)
    query = {"query": "bees cello"} if tool == "search_memories" else {}
    texts = {
        one["text"]
        for one in call(server(memory), tool, since="2024-05-02", until="2024-05-03", **query).data["memories"]
    }
    assert texts == {"My cello is being mended."}
    assert call(server(memory), tool, since="2024-05-05", **query).data["memories"] == []
    wrong = call(server(memory), tool, since="last week", **query)
    assert wrong.failed and "not a time" in wrong.text


def test_what_was_recalled_is_not_written_again(memory: Memory) -> None:
    told(memory)
    it, before = server(memory), len(list(memory.records()))
    call(it, "search_memories", query="bees")
    again = call(it, "add_memory", text="I keep bees on the roof.", user="ana")
    assert "already" in again.text and again.data["memories"][0]["text"] == "I keep bees on the roof."
    assert len(list(memory.records())) == before


def test_what_comes_to_nothing_is_no_success(memory: Memory) -> None:
    told(memory)
    it = server(memory)
    found = call(it, "search_memories", query="bees").data["memories"]
    for one in found:
        if "bees" in one["text"]:
            call(it, "delete_memory", id=one["id"])
    again = call(it, "add_memory", text="I keep bees on the roof.", user="ana")
    assert again.failed and "no memory was made" in again.text


# -- what goes wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", ["get_memory", "update_memory", "delete_memory"])
def test_errors_are_results_that_say_what_is_wrong(memory: Memory, tool: str) -> None:
    more = {"text": "x"} if tool == "update_memory" else {}
    for id, said in (("00000000", "no record or event"), ("zz", "hex digits")):
        got = call(server(memory), tool, id=id, **more)
        assert got.failed and said in got.text


def test_a_model_that_is_away_keeps_the_words_and_says_so(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*given: Any) -> None:
        raise Unavailable("nobody there")

    monkeypatch.setattr(type(memory.method), "write", away)
    got = call(server(memory), "add_memory", text="Ana keeps bees.")
    assert got.failed and "nobody there" in got.text and "events are kept" in got.text
    assert memory.status()["pending"] == 1


def test_a_connection_that_may_only_read_changes_nothing(memory: Memory) -> None:
    told(memory)
    id = next(memory.records()).id
    before = len(memory.history())
    it = server(memory, "full", writes=False)
    for tool, said in (
        ("add_memory", {"text": "x"}),
        ("update_memory", {"id": id, "text": "x"}),
        ("delete_memory", {"id": id}),
        ("pin_memory", {"id": id}),
        ("undo_change", {"id": id, "operation": memory.history(id)[0].id}),
    ):
        got = call(it, tool, **said)
        assert got.failed and "may read, not change" in got.text
    assert len(memory.history()) == before


# -- whose -------------------------------------------------------------------------------------------------------------


def test_a_scope_is_never_left(memory: Memory) -> None:
    told(memory)
    (canary,) = [record for record in memory.records(user="bo") if "canary" in record.text]
    secret = ("canary", "Faro", canary.id)
    mine = {"scope": {"user": "ana"}}
    it = server(memory, "full", **mine)
    by_id = ("get_memory", "get_history", "get_sources", "delete_memory", "pin_memory")
    ids = [{"id": canary.id}, {"id": canary.id[:8]}, {"id": canary.sources[0].event}]
    asks: list[tuple[str, dict[str, Any]]] = [
        ("search_memories", {"query": "where is the bird in that town"}),
        ("list_memories", {}),
        ("get_context", {"question": "where is the bird in that town"}),
        ("ask_memories", {"question": "where is the bird in that town"}),
        *((tool, {"user": "bo"} | more) for tool, more in (("search_memories", {"query": "x"}), ("list_memories", {}))),
        *((tool, id) for tool in by_id for id in ids),
        *(("update_memory", id | {"text": "x"}) for id in ids),
        *(("undo_change", id | {"operation": 1}) for id in ids),
    ]
    before = len(memory.history())
    for tool, said in asks:
        got = call(it, tool, **said)
        known = [*said.values()]
        assert not [word for word in secret if word in got.text + json.dumps(got.data) and word not in known], tool
    assert len(memory.history()) == before
    for tool, said in (("search", {"query": "bird"}), ("fetch", {"id": canary.id})):
        assert "Faro" not in call(server(memory, "chatgpt", **mine), tool, **said).text
    assert call(it, "add_memory", text="x y z", user="bo").failed
    call(it, "add_memory", text="Nobody else hears this.")
    assert {event.scope.user for event in memory.events() if "Nobody" in event.text} == {"ana"}


def test_sources_show_the_conversation_and_nothing_of_others_in_it(memory: Memory) -> None:
    told(memory)
    cello = next(record for record in memory.records() if "cello" in record.text)
    got = call(server(memory, "full"), "get_sources", id=cello.id, around=1).data["turns"]
    assert [(turn["text"], turn["cited"]) for turn in got] == [
        ("I keep bees on the roof.", False),
        ("My cello is being mended.", True),
        ("Who mends it?", False),
    ]
    assert len(call(server(memory, "full"), "get_sources", id=cello.id, around=0).data["turns"]) == 1
    assert len(call(server(memory, "full"), "get_sources", id=cello.id, around=20).data["turns"]) == 3


# -- looking in --------------------------------------------------------------------------------------------------------


def test_a_deletion_is_taken_back(memory: Memory) -> None:
    told(memory)
    it = server(memory, "full")
    id = next(memory.records()).id
    operation = call(it, "delete_memory", id=id).data["operation"]
    changes = call(it, "get_history", id=id).data["changes"]
    assert [change["kind"] for change in changes] == ["add", "expire"]
    assert call(it, "undo_change", id=id, operation=operation + 1).failed
    assert not call(it, "undo_change", id=id, operation=operation).failed
    assert id in {record.id for record in memory.records()}


def test_context_keeps_to_its_budget_and_a_pin_holds(memory: Memory) -> None:
    told(memory)
    it = server(memory, "full")
    made = call(it, "get_context", question="bees", tokens=40).data
    assert "bees" in made["text"] and made["tokens"] <= 40
    id = next(memory.records()).id
    call(it, "pin_memory", id=id)
    assert memory.get(id).strength > 1e6


def test_chatgpt_gets_its_shapes(memory: Memory) -> None:
    told(memory)
    it = server(memory, "chatgpt")
    found = call(it, "search", query="bees")
    assert json.loads(found.text) == found.data
    first = found.data["results"][0]
    assert first.keys() == {"id", "title", "text", "url"}
    document = call(it, "fetch", id=first["id"])
    assert json.loads(document.text) == document.data
    assert document.data.keys() == {"id", "title", "text", "url", "metadata"}
    assert "bees" in document.data["text"] and document.data["metadata"]["speaker"] == "Ana"


def test_a_record_is_a_resource_and_recall_a_prompt(memory: Memory) -> None:
    told(memory)
    id = next(memory.records()).id
    it = server(memory, scope={"user": "ana"})
    read = wire(talk(it, lambda session: session.read_resource(f"memory://record/{id}")))
    assert "bees" in read["contents"][0]["text"]
    got = wire(talk(it, lambda session: session.get_prompt("recall", {"question": "Who keeps bees?"})))
    text = got["messages"][0]["content"]["text"]
    assert "on the roof" in text and text.endswith("Who keeps bees?")
