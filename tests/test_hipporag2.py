"""HippoRAG 2 walks from a question's triples to passages that share no word with the question."""

import pytest

pytest.importorskip("igraph")

import remanence
from remanence.lm.base import Triple
from remanence.lm.scripted import Scripted
from remanence.text.parts.pagerank import pagerank
from remanence.text.parts.phrases import phrase

PASSAGES = {
    "Erik Hort was born in Montebello.": [("Erik Hort", "born in", "Montebello")],
    "Montebello is a village in Rockland County.": [("Montebello", "is in", "Rockland County")],
    "Cinderella attended the royal ball.": [("Cinderella", "attended", "royal ball")],
    "The prince kept the lost slipper.": [("The prince", "kept", "lost slipper")],
    "In which county the clerk was born nobody knows.": [("the clerk", "born in", "a county")],
}
QUESTION = "In which county was Erik Hort born?"
SECOND = "Montebello is a village in Rockland County."


def model() -> Scripted:
    def triples(text: str, *, speaker: str = "") -> list[Triple]:
        return [Triple(*triple, 0, len(text)) for triple in PASSAGES[text]]

    def relevant(question: str, texts: list[str]) -> list[float]:
        return [float("Erik" in text) for text in texts]

    return Scripted({"triples": triples, "relevant": relevant})


def rank_of_second(method: str) -> int:
    with remanence.open(method=method, embed="hashing", lm=model()) as memory:
        for i, text in enumerate(PASSAGES):
            memory.add(text, at=f"2024-01-0{i + 1}", session=str(i))
        return [hit.text for hit in memory.search(QUESTION, k=5)].index(SECOND)


def test_the_second_hop_comes_second_where_similarity_puts_another_there():
    assert rank_of_second("hipporag2") == 1
    assert rank_of_second("dense") > 1


def test_a_triple_that_the_model_rejects_starts_no_walk():
    lm = model()
    lm.replies["relevant"] = lambda question, texts: [0.0] * len(texts)
    with remanence.open(method="hipporag2", embed="hashing", lm=lm) as memory:
        for i, text in enumerate(PASSAGES):
            memory.add(text, at=f"2024-01-0{i + 1}", session=str(i))
        found = [hit.text for hit in memory.search(QUESTION, k=5)]
    assert found.index(SECOND) > 1


def test_pagerank_is_the_fixed_point_of_its_formula():
    """p = (1 - d) * reset + d * W p on a star of three with one heavy edge, worked by hand below."""
    d = 0.5
    p = pagerank([("a", "b", 3.0), ("a", "c", 1.0)], {"a": 1.0}, d)
    # p0 = 0.5 + 0.5 (p1 + p2); p1 = 0.5 * 3/4 p0; p2 = 0.5 * 1/4 p0  =>  p0 = 2/3, p1 = 1/4, p2 = 1/12
    assert p == pytest.approx({"a": 2 / 3, "b": 1 / 4, "c": 1 / 12})


def test_phrases_meet_across_case_article_and_plural():
    assert phrase("The Tram Lines") == phrase("tram line") == "tram line"
    assert phrase("Bass") == "bass"


def test_an_erased_passage_leaves_the_walk():
    with remanence.open(method="hipporag2", embed="hashing", lm=model()) as memory:
        for i, text in enumerate(PASSAGES):
            memory.add(text, at=f"2024-01-0{i + 1}", session=str(i))
        assert SECOND in [hit.text for hit in memory.search(QUESTION, k=2)]
        memory.erase(sessions="1")
        assert SECOND not in [hit.text for hit in memory.search(QUESTION, k=5)]
