"""SGMem finds a turn by a sentence of it, walks to like sentences, ranks chunks by the mean of those reached."""

from collections import defaultdict

import numpy as np
import pytest

import remanence
from remanence.errors import BadConfig
from remanence.lm.base import Fact
from remanence.lm.scripted import Scripted
from remanence.local import Local
from remanence.text.sgmem import SGMem

LONG = (
    "The neighbour painted every shutter of his house last summer. The blue ferry leaves the pier at nine. "
    "My aunt grows enormous pumpkins behind the old mill. Nobody wanted to come to the concert in that rain."
)
TALK = [
    LONG,
    "Which ferry leaves the harbour?",
    "A captain keeps the blue ferry clean at the pier. He bought soap.",
    "Soap was cheap, and he bought a brush.",
    "A brush and a bucket were on the deck. The weather was fine.",
    "We ate bread. The harbour was quiet at nine.",
]
QUESTION = "the blue ferry leaves the pier"
SILENT = {"facts": lambda **asked: [], "summary": lambda **asked: ""}


def opened(method: str = "sgmem", **settings: object) -> Local:
    memory = remanence.open(method=method, embed="hashing", lm=Scripted(SILENT), **settings)
    for i, text in enumerate(TALK):
        memory.add(text, at=f"2024-01-0{i // 2 + 1}T0{i}:00:00", session=f"day {i // 2}", speaker="Ana")
    return memory


def slow(memory: Local, chunk: str, seeds: int, neighbours: int, threshold: float, hops: int) -> dict[str, float]:
    """Chunks scored as the formula has it, from all pairs of sentences."""
    parts = list(memory.records(kinds="sentence"))
    embed = memory.store.embedder.embed
    vectors = embed([part.text for part in parts])
    asked_for, alike = vectors @ embed([QUESTION])[0], vectors @ vectors.T
    reached = {i for i in np.argsort(-asked_for, kind="stable")[:seeds].tolist() if asked_for[i] >= threshold}
    for _ in range(hops):
        for i in sorted(reached):
            others = [j for j in np.argsort(-alike[i], kind="stable").tolist() if j != i][:neighbours]
            reached |= set(others)
    turn_of = [next(n for n, text in enumerate(TALK) if part.text in text) for part in parts]
    size = {"turn": 1, "round": 2, "session": 2}[chunk]
    means = defaultdict(list)
    for i in reached:
        means[turn_of[i] // size].append(float(asked_for[i]))
    return {text: float(np.mean(means[n // size])) for n, text in enumerate(TALK) if n // size in means}


@pytest.mark.parametrize("chunk", ["turn", "round", "session"])
@pytest.mark.parametrize(("seeds", "hops", "threshold"), [(3, 0, 0.0), (3, 1, 0.3), (4, 2, 0.2), (6, 1, 0.5)])
def test_the_score_of_a_chunk_is_the_formula(chunk, seeds, hops, threshold):
    with opened(chunk=chunk, sentences=seeds, neighbours=2, threshold=threshold, hops=hops) as memory:
        expected = slow(memory, chunk, seeds, 2, threshold, hops)
        hits = memory.search(QUESTION, k=seeds)  # asked for more, it starts from more
        assert [hit.score for hit in hits] == pytest.approx(sorted(expected.values(), reverse=True)[:seeds], abs=0.01)
        for hit in hits:
            assert hit.score == pytest.approx(expected[hit.text], abs=0.01)


def test_one_sentence_of_a_long_turn_is_enough_where_the_whole_turn_is_not():
    with opened(sentences=1, hops=0) as memory:
        assert memory.search(QUESTION, k=1)[0].text == LONG
    with opened("dense") as memory:
        assert memory.search(QUESTION, k=1)[0].text != LONG


def test_an_edge_leads_to_a_turn_that_similarity_alone_puts_behind_another():
    first = "The blue ferry leaves. A blue ferry leaves the pier where the captain bought soap."
    like, other = "Some captain bought soap where pigs sleep.", "Leaves are green and blue."
    found = {}
    for name, settings in {"walked": {"hops": 1}, "not walked": {"hops": 0}, "too far": {"threshold": 0.9}}.items():
        ours = {"sentences": 2, "threshold": 0.4, "neighbours": 1, **settings}
        with remanence.open(method="sgmem", embed="hashing", lm=Scripted(SILENT), **ours) as memory:
            for text in (first, like, other):
                memory.add(text)
            found[name] = [hit.text for hit in memory.search("the blue ferry leaves", k=2)]
    with remanence.open(method="dense", embed="hashing") as memory:
        for text in (first, like, other):
            memory.add(text)
        found["dense"] = [hit.text for hit in memory.search("the blue ferry leaves", k=2)]
    alone = [first]
    assert found == {"walked": [first, like], "not walked": alone, "too far": alone, "dense": [first, other]}


def test_a_round_brings_the_reply_that_says_nothing_of_the_question():
    for chunk, both in (("turn", False), ("round", True)):
        with remanence.open(
            method="sgmem", embed="hashing", lm=Scripted(SILENT), chunk=chunk, sentences=1, hops=0
        ) as memory:
            for i, text in enumerate(["Hello there.", "Hi!", "When does the ferry leave?", "At nine.", "Thank you."]):
                memory.add(text, at=f"2024-01-01T00:0{i}:00", session="one")
            hits = [hit.text for hit in memory.search("When does the ferry leave?", k=2)]
        assert hits[0] == "When does the ferry leave?"
        assert (hits[1:2] == ["At nine."]) is both


def test_facts_and_summaries_rank_beside_and_are_not_known_before_they_were_said():
    def facts(*, text: str, speaker: str, at: object) -> list[Fact]:
        return [Fact("Ana owns a violin.", 0, len(text), at=remanence.records.utc("1999-01-01"))]

    lm = Scripted({"facts": facts, "summary": lambda *, texts, **asked: f"{len(texts)} turns on violins"})
    with remanence.open(method="sgmem", embed="hashing", lm=lm) as memory:
        memory.add("It is mine.", at="2024-01-01", session="a")
        assert memory.search("who owns a violin?", k=1)[0].record.kind == "fact"
        assert memory.as_of("2020-01-01").search("who owns a violin?") == []
        memory.consolidate()
        assert not list(memory.records(kinds="summary"))  # one turn is its own summary
        for n in (2, 3):
            memory.add("And that.", at=f"2024-01-0{n}", session="a")
            memory.consolidate()
            (summary,) = memory.records(kinds="summary")
            assert summary.text == f"{n} turns on violins"
            assert len(summary.sources) == n


def test_an_unknown_chunk_is_refused():
    with pytest.raises(BadConfig, match="round"):
        SGMem(lm=Scripted(SILENT), chunk="rounds")  # type: ignore[arg-type]
