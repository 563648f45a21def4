"""Laws every text memory obeys. A new file under text/ is tested here without being named here."""

from datetime import timedelta

import pytest

import remanence
from remanence.errors import BadInput
from remanence.local import Local
from remanence.records import Event, Filter, Scope, utc
from remanence.registry import names

START = utc("2024-05-01T09:00:00")
TOPICS = (
    "the garden fence",
    "a violin lesson",
    "the tax letter",
    "Greek olives",
    "a broken bicycle",
    "the night train",
)


def conversation(n: int = 24) -> list[Event]:
    """Turns of two people over several days, each about one topic and holding one number nobody else says."""
    return [
        Event(
            f"I talked about {TOPICS[i % len(TOPICS)]} and the number {1000 + i}.",
            START + timedelta(hours=7 * i),
            speaker=("Ana", "Ben")[i % 2],
            session=f"day {i // 6}",
            scope=Scope(user=("u1", "u2")[i // 12 % 2]),
        )
        for i in range(n)
    ]


@pytest.fixture(params=names("text"))
def memory(request, tmp_path):
    with remanence.open(tmp_path / "m.db", method=request.param, embed="hashing") as opened:
        yield opened


def test_reads_at_most_k_best_first_and_says_why(memory: Local):
    memory.add_many(conversation())
    hits = memory.search("who talked about the violin lesson?", k=4)
    assert 0 < len(hits) <= 4
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        assert hit.why, "a score has reasons"
        assert sum(hit.why.values()) == pytest.approx(hit.score, rel=1e-3, abs=1e-4)


def test_what_is_recalled_cites_what_was_said(memory: Local):
    events = {event.id: event for event in conversation()}
    memory.add_many(events.values())
    for hit in memory.search("a tax letter", k=5):
        assert hit.sources
        for source in hit.sources:
            assert events[source.event].text[source.start : source.end].strip()


def test_the_same_events_again_change_nothing(memory: Local):
    memory.add_many(conversation())
    before = [record.id for record in memory.records()], len(memory.history())
    assert memory.add_many(conversation()).new == 0
    assert ([record.id for record in memory.records()], len(memory.history())) == before


def test_a_filter_is_never_broken(memory: Local):
    memory.add_many(conversation())
    memory.consolidate(now=START + timedelta(days=30))
    for hit in memory.search("the violin lesson and the garden fence", k=20, user="u2"):
        assert hit.record.scope.user == "u2"
    window = (START + timedelta(days=1), START + timedelta(days=2))
    for hit in memory.search("violin, fence, olives, train", k=20, between=window):
        assert window[0] <= hit.at < window[1]
    assert memory.search("the violin lesson", user="nobody") == []


def test_as_of_knows_nothing_later(memory: Local):
    memory.add_many(conversation())
    then = START + timedelta(hours=30)
    past = memory.as_of(then)
    hits = past.search("garden, violin, tax, olives, bicycle, train", k=50)
    assert hits
    assert all(hit.at <= then for hit in hits)
    assert all(memory.get(source.event).at <= then for hit in hits for source in hit.sources)


def test_an_empty_memory_answers_with_nothing(memory: Local):
    assert memory.search("anything") == []
    assert memory.context("anything").text == ""
    assert memory.consolidate() == []
    assert memory.forget() == []


def test_deriving_anew_gives_the_same(memory: Local):
    memory.add_many(conversation())
    before = {record.id for record in memory.records()}
    assert memory.rebuild() == len(conversation())
    assert {record.id for record in memory.records()} == before


def test_consolidating_twice_adds_nothing(memory: Local):
    memory.add_many(conversation())
    later = START + timedelta(days=30)
    memory.consolidate(now=later)
    assert memory.consolidate(now=later) == []


def test_a_dry_run_changes_nothing_and_tells_the_truth(memory: Local):
    memory.add_many(conversation())
    later, before = START + timedelta(days=400), len(memory.history())
    for verb in (memory.consolidate, memory.forget):
        said = verb(now=later, dry_run=True)
        assert len(memory.history()) == before
        done = verb(now=later)
        assert [(op.kind, op.record) for op in done] == [(op.kind, op.record) for op in said]
        before = len(memory.history())


def test_forgotten_is_not_recalled_and_undo_brings_it_back(memory: Local):
    memory.add_many(conversation())
    target = memory.search("number 1007", k=1)[0].id
    (op,) = memory.forget(target)
    assert target not in [hit.id for hit in memory.search("number 1007", k=50)]
    memory.undo(op.id)
    assert target in [hit.id for hit in memory.search("number 1007", k=50)]


def test_forgotten_stays_forgotten(memory: Local):
    memory.add_many(conversation())
    later = START + timedelta(days=30)
    memory.consolidate(now=later)
    gone = {hit.id for hit in memory.search("violin, fence, olives, train", k=3)}
    for id in gone:
        memory.forget(id)
    memory.consolidate(now=later)
    assert not gone & {hit.id for hit in memory.search("violin, fence, olives, train", k=100)}


def test_what_shared_a_memory_with_the_erased_is_still_found(memory: Local):
    memory.add_many(conversation())
    memory.consolidate(now=START + timedelta(days=30))
    first, second = list(memory.events(user="u1"))[:2]
    memory.erase(between=(first.at, second.at))
    cited = {source.event for hit in memory.search(second.text, k=50) for source in hit.sources}
    assert second.id in cited
    assert first.id not in cited


def test_erased_is_gone(memory: Local):
    memory.add_many(conversation())
    memory.consolidate(now=START + timedelta(days=30))
    gone = {event.id for event in memory.events(user="u1")}
    assert memory.erase(user="u1") == len(gone)
    assert {event.scope.user for event in memory.events()} == {"u2"}
    for record in memory.records():
        assert not gone & {source.event for source in record.sources}
    assert memory.search("the violin lesson", user="u1") == []


def test_reopened_it_answers_the_same(memory: Local, tmp_path):
    memory.add_many(conversation())
    question = "who has a broken bicycle?"
    before = [(hit.id, round(hit.score, 3)) for hit in memory.as_of(START + timedelta(days=9)).search(question)]
    memory.close()
    with remanence.open(tmp_path / "m.db", embed="hashing") as again:
        then = again.as_of(START + timedelta(days=9))
        assert [(hit.id, round(hit.score, 3)) for hit in then.search(question)] == before


def test_one_batch_or_many_is_the_same_memory(memory: Local, tmp_path):
    memory.add_many(conversation())
    with remanence.open(tmp_path / "other.db", method=memory.name, embed="hashing") as other:
        for event in conversation():
            other.add_many([event])
        turns = {record.id for record in memory.records(kinds="turn")}
        assert {record.id for record in other.records(kinds="turn")} == turns


def test_hostile_questions_get_an_answer(memory: Local):
    memory.add_many(conversation())
    for question in ("", " ", '"', "AND OR NOT NEAR(", "a" * 10_000, "\0", "\ud800", "مرحبا", "🙂", "x'; DROP TABLE--"):
        assert isinstance(memory.search(question), list)


def test_k_below_one_is_refused(memory: Local):
    with pytest.raises(BadInput, match="k must be at least 1, got 0"):
        memory.search("x", k=0)


def test_records_allow_what_search_allows(memory: Local):
    memory.add_many(conversation())
    allowed = Filter(user="u1")
    ids = {record.id for record in memory.store.records(allowed)}
    assert {hit.id for hit in memory.search("fence violin tax olives bicycle train", k=100, user="u1")} <= ids
