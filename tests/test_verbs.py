"""The verbs of a memory, said of whatever `remanence.open` returns."""

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import remanence
from remanence.errors import BadConfig, BadInput, NotFound, ReadOnly, UnknownName
from remanence.memory import Memory
from remanence.plain import event_of
from remanence.records import Event, Record
from served import served

TOLD = ("I keep bees on the roof.", "My cello is being mended.", "We paddled down the Tagus.")
DAYS = ("2024-05-01", "2024-05-02", "2024-05-03")


PLACES = ["here", "served"] if importlib.util.find_spec("uvicorn") else ["here"]


@pytest.fixture(params=PLACES)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Memory]]:
    """A memory in a file, and the same file behind a server."""
    with ExitStack() as until:

        def open(**how: Any) -> Memory:
            path = tmp_path / "m.db"
            if request.param == "here":
                return until.enter_context(remanence.open(path, embed="hashing", **how))
            return until.enter_context(remanence.open(until.enter_context(served(path, **how))))

        yield open


@pytest.fixture
def memory(opened: Callable[..., Memory]) -> Memory:
    return opened()


def told(memory: Memory, user: str = "ana") -> list[Event]:
    return [memory.add(text, at=day, user=user, speaker="Ana") for text, day in zip(TOLD, DAYS, strict=True)]


def only(memory: Memory, text: str) -> Record:
    (found,) = [record for record in memory.records() if record.text == text]
    return found


def test_what_is_kept_only_waits_to_be_derived_from(memory: Memory) -> None:
    event = event_of("I keep bees on the roof.", at=DAYS[0], user="ana")
    assert memory.add_many([event], derive=False).new == 1
    assert memory.get(event.id) == event
    memory.derive()
    assert memory.status()["pending"] == 0
    assert memory.search("bees")[0].text == event.text


def test_on_this_machine_it_waits_until_it_is_asked_for(tmp_path: Path) -> None:
    with remanence.open(tmp_path / "m.db", embed="hashing") as memory:
        memory.add_many([event_of("I keep bees on the roof.")], derive=False)
        assert list(memory.records()) == []
        assert memory.status()["pending"] == 1
        assert memory.derive() == 1
        assert len(list(memory.records())) == 1


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
def test_what_a_method_would_not_derive_is_said_all_the_same(opened: Callable[..., Memory], method: str) -> None:
    with opened(method=method) as memory:
        memory.add("Ana lives in Lisbon.", at=DAYS[0], user="ana", speaker="Ana")
        old = next(memory.records())
        new = memory.edit(old.id, "hmm.", at=DAYS[1])
        assert (new.text, new.kind) == ("hmm.", old.kind)
        assert old.id not in {record.id for record in memory.records()}


def test_nothing_is_edited_into_nothing(memory: Memory) -> None:
    told(memory)
    before = list(memory.records())
    with pytest.raises(BadInput):
        memory.edit(before[0].id, "  ")
    with pytest.raises(NotFound):
        memory.edit("00000000", "My cello was stolen.")
    assert list(memory.records()) == before


@pytest.mark.parametrize(("method", "how"), [("memory_bank", {}), ("fifo", {"budget": 1})])
def test_what_is_pinned_does_not_fade(opened: Callable[..., Memory], method: str, how: dict[str, int]) -> None:
    with opened(method=method, **how) as memory:
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


def teas(n: int) -> list[Event]:
    return [event_of(f"Turn {i} is about tea.", at=f"2024-05-01T{i:02}:00") for i in range(n)]


def test_counts_say_what_was_new(memory: Memory) -> None:
    heard: list[tuple[int, int | None]] = []
    added = memory.add_many([*teas(3), *teas(2)], progress=lambda done, of: heard.append((done, of)))
    assert (added.new, added.known, heard) == (3, 2, [(5, None)])
    assert (memory.add_many(teas(5)).new, memory.add_many([]).new) == (2, 0)


def test_more_than_a_page_comes_whole_and_in_order(memory: Memory) -> None:
    many = [event_of(f"Number {i}.", at="2024-05-01", meta={"i": i}) for i in range(1203)]
    assert memory.add_many(many).new == len(many)
    assert {event.id for event in memory.events()} == {event.id for event in many}
    assert [record.text for record in memory.records()] == [event.text for event in many]
    assert [record.text for record in memory.records(meta={"i": 700})] == ["Number 700."]


def test_what_was_recalled_is_not_remembered_anew_but_rebuilt(memory: Memory) -> None:
    memory.add("The key is under the mat.", at=DAYS[0], channel="assistant")
    memory.search("where is the key?")
    memory.add("- The key is under the MAT.", at=DAYS[1], channel="assistant")
    assert [len(list(memory.events())), len(list(memory.records()))] == [2, 1]
    memory.rebuild()
    assert "The key is under the mat." in [record.text for record in memory.records()], "it was recalled, and was said"


def test_the_past_can_be_read_and_not_changed(memory: Memory) -> None:
    memory.add_many(teas(3))
    past = memory.as_of("2024-05-01T01:00")
    assert [event.text for event in past.events()] == ["Turn 0 is about tea.", "Turn 1 is about tea."]
    assert {hit.text for hit in past.search("tea")} == {"Turn 0 is about tea.", "Turn 1 is about tea."}
    any_record = next(memory.records()).id
    for verb in (
        lambda: past.add("x"),
        lambda: past.edit(any_record, "x"),
        lambda: past.pin(any_record),
        lambda: past.derive(),
        lambda: past.consolidate(),
        lambda: past.forget(),
        lambda: past.undo(1),
        lambda: past.rebuild(),
        lambda: past.erase(everything=True),
    ):
        with pytest.raises(ReadOnly, match="as of 2024-05-01: it can be read, not changed"):
            verb()
    past.close()
    assert len(list(memory.records())) == 3, "closing a view closes nothing"


def test_every_field_of_an_event_comes_back(memory: Memory) -> None:
    said = {
        "user": "ana",
        "agent": "a",
        "run": "r",
        "app": "p",
        "speaker": "Ana \u202e",
        "session": "s/1",
        "role": "user",
    }
    event = memory.add("Tea, über\nall ☕", at=DAYS[0], channel="tool", meta={"deep": [1, {"x": None}]}, **said)
    (kept,) = memory.events(user="ana", channels="tool", meta={"deep": [1, {"x": None}]})
    assert kept == memory.get(event.id) == event
    (record,) = memory.records()
    assert (record.scope, record.speaker, record.session) == (event.scope, event.speaker, event.session)


def test_recalling_says_why_and_from_where(memory: Memory) -> None:
    bees, *_ = told(memory)
    hit = memory.search("Who keeps bees?", k=1, user="ana")[0]
    assert (hit.text, hit.sources[0].event, hit.record.valid_from) == (bees.text, bees.id, bees.at)
    assert hit.score > 0 < sum(hit.why.values())
    made = memory.context("Who keeps bees?", tokens=60, now="2024-05-04")
    assert bees.text in made.text and 0 < made.tokens <= 60
    reply = memory.ask("Who keeps bees?")
    assert reply.by == "rules" and reply.hits[0].id == hit.id


def test_what_changes_is_logged_and_can_be_taken_back(memory: Memory) -> None:
    told(memory)
    record = only(memory, "My cello is being mended.")
    assert [op.kind for op in memory.forget(record.id, dry_run=True)] == ["expire"]
    (gone,) = memory.forget(record.id)
    assert record.id not in {other.id for other in memory.records()}
    assert memory.history(record.id)[-1] == gone == memory.history()[-1]
    assert memory.undo(gone.id).undoes == gone.id
    assert only(memory, record.text) == record
    assert (memory.forget(), memory.consolidate(), memory.consolidate(dry_run=True)) == ([], [], [])


def test_another_method_derives_anew(memory: Memory) -> None:
    told(memory)
    assert memory.rebuild("dense") == 3
    assert (memory.name, memory.status()["method"]) == ("dense", "dense")
    with pytest.raises(UnknownName, match="dense"):
        memory.rebuild("dence")


def test_what_is_erased_is_gone(memory: Memory) -> None:
    told(memory)
    told(memory, user="bo")
    assert memory.erase(user="bo", dry_run=True) == 3
    assert memory.erase(user="bo") == 3
    assert {event.scope.user for event in memory.events()} == {"ana"}
    with pytest.raises(BadInput, match="say what to erase"):
        memory.erase()
    assert memory.erase(everything=True) == 3
    assert list(memory.events()) == list(memory.records()) == []


def test_moved_with_its_log_it_is_the_same(memory: Memory, tmp_path: Path) -> None:
    told(memory)
    forgotten = only(memory, "My cello is being mended.")
    memory.forget(forgotten.id)
    memory.edit(only(memory, "I keep bees on the roof.").id, "The bees are gone.", at=DAYS[2])
    memory.export(tmp_path / "whole.jsonl")
    before, ops = list(memory.records()), [op.kind for op in memory.history()]
    memory.erase(everything=True)
    heard: list[int] = []
    added = memory.import_(tmp_path / "whole.jsonl", progress=lambda done, of: heard.append(done))
    assert (added.new, added.problems) == (4, ())
    assert list(memory.records()) == before
    assert [op.kind for op in memory.history() if op.kind != "erase"] == ops
    assert memory.import_(tmp_path / "whole.jsonl").known == 4


def test_a_file_of_another_program_says_what_it_could_not_hold(memory: Memory, tmp_path: Path) -> None:
    lines = tmp_path / "chat.jsonl"
    lines.write_text('{"text": "I sail.", "user": "bo"}\n{"text": 7}\n{"text": "I row.", "at": "2024-05-01"}\n')
    added = memory.import_(lines, user="ana")
    assert (added.new, len(added.problems)) == (2, 1)
    assert "line 2" in str(added.problems[0])
    assert sorted(event.scope.user for event in memory.events()) == ["ana", "bo"]


def test_what_cannot_be_is_said(memory: Memory) -> None:
    for error, verb in (
        (NotFound, lambda: memory.get("0" * 32)),
        (NotFound, lambda: memory.history("0" * 32)),
        (NotFound, lambda: memory.undo(10**6)),
        (BadConfig, lambda: memory.search("x", users="ana")),
        (BadInput, lambda: memory.search("x", k=0)),
        (BadInput, lambda: memory.context("x", tokens=0)),
        (BadInput, lambda: memory.search("x", between=("2024-05-02", "2024-05-01"))),
        (BadInput, lambda: memory.as_of("yesterday")),
        (BadInput, lambda: memory.add(" ")),
    ):
        with pytest.raises(error):
            verb()


# -- what a person decided, when everything is derived anew ----------------------------------------------------------


def test_what_was_decided_outlives_a_rebuild(memory: Memory) -> None:
    told(memory)
    bees, cello, tagus = (only(memory, text).id for text in TOLD)
    memory.forget(cello)
    memory.pin(tagus)
    edited = memory.edit(bees, "The bees are gone.", at="2024-06-01").id
    before = {record.id: record.strength for record in memory.records()}
    for _ in range(2):
        memory.rebuild()
        assert {record.id: record.strength for record in memory.records()} == before
        assert memory.get(bees).superseded_by == edited
        assert [hit.text for hit in memory.as_of("2024-05-20").search("bees", k=1)] == [TOLD[0]]
    (gone,) = [op for op in memory.history(cello) if op.kind == "expire"]
    memory.undo(gone.id)
    memory.rebuild()
    assert cello in {record.id for record in memory.records()}


def test_what_was_taken_back_stays_taken_back(memory: Memory) -> None:
    memory.add("I live in Lisbon.", at=DAYS[0], user="ana", speaker="Ana")
    memory.add("I live in Porto now.", at=DAYS[1], user="ana", speaker="Ana")
    (ended,) = [op for op in memory.history() if op.kind == "supersede"]
    memory.rebuild()
    assert memory.get(ended.record).valid_to, "a method decides again as it did"
    (ended,) = [op for op in memory.history() if op.kind == "supersede"]
    memory.undo(ended.id)
    memory.rebuild()
    assert memory.get(ended.record).valid_to is None


def test_what_was_said_though_no_method_derives_it_is_said_anew(opened: Callable[..., Memory]) -> None:
    memory = opened(method="mem0")
    memory.add("Ana lives in Lisbon.", at=DAYS[0], user="ana", speaker="Ana")
    old = next(memory.records())
    new = memory.edit(old.id, "hmm.", at=DAYS[1])
    memory.rebuild()
    assert [record.id for record in memory.records()] == [new.id]
    assert memory.get(old.id).superseded_by == new.id


def test_a_correction_from_anywhere_is_read_with_care(memory: Memory) -> None:
    for i, kind in enumerate((7, "two words", None, {"a": 1})):
        memory.add(f"Note {i}.", at=DAYS[0], meta={"corrects": "nothing", "kind": kind})
    assert len(list(memory.records())) == 4
