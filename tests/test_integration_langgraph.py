"""The LangGraph store inside a graph, and what LangGraph's own tests (tests/compare) do not ask."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypedDict

import pytest

import remanence
from remanence.memory import Memory

pytest.importorskip("langgraph", reason="make test-integrations installs it")

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.base import GetOp, PutOp, SearchOp

from remanence.integrations.langgraph import RemanenceStore

ANA, BO = ("users", "ana"), ("users", "bo")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with remanence.open(tmp_path / "m.db", embed="hashing") as opened:
        yield opened


@pytest.fixture
def store(memory: Memory) -> RemanenceStore:
    return RemanenceStore(memory)


class State(TypedDict):
    user: str
    said: str
    recalled: list[str]


def remember(state: State, runtime: Runtime[Any]) -> dict[str, Any]:
    assert runtime.store is not None
    namespace = ("users", state["user"])
    found = runtime.store.search(namespace, query=state["said"], limit=1)
    runtime.store.put(namespace, str(len(found)), {"text": state["said"]})
    return {"recalled": [item.value["text"] for item in found]}


def test_a_graph_remembers_across_runs_and_users_apart(store: RemanenceStore) -> None:
    graph = StateGraph(State).add_node(remember).add_edge(START, "remember").add_edge("remember", END)
    run = graph.compile(store=store).invoke
    assert run({"user": "ana", "said": "I keep bees on the roof.", "recalled": []})["recalled"] == []
    assert run({"user": "bo", "said": "What do I keep?", "recalled": []})["recalled"] == []
    answer = run({"user": "ana", "said": "What do I keep on the roof?", "recalled": []})
    assert answer["recalled"] == ["I keep bees on the roof."]


async def asynchronously(store: RemanenceStore) -> list[Any]:
    await store.aput(ANA, "a", {"text": "bees"})
    return [await store.aget(ANA, "a"), *await store.asearch(("users",), query="bees")]


def test_it_is_there_for_asynchronous_graphs(store: RemanenceStore) -> None:
    got, found = asyncio.run(asynchronously(store))
    assert got.value == found.value == {"text": "bees"}


def test_it_is_kept_in_the_file(tmp_path: Path) -> None:
    value = {"text": "ü", "n": 1.5, "deep": [{"a": None}, True], "": "empty name"}
    with remanence.open(tmp_path / "m.db", embed="hashing") as memory:
        RemanenceStore(memory).put(ANA, "k", value)
    with remanence.open(tmp_path / "m.db", embed="hashing") as memory:
        item = RemanenceStore(memory).get(ANA, "k")
    assert item is not None
    assert (item.value, item.namespace, item.key) == (value, ANA, "k")


def test_nothing_is_lost_and_nothing_old_is_found(memory: Memory, store: RemanenceStore) -> None:
    store.put(ANA, "home", {"text": "Ana lives in Lisbon."})
    first = store.get(ANA, "home")
    store.put(ANA, "home", {"text": "Ana lives in Porto."})
    second = store.get(ANA, "home")
    assert first is not None and second is not None
    assert (second.created_at, second.updated_at > first.updated_at) == (first.created_at, True)
    assert {hit.text for hit in memory.search("Lisbon", kinds=("turn", "fact"))} == {"Ana lives in Porto."}
    store.delete(ANA, "home")
    assert store.get(ANA, "home") is None
    assert memory.search("Where does Ana live?") == []
    assert [event.meta.get("value") for event in memory.events()] == [first.value, second.value, None]
    memory.rebuild()  # derives from every event anew: what was deleted stays so
    assert store.search(("users",), query="Where does Ana live?") == []
    store.put(ANA, "home", {"text": "Ana lives in Faro."})
    third = store.get(ANA, "home")
    assert third is not None and third.created_at > second.updated_at


def test_a_clock_that_was_put_back_changes_nothing(memory: Memory, store: RemanenceStore) -> None:
    store.put(ANA, "k", {"n": 1})
    (event,) = memory.events()
    late = remanence.Event(event.text, "2999-01-01", session=event.session, scope=event.scope, meta={**event.meta})
    memory.add_many([late])
    store.put(ANA, "k", {"n": 2})
    item = store.get(ANA, "k")
    assert item is not None and item.value == {"n": 2}


def test_a_namespace_is_its_labels_and_no_pattern(store: RemanenceStore) -> None:
    store.put(("a", "*"), "k", {"n": 1})
    store.put(("a", "b"), "k", {"n": 2})
    store.put(("a", "b"), "k/c", {"n": 3})
    store.put(("a", "b", "k"), "c", {"n": 4})
    assert [item.value["n"] for item in store.search(("a", "*"))] == [1]
    assert [item.value["n"] for item in store.search(("a", "b"))] == [2, 3, 4]
    assert store.list_namespaces(prefix=("*", "b"), max_depth=2) == [("a", "b")]
    assert store.list_namespaces(suffix=("x", "y", "b")) == []


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"n": {"$gt": 1, "$lte": 3}}, "bc"),
        ({"n": {"$ne": 2}}, "acd"),
        ({"day": {"$gte": "2024-05-02"}}, "bc"),
        ({"n": {"$lt": "x"}}, "d"),
        ({"deep.tag": "x"}, "ab"),
        ({"deep": {"tag": {"$eq": "x"}}}, "ab"),
        ({"deep": {}}, "abc"),
        ({"list": [1, {"$gt": 1}]}, "c"),
        ({"none": None}, "abcd"),
    ],
)
def test_filters(store: RemanenceStore, asked: dict[str, Any], found: str) -> None:
    store.put(ANA, "a", {"n": 1, "day": "2024-05-01", "deep": {"tag": "x"}})
    store.put(ANA, "b", {"n": 2, "day": "2024-05-02", "deep": {"tag": "x"}, "list": [1, 1]})
    store.put(ANA, "c", {"n": 3, "day": "2024-05-03", "deep": {"tag": "y"}, "list": [1, 2]})
    store.put(ANA, "d", {"n": "three"})
    assert "".join(item.key for item in store.search(ANA, filter=asked)) == found


def test_an_unknown_operator_is_an_error(store: RemanenceStore) -> None:
    store.put(ANA, "a", {"n": 1})
    with pytest.raises(ValueError, match=r"no operator '\$near'.*Known: \$eq"):
        store.search(ANA, filter={"n": {"$near": 1}})


def test_what_is_not_indexed_is_found_by_no_question(memory: Memory, store: RemanenceStore) -> None:
    store.put(ANA, "quiet", {"text": "The safe is behind the bees."}, index=False)
    store.put(ANA, "field", {"text": "My cello is being mended.", "note": "bees"}, index=["text"])
    assert [(item.key, item.score is None) for item in store.search(ANA, query="bees")] == [
        ("field", False),
        ("quiet", True),
    ]
    assert {hit.text for hit in memory.search("bees")} == {"My cello is being mended."}
    memory.rebuild()
    assert [item.key for item in store.search(ANA, query="the safe behind the bees", limit=1)] == ["field"]


def test_a_batch_reads_what_was_there_and_the_last_put_counts(store: RemanenceStore) -> None:
    store.put(ANA, "a", {"n": 0})
    got, *_, found = store.batch(
        [GetOp(ANA, "a"), PutOp(ANA, "a", {"n": 1}), PutOp(ANA, "a", {"n": 2}), PutOp(BO, "b", None), SearchOp(ANA)]
    )
    assert (got.value, [item.value for item in found]) == ({"n": 0}, [{"n": 0}])
    assert [item.value for item in store.search(ANA)] == [{"n": 2}]


def test_scopes_are_apart_and_what_others_say_is_no_item(memory: Memory) -> None:
    mine, yours = RemanenceStore(memory, user="ana"), RemanenceStore(memory, user="bo")
    mine.put(("notes",), "k", {"text": "canary"})
    memory.add("canary in the mine", user="bo", app="langgraph")
    assert yours.search((), query="canary") == yours.search(()) == yours.list_namespaces() == []
    assert yours.get(("notes",), "k") is None
    yours.delete(("notes",), "k")
    assert mine.get(("notes",), "k") is not None


def wait(memory: Memory, minutes: int) -> None:
    """As if everything had happened so much earlier."""
    events = [replace(event, at=event.at - timedelta(minutes=minutes)) for event in memory.events()]
    memory.erase(everything=True)
    memory.add_many(events)


def test_time_to_live(memory: Memory) -> None:
    store = RemanenceStore(memory, ttl={"default_ttl": 10, "refresh_on_read": False})
    store.put(ANA, "short", {"text": "bees"})
    store.put(ANA, "long", {"text": "bees"}, ttl=None)
    store.put(ANA, "read", {"text": "bees"})
    wait(memory, 6)
    assert store.get(ANA, "read", refresh_ttl=True) is not None
    assert store.get(ANA, "short") is not None
    wait(memory, 6)
    assert sorted(item.key for item in store.search(ANA, query="bees")) == ["long", "read"]
    assert store.get(ANA, "short") is None
    assert (store.sweep_ttl(), store.sweep_ttl()) == (1, 0)
    assert [event.meta["shelf"] for event in memory.events(sessions='["users", "ana", "short"]')] == ["put", "gone"]
