"""Which came first: on miniatures written for this test, and on the real books where they are."""

import os
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from remanence.bench.base import Found, Observe, Probe
from remanence.bench.run import run
from remanence.bench.tasks.sort import BINS, BOOKS, Sort
from remanence.bench.text_memory import TextMemory
from remanence.embed.hashing import Hashing
from remanence.errors import BadConfig


def real_data() -> str:
    folder = Path(os.environ.get("REMANENCE_DATA") or Path("..") / "shared" / "data")
    if not any(folder.rglob("69087-0.txt")):
        pytest.skip(f"no books of BookSORT under {folder}; set REMANENCE_DATA to the folder of the data")
    return str(folder)


def book(folder: Path, sentences: int, **settings) -> Sort:
    """A book of sentences of five words, each with a number of its own."""
    text = " ".join(f"He{n} said that{n} it{n} was.\n" for n in range(sentences))
    (folder / "69087-0.txt").write_text(
        f"\ufeffLicence words.\n*** START OF THE PROJECT GUTENBERG EBOOK X ***\n{text}\n"
        "*** END OF THE PROJECT GUTENBERG EBOOK X ***\nMore licence words.\n",
        encoding="utf-8",
    )
    return Sort(str(folder), **{"books": 1, "checked": False} | settings)


def parts(world):
    told = [event for step in world.steps if isinstance(step, Observe) for event in step.events]
    return told, [step for step in world.steps if isinstance(step, Probe)]


def test_events_are_whole_sentences_in_order_and_nothing_of_the_licence(tmp_path):
    (world,) = book(tmp_path, 5, words=8, quoted=5, pairs=1).worlds(0)
    told, _ = parts(world)
    assert [event.text for event in told] == [
        "He0 said that0 it0 was. He1 said that1 it1 was.",
        "He2 said that2 it2 was. He3 said that3 it3 was.",
        "He4 said that4 it4 was.",
    ], "8 words are reached with the second sentence; what is left is told too"
    assert [later.at - earlier.at for earlier, later in pairwise(told)] == [timedelta(minutes=1)] * 2


def test_an_excerpt_begins_with_a_sentence_and_has_its_length(tmp_path):
    begins = set()
    for seed in range(8):
        (world,) = book(tmp_path, 40, excerpt=23, words=10, quoted=5, pairs=1).worlds(seed)
        words = " ".join(event.text for event in parts(world)[0]).split()
        assert len(words) == 23
        assert words[0].startswith("He")
        begins.add(words[0])
    assert len(begins) > 2, "the seed draws it"


def test_a_pair_is_quoted_in_either_order_and_asked_as_of_the_middle_too(tmp_path):
    (world,) = book(tmp_path, 60, words=10, quoted=5, pairs=40).worlds(0)
    told, probes = parts(world)
    at, text = ({event.id: getattr(event, name) for event in told} for name in ("at", "text"))
    firsts = set()
    for both, then in zip(probes[::2], probes[1::2], strict=True):
        assert (both.tags["asked"], then.tags["asked"]) == ("both", "then")
        assert (both.question, both.gold, both.k) == (then.question, then.gold, 2)
        earlier, later = both.gold
        assert at[earlier] < then.which["as_of"] < at[later]
        assert not both.which
        quotes = both.question.removeprefix("Which came first, “").removesuffix("”?").split("” or “")
        assert all(len(quote.split()) == 5 and quote.startswith("He") for quote in quotes)
        firsts.add(quotes[0] in text[earlier])
        assert {next(e for e in both.gold if quote in text[e]) for quote in quotes} == set(both.gold)
    assert firsts == {True, False}


def test_both_first_is_right_one_is_a_guess_and_then_wants_the_earlier_alone(tmp_path):
    task = book(tmp_path, 60, words=10, quoted=5, pairs=1)
    (world,) = task.worlds(0)
    both, then = parts(world)[1][:2]
    a, b = both.gold

    def grade(probe, *cites):
        got = task.grade(world, probe, Found(("",) * len(cites), tuple((c,) for c in cites)))
        return {name: score.value for name, score in got.items()}

    assert grade(both, b, a) == {"order": 1, "both": 1}
    assert grade(both, a, "other") == grade(both) == {"order": 0.5, "both": 0}
    assert grade(both, a, "other", b) == {"order": 0.5, "both": 0}, "the third place is too late"
    assert grade(then, "other", a) == {"then": 1}
    assert grade(then, a, b) == grade(then, b) == grade(then, "other") == {"then": 0}


def test_pairs_fall_into_the_papers_bins(tmp_path):
    (world,) = book(tmp_path, 2000, words=50, quoted=5, pairs=30).worlds(0)
    told, probes = parts(world)
    place = {event.id: number for number, event in enumerate(told)}
    assert len(told) == 200
    assert Counter(probe.tags["distance"] for probe in probes) == dict.fromkeys(BINS, 60)
    ends = (0, 1000, 2500, 5000, 8000)  # of 10,000 words
    for probe in probes:
        words = 50 * (place[probe.gold[1]] - place[probe.gold[0]])
        number = BINS.index(probe.tags["distance"])
        assert ends[number] < words <= ends[number + 1]


def test_the_miniature_end_to_end(tmp_path):
    (row,) = run(book(tmp_path, 60, words=10, quoted=5, pairs=5), [TextMemory("words", Hashing())])
    assert (row.status, row.probes, row.events) == ("done", 10, 30)
    assert (row.scores["order"].value, row.scores["then"].value) == (1, 1), "every sentence has words of its own"
    assert (row.scores["order"].count, row.scores["then"].count) == (5, 5)


def test_wrong_settings_and_files_are_said(tmp_path):
    with pytest.raises(BadConfig, match="books must be from 1 to 9, got 10"):
        Sort(books=10)
    with pytest.raises(BadConfig, match="must rise from 1, got 60, 50 and 10000"):
        Sort(quoted=60)
    with pytest.raises(BadConfig, match="these numbers are about"):
        next(book(tmp_path, 5, checked=True).worlds(0))
    task = book(tmp_path, 5)
    (tmp_path / "69087-0.txt").write_text("once upon a time")
    with pytest.raises(BadConfig, match="no book of Project Gutenberg"):
        next(task.worlds(0))


def test_the_books_are_those_they_are_known_to_be():
    worlds = list(Sort(real_data(), pairs=2).worlds(0))
    assert [world.name for world in worlds] == list(BOOKS)
    for world in worlds:
        told, probes = parts(world)
        words = sum(len(event.text.split()) for event in told)
        assert words == (10_000 if world.name != "73017-0.txt" else 9_349)
        assert "GUTENBERG" not in "".join(event.text for event in told)
        assert len(probes) == 16
        assert len({event.id for event in told}) == len(told) > 100
    begins = [" ".join(parts(world)[0][0].text.split()[:5]) for world in worlds[:3]]
    assert begins == ["I wondered very much what", "“I didn’t _really_ have a", "Like a panther moving to"], "by seed 0"
