"""Every change can be taken back, and the taking back too; what cannot is refused and says why."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import remanence
from remanence.errors import BadInput, NotFound
from remanence.local import Local
from remanence.records import Event, Op, OpKind, Record, Source, add, utc
from soundness import check

START = utc("2024-05-01")


def fact(event: Event, text: str, **more: Any) -> Record:
    return Record("fact", text, event.at, (Source(event.id, 0, len(event.text)),), **more)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Local]:
    with remanence.open(tmp_path / "m.db", embed="hashing") as opened:
        opened.add_many(Event(f"Turn {i} is about tea.", START + timedelta(days=i)) for i in range(4))
        yield opened


@pytest.fixture
def ids(memory: Local) -> list[str]:
    return [record.id for record in memory.records()]


def state(memory: Local) -> tuple[object, ...]:
    """Everything that an operation may change, and what is found."""
    rows = range(1, memory.status()["records"] + 1)
    hits = sorted((hit.id, round(hit.score, 4)) for hit in memory.search("tea", k=50, now=START))
    held = [(record, record.links) for record in memory.store.read(rows).values()]
    return held, hits, [record.id for record in memory.records()]


def each(ids: list[str]) -> dict[str, Op]:
    day = START + timedelta(days=9)
    return {
        "supersede": Op("supersede", ids[0], ids[1], at=day),
        "merge": Op("merge", ids[0], ids[1], at=day),
        "expire": Op("expire", ids[0], at=day),
        "link": Op("link", ids[0], ids[1], "before", 0.5),
        "strengthen": Op("strengthen", ids[0], value=2.5, at=day),
        "read": Op("strengthen", ids[0], value=0.5, at=day, read=True),
    }


KINDS = ["add", "supersede", "merge", "expire", "link", "strengthen", "read"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_taken_back_and_brought_back(memory: Local, ids: list[str], kind: str) -> None:
    before = state(memory)
    new = fact(next(memory.events()), "They like tea.")
    (op,) = memory.store.apply([add(new) if kind == "add" else each(ids)[kind]], by="test")
    after = state(memory)
    assert after != before
    undone = memory.undo(op.id)
    assert (undone.kind, undone.undoes, undone.record, undone.made_by) == ("undo", op.id, op.record, "user")
    if kind == "add":
        assert state(memory)[1:] == before[1:], "it is kept, and not found"
    else:
        assert state(memory) == before
    again = memory.undo(undone.id)
    assert again.undoes == undone.id
    assert state(memory) == after
    memory.undo(again.id)
    assert state(memory)[1:] == before[1:]
    assert [op.kind for op in memory.history()[4:]] == [op.kind, "undo", "undo", "undo"]
    check(memory)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_changed_again_later_is_not_undone(memory: Local, ids: list[str], kind: str) -> None:
    later: dict[str, Op] = {
        "add": Op("expire", ids[0]),
        "supersede": Op("supersede", ids[0], ids[2]),
        "merge": Op("merge", ids[0], ids[2]),
        "expire": Op("merge", ids[0], ids[2]),
        "link": Op("link", ids[0], ids[1], "before", 0.9),
        "strengthen": Op("strengthen", ids[0], value=7.0),
        "read": Op("strengthen", ids[0], at=START, read=True),
    }
    number = 1 if kind == "add" else memory.store.apply([each(ids)[kind]])[0].id
    (second,) = memory.store.apply([later[kind]])
    before = state(memory)
    for _ in range(2):
        with pytest.raises(
            BadInput, match=rf"operation {number} cannot be undone: \w+ was changed again later; undo that"
        ):
            memory.undo(number)
        assert state(memory) == before
    memory.undo(second.id)
    memory.undo(number)
    assert ids[0] not in state(memory)[2] if kind == "add" else ids[0] in state(memory)[2]


def test_an_undo_is_done_once(memory: Local, ids: list[str]) -> None:
    for number in (memory.store.apply([op])[0].id for op in each(ids).values()):
        memory.undo(number)
        with pytest.raises(BadInput, match="was changed again later"):
            memory.undo(number)


def test_there_is_no_such_operation(memory: Local) -> None:
    for number in (0, -1, 99):
        with pytest.raises(NotFound, match=f"no operation {number}; `history` lists them"):
            memory.undo(number)


def test_history_shows_it_to_both_sides(memory: Local, ids: list[str]) -> None:
    (op,) = memory.store.apply([Op("supersede", ids[0], ids[1], why="they moved")], by="test/1")
    undone = memory.undo(op.id)
    for id in ids[:2]:
        mine = memory.history(id)
        assert [(o.kind, o.record, o.other) for o in mine[1:]] == [("supersede", *ids[:2]), ("undo", *ids[:2])]
    kept = memory.history()[-2]
    assert (kept.why, kept.made_by, kept.id) == ("they moved", "test/1", op.id)
    assert kept == op, "what apply gives back is what the log holds"
    assert memory.history()[-1] == undone
    assert memory.history(ids[3]) == [o for o in memory.history() if o.record == ids[3]]


def test_a_superseded_record_comes_back(memory: Local, ids: list[str]) -> None:
    (op,) = memory.store.apply([Op("supersede", ids[0], ids[1], at=START + timedelta(days=1))])
    assert ids[0] not in [hit.id for hit in memory.search("tea", k=9)]
    assert ids[0] in [hit.id for hit in memory.search("tea", k=9, as_of=START + timedelta(hours=23))]
    assert memory.get(ids[0]).superseded_by == ids[1]
    memory.undo(op.id)
    assert ids[0] in [hit.id for hit in memory.search("tea", k=9)]
    assert (memory.get(ids[0]).superseded_by, memory.get(ids[0]).valid_to) == ("", None)


@pytest.mark.parametrize("gone", ["expire", "merge", "undo"])
def test_only_what_is_said_again_is_back(memory: Local, ids: list[str], gone: str) -> None:
    record = memory.get(ids[0])
    if gone == "undo":
        memory.undo(1)
    else:
        memory.store.apply([Op(gone, ids[0], ids[1] if gone == "merge" else "")])  # type: ignore[arg-type]
    assert ids[0] not in state(memory)[2]
    assert memory.store.apply([add(record)]) == [], "what was forgotten does not come back by itself"
    assert ids[0] not in state(memory)[2]
    said = [memory.store.event(source.event) for source in record.sources]
    (back,) = memory.store.apply([add(record)], events=said)
    assert ids[0] in state(memory)[2]
    assert memory.get(ids[0]).superseded_by == ""
    assert memory.store.apply([add(record)]) == [], "it is there"
    memory.undo(back.id)
    assert ids[0] not in state(memory)[2]
    check(memory)


def test_what_changes_nothing_is_not_logged(memory: Local, ids: list[str]) -> None:
    for op in (*each(ids).values(), Op("strengthen", ids[2])):
        memory.store.apply([op])
    known = memory.history()
    for kind in ("supersede", "expire", "link", "strengthen"):
        assert (
            memory.store.apply([each(ids)[kind] if kind != "strengthen" else Op("strengthen", ids[0], value=0.5)]) == []
        )
    assert memory.forget(ids[0]) == [], "it is forgotten already"
    assert memory.history() == known


def test_an_operation_on_nothing_is_refused_whole(memory: Local, ids: list[str]) -> None:
    event = Event("Not to be kept.", START)
    nobody = "ab" * 16
    wrong = {
        "no record": [Op("expire", nobody)],
        "a record cites event": [add(Record("fact", "x", START, (Source(nobody, 0, 1),)))],
        "cites no event": [add(Record("fact", "x", START))],
        "needs the record that replaces it": [Op("supersede", ids[0])],
        "needs the new record": [Op("add", ids[0])],
        "use erase": [Op("erase", ids[0])],
        "no operation": [Op("undo", ids[0], undoes=77)],
    }
    before = state(memory)
    for message, ops in wrong.items():
        with pytest.raises((BadInput, NotFound), match=message):
            memory.store.apply([Op("strengthen", ids[0], value=9.0), *ops], events=[event])
        assert state(memory) == before
        assert event.id not in {kept.id for kept in memory.events()}
    check(memory)


def test_sources_may_be_cited_in_any_order_and_twice(memory: Local) -> None:
    events = list(memory.events())
    spans = [
        Source(events[i].id, start, end) for i, start, end in ((2, 0, 4), (0, 5, 9), (0, 0, 3), (0, 0, 6), (2, 0, 4))
    ]
    record = Record("summary", "All is tea.", START, tuple(spans))
    memory.store.apply([add(record)])
    (held,) = memory.records(kinds="summary")
    assert held.id == record.id
    assert set(held.sources) == set(spans)
    assert memory.forget(held.id)[0].record == record.id


class Anything(RuleBasedStateMachine):
    """Any sequence of what people do, beside a dictionary that does the same."""

    words = st.sampled_from("tea bread garden violin Lisbon olive".split())  # noqa: SIM905
    users = st.sampled_from(["ana", "ben"])

    @initialize(method=st.sampled_from(["words", "dense", "hybrid"]))
    def begin(self, method: str) -> None:
        self.memory = remanence.open(method=method, embed="hashing")
        self.held: dict[str, Event] = {}
        self.hidden: set[str] = set()  # texts
        self.log: list[tuple[int, OpKind, str]] = []

    @rule(word=words, user=users, n=st.integers(0, 9))
    def add(self, word: str, user: str, n: int) -> None:
        event = self.memory.add(f"Number {n} says {word}.", at=START + timedelta(days=n), user=user)
        self.held[event.id] = event

    @rule(word=words, user=st.sampled_from(["", "ana", "ben"]))
    def search(self, word: str, user: str) -> None:
        found = {hit.sources[0].event for hit in self.memory.search(word, k=200, user=user)}
        open_ = {id for id, e in self.held.items() if id not in self.hidden and user in ("", e.scope.user)}
        assert found <= open_
        assert {id for id in open_ if word in self.held[id].text} <= found

    @precondition(lambda self: self.held.keys() - self.hidden)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(sorted(self.held.keys() - self.hidden)))
        (record,) = (r for r in self.memory.records() if r.sources[0].event == event)
        (op,) = self.memory.forget(record.id)
        self.hidden.add(event)
        self.log.append((op.id, "expire", event))

    @precondition(lambda self: self.log)
    @rule()
    def undo_the_last(self) -> None:
        number, kind, event = self.log.pop()
        undone = self.memory.undo(number)
        (self.hidden.discard if kind == "expire" else self.hidden.add)(event)
        self.log.append((undone.id, "undo" if kind == "expire" else "expire", event))

    @rule(user=users)
    def erase(self, user: str) -> None:
        gone = {id for id, event in self.held.items() if event.scope.user == user}
        assert self.memory.erase(user=user) == len(gone)
        self.held = {id: event for id, event in self.held.items() if id not in gone}
        self.hidden -= gone
        self.log = [entry for entry in self.log if entry[2] not in gone]

    @rule()
    def rebuild(self) -> None:
        assert self.memory.rebuild() == len(self.held)
        self.log = []  # operations have other numbers; what was decided is decided again

    @invariant()
    def it_holds_what_it_should(self) -> None:
        if hasattr(self, "memory"):
            assert {event.id for event in self.memory.events()} == self.held.keys()
            assert {r.sources[0].event for r in self.memory.records()} == self.held.keys() - self.hidden

    def teardown(self) -> None:
        if hasattr(self, "memory"):
            check(self.memory)
            self.memory.close()


TestAnything = Anything.TestCase
TestAnything.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


@pytest.mark.slow
class TestAnythingForLong(Anything.TestCase):  # type: ignore[misc,name-defined]
    settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
