"""mem0, the MCP memory server and JSON lines; our own export gives back exactly what was written."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remanence.errors import BadConfig, BadInput, NewerVersion
from remanence.formats.base import Base, Item, Problem
from remanence.formats.jsonl import Jsonl
from remanence.formats.mcp_memory import McpMemory
from remanence.formats.mem0 import Mem0
from remanence.formats.parts.as_json import from_json, to_json
from remanence.records import Event, Link, Op, Record, Scope, Source, add

DATA = Path(__file__).parent / "data" / "formats"
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def taken(format_: Base, path: Path) -> tuple[list[Item], list[Problem]]:
    problems: list[Problem] = []
    return list(format_.read_all(path, problems.append)), problems


def lines(tmp_path: Path, *texts: str | dict[str, Any]) -> Path:
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(text if isinstance(text, str) else json.dumps(text) for text in texts))
    return path


# -- mem0 ------------------------------------------------------------------------------------------------------------

MEM0 = [
    Event(
        "Lives in Lisbon",
        datetime(2024, 4, 2, 9, tzinfo=UTC),
        session="r7",
        scope=Scope("ana", "helper", "r7"),
        channel="import",
        meta={"category": "place", "id": "m-1"},
    ),
    Event(
        "Is allergic to peanuts",
        datetime(2024, 3, 5, 8, tzinfo=UTC),
        "Ana",
        "user",
        scope=Scope("ana"),
        channel="import",
        meta={"id": "m-2"},
    ),
    Event("Likes fado", NO_TIME, scope=Scope("ana"), channel="import", meta={"id": "m-3", "undated": True}),
]


def test_mem0() -> None:
    assert taken(Mem0(), DATA / "mem0.json") == (MEM0, [])


def test_mem0_as_a_list_and_as_lines(tmp_path: Path) -> None:
    memories = json.loads((DATA / "mem0.json").read_text())["results"]
    listed = tmp_path / "list.json"
    listed.write_text(json.dumps(memories))
    for path in (listed, lines(tmp_path, *memories)):
        assert Mem0().recognises(path)
        assert taken(Mem0(), path) == (MEM0, [])


def test_mem0_reports_what_is_odd(tmp_path: Path) -> None:
    bad = [{"id": "1", "memory": ""}, {"memory": "x", "created_at": "then"}, {"memory": ["x"]}, "x"]
    items, problems = taken(Mem0(), lines(tmp_path, *bad[:3], '"x"', "", {"memory": "fine"}))
    assert [item.text for item in items if isinstance(item, Event)] == ["fine"]
    assert [p.line for p in problems] == [1, 2, 3, 4]


# -- MCP memory ------------------------------------------------------------------------------------------------------


def known(text: str, **meta: str) -> Event:
    return Event(text, NO_TIME, channel="import", meta={**meta, "undated": True})


def test_mcp_memory() -> None:
    events = [
        known("Ana (person): lives in Lisbon", entity="Ana", type="person"),
        known("Ana (person): is allergic to peanuts", entity="Ana", type="person"),
        known("Acme (company)", entity="Acme", type="company"),
        known("Ana works at Acme", **{"from": "Ana", "relation": "works_at", "to": "Acme"}),
    ]
    assert taken(McpMemory(), DATA / "mcp_memory.jsonl") == (events, [])


def test_a_grown_graph_adds_only_what_is_new(tmp_path: Path) -> None:
    old = {item.id for item in taken(McpMemory(), DATA / "mcp_memory.jsonl")[0]}
    graph = (DATA / "mcp_memory.jsonl").read_text().splitlines()
    ana = {"type": "entity", "name": "Ana", "entityType": "person"}
    grown = {**ana, "observations": ["likes fado", "lives in Lisbon", "is allergic to peanuts"]}
    new = [item for item in taken(McpMemory(), lines(tmp_path, graph[2], grown, graph[1]))[0] if item.id not in old]
    assert [item.text for item in new if isinstance(item, Event)] == ["Ana (person): likes fado"]


def test_mcp_memory_can_be_dated() -> None:
    items, _ = taken(McpMemory(at="2025-01-01"), DATA / "mcp_memory.jsonl")
    assert {item.at for item in items if isinstance(item, Event)} == {datetime(2025, 1, 1, tzinfo=UTC)}
    with pytest.raises(BadConfig, match="at: not a time"):
        McpMemory(at="long ago")


def test_mcp_memory_reports_what_is_odd(tmp_path: Path) -> None:
    entity, relation = {"type": "entity", "name": "A"}, {"type": "relation", "from": "A", "to": "B"}
    odd = [{"type": "x"}, {**entity, "name": " "}, relation, {**entity, "observations": [1, "o", " "]}, "{"]
    odd += [{**relation, "relationType": "is", "from": " "}, {**relation, "relationType": "is", "to": 1}]
    fine = [{**entity, "name": " A", "entityType": " x "}, {**relation, "relationType": " is ", "from": " A"}]
    items, problems = taken(McpMemory(), lines(tmp_path, *odd, *fine))
    assert items == [
        known("A: o", entity="A", type=""),
        known("A (x)", entity="A", type="x"),
        known("A is B", **{"from": "A", "relation": "is", "to": "B"}),
    ]
    assert [p.line for p in problems] == [1, 2, 3, 4, 4, 5, 6, 7]
    assert problems[0].message == "expected type entity or relation, got 'x'"


# -- JSON lines of anybody -------------------------------------------------------------------------------------------


def test_jsonl_of_anybody() -> None:
    at = datetime(2024, 4, 2, 9, 30, 5, tzinfo=UTC)
    later = at + timedelta(milliseconds=123)
    events = [
        Event("I moved to Lisbon.", datetime(2024, 4, 2, 7, 30, tzinfo=UTC), "Ana", "", "s1", Scope("ana")),
        Event("Noted.", at, "assistant", "assistant", "s1", channel="assistant"),
        Event("And I like fado.", at, "user", "user", "s1", meta={"id": 7}),
        Event("Hello", later, "user", "user"),
        Event("Undated words", later, "Ben"),
    ]
    assert taken(Jsonl(), DATA / "messages.jsonl") == (events, [])


@pytest.mark.parametrize("text", ["text", "content", "message"])
@pytest.mark.parametrize("at", ["at", "timestamp", "created_at", "date", "time"])
@pytest.mark.parametrize("speaker", ["speaker", "name", "author", "from"])
def test_other_names_of_the_fields(text: str, at: str, speaker: str, tmp_path: Path) -> None:
    path = lines(tmp_path, {text: "x", at: 5, speaker: "Ana"})
    assert taken(Jsonl(), path) == ([Event("x", NO_TIME + timedelta(seconds=5), "Ana")], [])


def test_other_names_of_session_scope_and_meta(tmp_path: Path) -> None:
    said = {"text": "x", "at": 1, "conversation_id": 12, "user_id": 3, "agent_id": "b", "run_id": "r", "app_id": "p"}
    path = lines(
        tmp_path, {**said, "metadata": {"mood": ["glad"]}, "colour": "red", "nested": {"gone": 1}, "none": None}
    )
    event = Event(
        "x",
        NO_TIME + timedelta(seconds=1),
        session="12",
        scope=Scope("3", "b", "r", "p"),
        channel="import",
        meta={"mood": ["glad"], "colour": "red"},
    )
    assert taken(Jsonl(), path) == ([event], [])


@pytest.mark.parametrize(
    ("said", "channel"),
    [
        ({}, "import"),
        ({"speaker": "Ana"}, "user"),
        ({"role": "human"}, "user"),
        ({"role": "AI"}, "assistant"),
        ({"role": "function"}, "tool"),
        ({"role": "system", "name": "x"}, "import"),
        ({"role": "admin", "name": "Ana"}, "user"),
        ({"role": "user", "channel": "tool"}, "tool"),
    ],
)
def test_who_spoke_says_the_channel(said: dict[str, str], channel: str, tmp_path: Path) -> None:
    items, _ = taken(Jsonl(), lines(tmp_path, {"text": "x", "at": 1, **said}))
    assert [item.channel for item in items if isinstance(item, Event)] == [channel]


def test_messages_without_any_time_keep_their_order_and_are_all_kept(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "yes"}] * 2 + [{"role": "user", "content": "no", "session": "b"}]
    items, _ = taken(Jsonl(at="2024-01-01"), lines(tmp_path, *said))
    start = datetime(2024, 1, 1, tzinfo=UTC)
    assert [item.at for item in items if isinstance(item, Event)] == [
        start + timedelta(microseconds=i) for i in (1, 2, 3)
    ]
    assert all(item.meta == {"undated": True} for item in items if isinstance(item, Event))
    grown, _ = taken(Jsonl(at="2024-01-01"), lines(tmp_path, *said, {"content": "more"}))
    assert grown[:3] == items


def test_a_time_is_taken_from_the_same_session_only(tmp_path: Path) -> None:
    said = [{"text": "a", "at": 5, "session": "1"}, {"text": "b", "session": "1"}, {"text": "c", "session": "2"}]
    items, _ = taken(Jsonl(), lines(tmp_path, *said))
    assert [item.at.second for item in items if isinstance(item, Event)] == [5, 5, 0]


def test_jsonl_reports_by_line_and_goes_on(tmp_path: Path) -> None:
    odd = ["{", "", '{"text": " "}', '{"text": "x", "at": "then"}', '{"text": "x", "channel": "y"}', "[]"]
    path = lines(tmp_path, {"text": "a", "at": 1}, *odd, '{"text": "x", "at": 1, "meta": {"a": NaN}}', {"text": "b"})
    items, problems = taken(Jsonl(), path)
    assert [item.text for item in items if isinstance(item, Event)] == ["a", "b"]
    assert [p.line for p in problems] == [2, 4, 5, 6, 7, 8]
    assert problems[0].message.startswith("not valid JSON: Expecting property name")


@pytest.mark.parametrize("text", ['say "text": 1', 'my "memory": "x"', '{"a": 1}', "[]", ""])
def test_what_is_not_recognised(text: str, tmp_path: Path) -> None:
    for format_ in (Jsonl(), Mem0(), McpMemory()):
        assert not format_.recognises(lines(tmp_path, text))


def test_text_in_parts_and_names_that_are_numbers(tmp_path: Path) -> None:
    parts = ["a", "", {"type": "text", "text": "b"}, {"type": "image"}, 3]
    items, _ = taken(Jsonl(), lines(tmp_path, {"content": parts, "at": 1, "session": True, "name": 7}))
    assert items == [Event("a\nb", NO_TIME + timedelta(seconds=1), "7")]


def test_only_lines_like_ours_are_taken_for_ours(tmp_path: Path) -> None:
    other = [{"type": "message", "id": "0" * 32, "text": "a"}, {"type": "event", "id": "7", "content": "b"}]
    items, problems = taken(Jsonl(), lines(tmp_path, *other))
    assert [(item.text, item.meta["id"]) for item in items if isinstance(item, Event)] == [("a", "0" * 32), ("b", "7")]
    assert problems == []


def test_half_characters_never_come_through(tmp_path: Path) -> None:
    said = '{"text": "a\\ud800", "at": 1, "user": "\\udc80", "speaker": "\\udfff", "session": "\\ud800"}'
    items, _ = taken(Jsonl(), lines(tmp_path, said))
    assert isinstance(items[0], Event)
    event = items[0]
    assert [set(kept) for kept in (event.scope.user, event.speaker, event.session)] == [{"\ufffd"}] * 3
    assert set(event.text) == {"a", "\ufffd"}
    assert len(items[0].id) == 32


# -- our own export --------------------------------------------------------------------------------------------------

WORDS = st.text(max_size=12) | st.sampled_from(["a\r\nb", "\u2028", "\x85x", "\ufeff", "<!-- -->", "NaN"])
SAID = WORDS.filter(lambda text: bool(text.strip()))
IDS = st.text("0123456789abcdef", min_size=32, max_size=32)
TIMES = st.datetimes(timezones=st.just(UTC))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)
METAS = st.dictionaries(WORDS, JSON, max_size=2)
SCOPES = st.builds(Scope, WORDS, WORDS, WORDS, WORDS)
EVENTS = st.builds(
    Event,
    SAID,
    TIMES,
    WORDS,
    WORDS,
    WORDS,
    SCOPES,
    st.sampled_from(["user", "assistant", "tool", "import"]),
    METAS,
    TIMES,
)
RECORDS = st.builds(
    Record,
    kind=st.sampled_from(["turn", "fact"]),
    text=SAID,
    valid_from=TIMES,
    sources=st.lists(st.builds(Source, IDS, st.integers(0, 99), st.integers(0, 99)), max_size=2).map(tuple),
    key=WORDS,
    speaker=WORDS,
    session=WORDS,
    scope=SCOPES,
    meta=METAS,
    valid_to=st.none() | TIMES,
    superseded_by=st.just("") | IDS,
    strength=st.floats(0, 1e6),
    reads=st.integers(0, 99),
    last_read=st.none() | TIMES,
    links=st.lists(st.builds(Link, IDS, WORDS, st.floats(-9, 9)), max_size=2).map(tuple),
    made_by=WORDS,
)
OPS = st.builds(
    Op,
    kind=st.sampled_from(["supersede", "merge", "link", "strengthen", "expire", "erase", "undo"]),
    record=IDS,
    other=st.just("") | IDS,
    relation=WORDS,
    value=st.none() | st.floats(-9, 9),
    at=st.none() | TIMES,
    read=st.booleans(),
    why=WORDS,
    id=st.integers(0, 99),
    recorded_at=st.none() | TIMES,
    made_by=WORDS,
    undoes=st.integers(0, 99),
) | RECORDS.map(add)


def whole(item: Item | None) -> object:
    """Everything in it, also what equality leaves out."""
    if isinstance(item, Event):
        return item, item.id, item.recorded_at
    if isinstance(item, Record):
        return item, item.id, item.links, item.made_by
    return item, whole(item.new) if item is not None else None


@settings(max_examples=150, deadline=None)
@given(item=EVENTS | RECORDS | OPS)
def test_to_json_and_back_loses_nothing(item: Item) -> None:
    assert whole(from_json(json.loads(json.dumps(to_json(item))))) == whole(item)


@settings(max_examples=80, deadline=None)
@given(items=st.lists(EVENTS | RECORDS | OPS, max_size=5))
def test_export_then_import_gives_the_same_memory(items: list[Item], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("x") / "memory.jsonl"
    assert Jsonl().write(path, iter(items)) == len(items)
    found, problems = taken(Jsonl(), path)
    assert problems == []
    assert list(map(whole, found)) == list(map(whole, items))
    assert list(Jsonl().read(path, pytest.fail)) == [item for item in items if isinstance(item, Event)]


@settings(max_examples=300, deadline=None)
@given(item=EVENTS | RECORDS | OPS, data=st.data())
def test_a_field_that_is_something_else_is_refused_or_read_never_a_crash(item: Item, data: st.DataObject) -> None:
    said = to_json(item)
    said[data.draw(st.sampled_from(sorted(said)))] = data.draw(JSON | st.just(10**400) | st.just(float("nan")))
    with suppress(BadInput):
        assert from_json(said).id is not None


EVENT = Event("Ana lives in Lisbon", NO_TIME, "Ana", meta={"half": "\ud800"})
RECORD = Record("fact", "Ana lives in Lisbon", NO_TIME, (Source(EVENT.id, 0, 19),))


def test_what_is_not_said_is_what_it_is_by_default() -> None:
    assert from_json({"type": "event", "text": "x", "at": "2024-01-01"}) == Event("x", datetime(2024, 1, 1, tzinfo=UTC))
    assert from_json({"type": "record", "kind": "fact", "text": "x", "valid_from": "1970-01-01"}) == Record(
        "fact", "x", NO_TIME
    )
    assert from_json({"type": "op", "kind": "erase", "record": "r"}) == Op("erase", "r")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"type": "evnt"}, r"no type of line 'evnt'. Did you mean 'event'\?"),
        ({"type": ["event"]}, "no type of line"),
        ({"type": "event", "text": "x"}, "event needs a time called 'at'"),
        ({"type": "event", "text": "x", "at": 5}, "not a time: 5"),
        ({"type": "event", "text": 5, "at": "1970-01-01"}, "'text' must be text, got int"),
        ({"type": "event", "text": "x", "at": "1970-01-01", "channel": "usr"}, "no channel 'usr'"),
        ({"type": "event", "text": "x", "at": "1970-01-01", "meta": []}, "'meta' must be an object, got list"),
        ({"type": "op", "kind": "ad"}, "no kind of operation 'ad'"),
        ({"type": "op", "kind": "add", "id": True}, "'id' must be a whole number, got True"),
        ({"type": "op", "kind": "add", "id": -1}, "'id' must be a whole number, got -1"),
        ({"type": "op", "kind": "add", "id": 2**63}, "'id' must be a whole number"),
        ({"type": "op", "kind": "add", "value": True}, "'value' must be a number, got True"),
        ({"type": "op", "kind": "add", "value": "1"}, "'value' must be a number, got '1'"),
        ({"type": "op", "kind": "add", "value": 10**400}, "'value' must be a number"),
        (
            {"type": "record", "kind": "fact", "text": "x", "valid_from": "1970-01-01", "sources": [["a", 1]]},
            "a source is",
        ),
    ],
)
def test_what_cannot_be_is_refused_saying_why(said: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        from_json(said)


def test_an_export_reads_like_this(tmp_path: Path) -> None:
    path = tmp_path / "memory.jsonl"
    Jsonl().write(path, [EVENT, RECORD, Op("strengthen", RECORD.id, value=2.0, id=3)])
    written = path.read_text().splitlines()
    assert written[0] == '{"remanence": 1}'
    assert [json.loads(line)["type"] for line in written[1:]] == ["event", "record", "op"]
    assert json.loads(written[3]) == {
        "type": "op",
        "id": 3,
        "kind": "strengthen",
        "record": RECORD.id,
        "value": 2.0,
        "undoes": 0,
    }
    assert taken(Jsonl(), path)[0][0] == EVENT
    assert list(tmp_path.iterdir()) == [path]


def test_a_part_of_an_export_is_ours_too(tmp_path: Path) -> None:
    assert taken(Jsonl(), lines(tmp_path, to_json(RECORD), to_json(EVENT)))[0] == [RECORD, EVENT]


def test_what_was_changed_by_hand_is_read_and_said(tmp_path: Path) -> None:
    changed = {**to_json(EVENT), "text": "Ana lives in Porto"}
    items, problems = taken(Jsonl(), lines(tmp_path, {"remanence": 1}, changed))
    assert [item.text for item in items if isinstance(item, Event)] == ["Ana lives in Porto"]
    assert [(p.line, "was changed" in p.message) for p in problems] == [(2, True)]


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NewerVersion, match=r"version 2 .* reads up to 1"):
        taken(Jsonl(), lines(tmp_path, {"remanence": 2}, to_json(EVENT)))


def test_a_version_that_is_none_is_reported(tmp_path: Path) -> None:
    items, problems = taken(Jsonl(), lines(tmp_path, {"remanence": "two"}, to_json(EVENT)))
    assert items == [EVENT]
    assert [(p.line, "number of a version" in p.message) for p in problems] == [(1, True)]


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    def items() -> Any:
        yield EVENT
        raise BadInput("the store went away")

    path = lines(tmp_path, "precious")
    with pytest.raises(BadInput, match="went away"):
        Jsonl().write(path, items())
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]
