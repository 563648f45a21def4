"""The verbs of a memory, said of whatever `remanence.open` returns."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import remanence
from remanence.errors import BadInput, NotFound
from remanence.memory import Memory
from remanence.plain import event_of
from remanence.records import Event, Record

DAYS = ("2024-05-01", "2024-05-02", "2024-05-03")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with remanence.open(tmp_path / "m.db", embed="hashing") as opened:
        yield opened


def told(memory: Memory, user: str = "ana") -> list[Event]:
    texts = ("I keep bees on the roof.", "My cello is being mended.", "We paddled down the Tagus.")
    return [memory.add(text, at=day, user=user, speaker="Ana") for text, day in zip(texts, DAYS, strict=True)]


def only(memory: Memory, text: str) -> Record:
    (found,) = [record for record in memory.records() if record.text == text]
    return found


def test_what_is_kept_only_waits_to_be_derived_from(memory: Memory) -> None:
    event = event_of("I keep bees on the roof.", at=DAYS[0], user="ana")
    assert memory.add_many([event], derive=False).new == 1
    assert memory.get(event.id) == event
    assert list(memory.records()) == []
    assert memory.status()["pending"] == 1
    assert memory.derive() == 1
    assert memory.search("bees")[0].text == event.text


def test_an_edit_holds_from_now_and_the_past_is_kept(memory: Memory) -> None:
    told(memory)
    old = only(memory, "My cello is being mended.")
    new = memory.edit(old.id, "My cello was stolen.", at="2024-06-01")
    assert (new.text, new.kind, new.speaker, new.scope) == ("My cello was stolen.", old.kind, "Ana", old.scope)
    assert [hit.text for hit in memory.search("cello") if "cello" in hit.text] == ["My cello was stolen."]
    assert memory.get(old.id).superseded_by == new.id
    past = memory.as_of("2024-05-20").search("cello")
    assert [hit.text for hit in past if "cello" in hit.text] == ["My cello is being mended."]
    (source,) = new.sources
    assert memory.get(source.event).meta["corrects"] == old.id


def test_an_edit_taken_back_leaves_what_was(memory: Memory) -> None:
    told(memory)
    old = only(memory, "My cello is being mended.")
    memory.edit(old.id, "My cello was stolen.")
    (replaced,) = [op for op in memory.history(old.id) if op.kind == "supersede"]
    memory.undo(replaced.id)
    assert only(memory, old.text).superseded_by == ""


@pytest.mark.parametrize("method", ["words", "mem0", "propositions", "mem_tree"])
def test_what_a_method_would_not_derive_is_said_all_the_same(tmp_path: Path, method: str) -> None:
    with remanence.open(tmp_path / "m.db", embed="hashing", method=method) as memory:
        memory.add("Ana lives in Lisbon.", at=DAYS[0], user="ana", speaker="Ana")
        old = next(memory.records())
        new = memory.edit(old.id, "hmm.", at=DAYS[1])
        assert (new.text, new.kind) == ("hmm.", old.kind)
        assert old.id not in {record.id for record in memory.records()}


def test_nothing_is_edited_into_nothing(memory: Memory) -> None:
    told(memory)
    before = list(memory.records())
    with pytest.raises(BadInput, match="needs text"):
        memory.edit(before[0].id, "  ")
    with pytest.raises(NotFound):
        memory.edit("00000000", "My cello was stolen.")
    assert list(memory.records()) == before


@pytest.mark.parametrize(("method", "how"), [("memory_bank", {}), ("fifo", {"budget": 1})])
def test_what_is_pinned_does_not_fade(tmp_path: Path, method: str, how: dict[str, int]) -> None:
    with remanence.open(tmp_path / "m.db", embed="hashing", method=method, **how) as memory:
        told(memory)
        kept = only(memory, "My cello is being mended.")
        pin = memory.pin(kept.id)
        memory.forget(now="2034-05-01")
        assert kept.id in {record.id for record in memory.records(kinds="turn")}
        assert len(list(memory.records(kinds="turn"))) < 3
        memory.undo(pin.id)
        memory.forget(now="2034-05-01")
        assert kept.id not in {record.id for record in memory.records(kinds="turn")}


def test_events_can_be_named(memory: Memory) -> None:
    bees, cello, tagus = told(memory)
    assert [event.id for event in memory.events(events=[cello.id])] == [cello.id]
    assert {record.text for record in memory.records(events=(bees.id, tagus.id))} == {bees.text, tagus.text}
    assert [hit.text for hit in memory.search("what of the roof?", events=cello.id)] == [cello.text]
    assert memory.erase(events=bees.id) == 1
    assert [event.id for event in memory.events()] == [cello.id, tagus.id]
    assert not [hit for hit in memory.search("bees") if "bees" in hit.text]
    with pytest.raises(BadInput, match="32 hex digits"):
        memory.erase(events="all of them")


def test_a_part_is_exported_as_events(memory: Memory, tmp_path: Path) -> None:
    told(memory)
    told(memory, user="bo")
    assert memory.export(tmp_path / "bo.jsonl", user="bo") == 3
    with remanence.open(tmp_path / "other.db", embed="hashing") as other:
        assert other.import_(tmp_path / "bo.jsonl").new == 3
        assert {event.scope.user for event in other.events()} == {"bo"}
        assert len(list(other.records())) == 3
