"""Text, times, filters, embedders and files that are not as they should be: a clear error, or kept as they are."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import remanence
from remanence.embed.base import Base as Embedder
from remanence.embed.hashing import Hashing
from remanence.errors import (
    BadConfig,
    BadInput,
    UnknownName,
)
from remanence.local import Local
from remanence.records import Event, Record, Scope, utc
from soundness import check

DAY = "2024-05-01"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.db"


@pytest.fixture
def memory(path: Path):
    with remanence.open(path, embed="hashing") as opened:
        yield opened


# -- text ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", " ", "\n\t\r\f\v", "\u2003\u00a0", None, 5, b"bytes", ["a"]], ids=repr)
def test_what_is_no_text_is_refused(memory: Local, text: Any) -> None:
    with pytest.raises(BadInput, match="an event needs text"):
        memory.add(text, at=DAY)
    assert list(memory.events()) == []


STRANGE = {
    "NUL": "before\0after",
    "only NUL": "\0",
    "control characters": "".join(map(chr, range(1, 32))) + "x",
    "the separator of ids": "a\x1fb\x1fc",
    "right to left": "مرحبا بالعالم ‏שלום",
    "emoji": "🙂👩‍👩‍👧‍👦🏳️‍🌈",
    "combining marks": "e\u0301 Z" + "\u0334" * 500,
    "beyond the first plane": "𒀀𝔘𠜎",
    "not characters": "\ufffe\uffff\U0010ffff",
    "a mark of byte order": "\ufeffx",
    "line separators": "a\u2028b\x85c",
    "quotes": "'\"`; DROP TABLE event; --",
    "one word": "a" * 100_000,
    "one line of a megabyte": "word " * 200_000,
}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_strange_text_is_kept_byte_for_byte(memory: Local, text: str) -> None:
    said = memory.add(
        text, at=DAY, speaker=text[:50], session=text[:50], user=text[:50], role=text[:50], meta={"m": text}
    )
    assert memory.get(said.id) == said
    assert [event.text for event in memory.events(speakers=text[:50], sessions=text[:50], user=text[:50])] == [text]
    assert isinstance(memory.search(text[:1000], k=3, user=text[:50], meta={"m": text}), list)
    for record in memory.records():
        (source,) = record.sources
        assert record.text == text[source.start : source.end]
    check(memory)


@pytest.mark.parametrize("half", ["\ud800", "a\udc00b", "\ud83d \ude42"], ids=ascii)
def test_half_a_character_is_replaced(memory: Local, half: str) -> None:
    whole = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in half)
    said = memory.add(f"x {half}", at=DAY, speaker=half, session=half, user=half, agent=half, role=half)
    assert (said.text, said.speaker, said.session, said.scope) == (f"x {whole}", whole, whole, Scope(whole, whole))
    assert memory.get(said.id) == said
    assert len(memory.search(half + " x", user=half)) == 1
    assert Record("fact", half, utc(DAY), key=half).text == whole
    assert memory.add("x \ud83d\ude42", at=DAY).text == "x 🙂", "two halves are one"


@pytest.mark.parametrize("megabytes", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_a_very_long_text_is_kept_in_seconds(memory: Local, megabytes: int) -> None:
    text = " ".join(f"word{i}" for i in range(105_000 * megabytes))
    assert len(text) > megabytes * 1_000_000
    began = process_time()
    said = memory.add(text, at=DAY)
    assert memory.search("word123456", k=1)[0].text in text
    assert process_time() - began < 3 * megabytes
    assert memory.get(said.id).text == text


def test_a_question_of_a_megabyte_is_answered(memory: Local) -> None:
    memory.add("I moved to Lisbon.", at=DAY)
    began = process_time()
    assert len(memory.search(" ".join(f"word{i}" for i in range(120_000)) + " Lisbon", k=3)) == 1
    assert process_time() - began < 4


def test_events_that_differ_only_in_where_a_field_ends_are_two(memory: Local) -> None:
    one = memory.add("a\x1fb", at=DAY, speaker="c")
    two = memory.add("a", at=DAY, speaker="b\x1fc")
    assert one.id != two.id
    assert len(list(memory.events())) == 2


# -- times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "at", ["0000-01-01", "10000-01-01", "2024-02-30", "yesterday", "", 5, b"2024", "0001-01-01T00:00+05:00"], ids=repr
)
def test_what_is_no_time_is_refused(memory: Local, at: Any) -> None:
    with pytest.raises(BadInput, match="not a time"):
        memory.add("x", at=at)
    for which in ({"as_of": at}, {"between": (at, DAY)}, {"now": at}):
        with pytest.raises(BadInput, match="not a time"):
            memory.search("x", **which)


TIMES = [
    "0001-01-01",
    "9999-12-31T23:59:59.999999",
    "2024-05-01T09:00:00.000001",
    datetime(2024, 5, 1, 9),
    datetime(2024, 5, 1, 9, tzinfo=timezone(timedelta(hours=-9, minutes=-30))),
]


@pytest.mark.parametrize("at", TIMES, ids=str)
def test_every_time_comes_back_exactly(memory: Local, at: Any) -> None:
    said = memory.add("What happened yesterday, last year, on 3 May and in a week?", at=at)
    when = utc(at)
    assert when.tzinfo is UTC
    assert [event.at for event in memory.events()] == [record.valid_from for record in memory.records()] == [when]
    for question in ("what happened yesterday?", "last year, in May 0001, in 9999, ten years ago, next week"):
        assert len(memory.search(question, now=when)) == 1
    assert [event.id for event in memory.events(as_of=when)] == [said.id]
    assert memory.context("what happened?", now=when).text
    if when > utc("0002-01-01"):
        assert list(memory.events(between=(utc("0001-01-01"), when))) == []
    check(memory)


# -- names -----------------------------------------------------------------------------------------------------------


def test_unknown_names_are_refused_with_a_guess(memory: Local, path: Path) -> None:
    refused: list[tuple[type[Exception], str, Any]] = [
        (BadInput, "no channel 'asistant'. Did you mean 'assistant'?", lambda: memory.add("x", channel="asistant")),
        (BadInput, "no channel 'tol'. Did you mean 'tool'?", lambda: memory.search("x", channels="tol")),
        (BadConfig, "no field of an event 'speker'. Did you mean 'speaker'?", lambda: memory.add("x", speker="Ana")),
        (BadConfig, "no field of an event 'usr'. Did you mean 'user'?", lambda: memory.add("x", usr="ana")),
        (BadConfig, "no filter 'speaker'. Did you mean 'speakers'?", lambda: memory.search("x", speaker="Ana")),
        (BadConfig, "Did you mean 'user'?", lambda: memory.import_(path, format="jsonl", usr="ana")),
        (BadConfig, "called 'nearr'. Did you mean 'near'?", lambda: memory.rebuild("hybrid", nearr=1)),
        (UnknownName, "no text memory 'hibrid'. Did you mean 'hybrid'?", lambda: memory.rebuild("hibrid")),
        (BadInput, "a record's kind is one word such as 'fact', got 'a fact'", lambda: Record("a fact", "x", utc(DAY))),
        (BadInput, "meta must be JSON", lambda: memory.add("x", meta={"a": {1, 2}})),
        (BadInput, "meta must be JSON", lambda: memory.add("x", meta={"a": float("nan")})),
        (BadInput, "speaker must be text, got None", lambda: memory.add("x", speaker=None)),
        (BadInput, "user must be text, got 5", lambda: memory.add("x", user=5)),
        (BadInput, "user must be text, got None", lambda: memory.search("x", user=None)),
        (BadInput, "sessions must be text, or a list", lambda: memory.search("x", sessions=5)),
        (BadInput, "between must be a start and an end", lambda: memory.search("x", between=DAY)),
        (BadInput, "between needs a start before its end", lambda: memory.search("x", between=(DAY, DAY))),
        (BadInput, "text must be text, got None", lambda: memory.search(None)),
        (BadInput, "an id is up to 32 hex digits, got ''", lambda: memory.get("")),
        (BadInput, "an id is up to 32 hex digits, got 'not hex'", lambda: memory.get("not hex")),
    ]  # fmt: skip
    for error, message, call in refused:
        with pytest.raises(error) as caught:
            call()
        assert message in str(caught.value)
    assert list(memory.events()) == []


def test_what_cannot_be_opened_makes_no_file(path: Path) -> None:
    for wrong in ({"method": "hibrid"}, {"embed": "hashin"}, {"lm": "rulez"}):
        with pytest.raises(UnknownName, match="Did you mean"):
            remanence.open(path, **wrong)
        assert not path.exists()
    with pytest.raises(BadConfig, match=r"called 'nearr'\. Did you mean 'near'"):
        remanence.open(path, embed="hashing", nearr=2)
    with remanence.open(path, embed="hashing", method="words") as memory:
        assert memory.name == "words", "a failed opening settled nothing"


# -- embedders -------------------------------------------------------------------------------------------------------


class Odd(Embedder):
    id, dim = "hashing-64", 64

    def __init__(self, change: Any):
        self.change = change

    def embed(self, texts: Sequence[str]) -> Any:
        return self.change(Hashing().embed(texts)) if "bad" in texts[0] else Hashing().embed(texts)


CHANGES = {
    "NaN": lambda v: v * np.nan,
    "infinite": lambda v: v + np.inf,
    "beyond half precision": lambda v: v + 1e6,
    "too wide": lambda v: np.hstack([v, v]),
    "too narrow": lambda v: v[:, :32],
    "one too many": lambda v: np.vstack([v, v[:1]]),
    "none": lambda v: v[:0],
    "flat": lambda v: v[0],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_vectors_that_are_none_are_refused_and_nothing_is_kept(path: Path, change: Any) -> None:
    with remanence.open(path, embed=Odd(change)) as memory:
        memory.add("A good one.", at=DAY)
        with pytest.raises(BadInput, match="embedder 'hashing-64' gave"):
            memory.add("A bad one.", at=DAY)
        assert (
            [event.text for event in memory.events()] == [record.text for record in memory.records()] == ["A good one."]
        )
        check(memory)


# -- what hypothesis finds -------------------------------------------------------------------------------------------

words = st.text(st.characters(codec=None), max_size=30)
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
told = st.builds(
    Event,
    st.text(st.characters(codec=None), min_size=1, max_size=60).filter(str.strip),
    st.datetimes(timezones=st.none() | st.just(UTC)),
    words, words, words,
    st.builds(Scope, words, words, words, words),
    st.sampled_from(["user", "assistant", "tool", "import"]),
    st.dictionaries(st.text(max_size=8), jsons, max_size=3),
)  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory):
    with remanence.open(tmp_path_factory.mktemp("any") / "m.db", embed="hashing") as opened:
        yield opened


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(told, min_size=1, max_size=4))
def test_whatever_was_said_comes_back(shared: Local, events: list[Event]) -> None:
    known = {event.id for event in shared.events()}
    new = {event.id: event for event in events if event.id not in known}
    assert shared.add_many(events).new == len(new)
    for event in events:
        held = shared.get(event.id)
        assert held == event
        assert held.text.encode() == event.text.encode()
        assert event in list(shared.events(scope=event.scope, sessions=event.session, channels=event.channel))
    for event in new.values():
        found = shared.records(scope=event.scope, sessions=event.session, speakers=event.speaker)
        pieces = [r.text for r in found if r.sources[0].event == event.id]
        assert pieces == [event.text.strip()]


def test_after_all_that_the_file_is_sound(shared: Local) -> None:
    check(shared)
    shared.erase(everything=True)
    check(shared)
