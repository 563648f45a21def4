"""BM25 as its formula says, and better than counting shared words."""

import math

import pytest

import remanence

TEXTS = [
    "garden garden wall",
    "the red garden of the north",
    "a heron by the water",
    "a heron stood by the cold water in the morning of the day before",
    "north wall",
]
K1, B = 1.2, 0.75


def bm25(query: list[str], text: str) -> float:
    """Robertson and Zaragoza's formula with the idf of FTS5: ln((N - n + 0.5) / (n + 0.5)), at least 1e-6."""
    bags = [each.lower().split() for each in TEXTS]
    # FTS5 counts the scope and kind that each row is tagged with as two more words of its length
    mean = sum(len(bag) + 2 for bag in bags) / len(bags)
    bag, total = text.lower().split(), 0.0
    for word in query:
        n = sum(word in other for other in bags)
        idf = max(math.log((len(bags) - n + 0.5) / (n + 0.5)), 1e-6)
        tf = bag.count(word)
        total += idf * tf * (K1 + 1) / (tf + K1 * (1 - B + B * (len(bag) + 2) / mean))
    return total


@pytest.fixture
def memory():
    with remanence.open(method="words", embed="hashing") as opened:
        for text in TEXTS:
            opened.add(text)
        yield opened


@pytest.mark.parametrize("query", ["garden", "heron", "north wall", "garden heron"])
def test_scores_are_the_formula(memory, query):
    expected = {text: bm25(query.split(), text) for text in TEXTS}
    hits = memory.search(query)
    assert hits
    for hit in hits:
        assert hit.score == pytest.approx(expected[hit.text], rel=1e-4)
    assert len(hits) == sum(score > 0 for score in expected.values())


def test_a_short_turn_beats_a_long_one_with_the_same_words(memory):
    """Counting shared words calls this a tie."""
    assert [hit.text for hit in memory.search("heron water")] == [TEXTS[2], TEXTS[3]]


def test_words_are_stemmed_and_accents_do_not_matter(memory):
    memory.add("Two herons at the café")
    assert {hit.text for hit in memory.search("heron cafe")} == {TEXTS[2], TEXTS[3], "Two herons at the café"}
    assert memory.search("heron cafe")[0].text == "Two herons at the café"


def test_words_that_are_syntax_elsewhere_are_only_words(memory):
    assert memory.search('garden" OR "heron NEAR(* ^')[0].text in TEXTS
