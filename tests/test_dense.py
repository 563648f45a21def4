"""Vectors find what shares no word with the question, and their score is the cosine."""

import numpy as np
import pytest

import remanence
from remanence.embed.static import Static

TEXTS = ["My puppy chewed the sofa.", "The stock exchange closed early.", "We baked bread with rye flour."]


@pytest.fixture(params=["dense", "words"])
def memory(request):
    with remanence.open(method=request.param) as opened:
        for text in TEXTS:
            opened.add(text)
        yield opened


@pytest.mark.parametrize(
    ("question", "right"), [("a dog and some furniture", 0), ("financial market", 1), ("cooking", 2)]
)
def test_meaning_is_found_without_a_shared_word(memory, question, right):
    """`words`, the nearest simpler method, finds nothing here."""
    found = [hit.text for hit in memory.search(question)]
    assert found[:1] == ([TEXTS[right]] if memory.name == "dense" else [])


def test_the_score_is_the_cosine_to_half_precision():
    question = "a dog and some furniture"
    vectors = Static().embed([question, *TEXTS])
    exact = np.sort(vectors[1:] @ vectors[0])[::-1]
    with remanence.open(method="dense") as memory:
        for text in TEXTS:
            memory.add(text)
        np.testing.assert_allclose([hit.score for hit in memory.search(question)], exact, atol=1e-3)
