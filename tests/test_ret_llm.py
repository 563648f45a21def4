"""RET-LLM answers from the parts of triples, whatever else a turn says."""

import pytest

import remanence
from remanence.lm.base import Triple
from remanence.lm.scripted import Scripted
from remanence.text.ret_llm import calls, written

TALK = {
    "By the way, since the reorganisation it is Mira who signs for everything over at Globex.": [
        ("Globex", "is run by", "Mira")
    ],
    "Who is Globex run by, do you know?": [],
    "Nobody knows who runs what in this town.": [],
    "Hooli is run by Otto.": [("Hooli", "is run by", "Otto")],
}
MIRA = ("Globex", "is run by", "Mira")
QUESTIONS = {
    "Who is Globex run by?": ("Globex", "is run by", "?"),
    "What does Mira run?": ("What", "is run by", "Mira"),
}


def model() -> Scripted:
    def triples(text: str, *, speaker: str = "") -> list[Triple]:
        if text in QUESTIONS:
            return [Triple(*QUESTIONS[text])]
        return [Triple(*triple, 0, len(text)) for triple in TALK.get(text, [])]

    return Scripted({"triples": triples})


def first(question: str, method: str = "ret_llm") -> remanence.Hit:
    with remanence.open(method=method, embed="hashing", lm=model()) as memory:
        for text in TALK:
            memory.add(text)
        return memory.search(question, k=1)[0]


@pytest.mark.parametrize("question", [*QUESTIONS, "[MEM_READ{Globex>>is run by>>}]", "[MEM_READ{>>>>the Mira}]"])
def test_a_triple_answers_by_any_of_its_known_parts(question):
    assert first(question).record.meta == dict(zip(("subject", "relation", "object"), MIRA, strict=True))


def test_vectors_alone_find_the_question_instead():
    assert first("Who is Globex run by?", "dense").text == "Who is Globex run by, do you know?"


def test_every_part_asked_for_must_be_there():
    """Hooli has the relation and Mira has none of Hooli: neither answers for what was not written."""
    assert first("[MEM_READ{Hooli>>is run by>>}]").record.meta["object"] == "Otto"
    assert first("[MEM_READ{Hooli>>>>Mira}]").record.kind == "turn"
    assert first("[MEM_READ{Initech>>is run by>>}]").record.kind == "turn"


def test_what_is_not_there_word_for_word_is_found_by_its_embedding():
    with remanence.open(method="ret_llm", embed="static", lm=Scripted({"triples": lambda text, speaker: []})) as memory:
        memory.add(written("WRITE", ("Globex", "employs", "Ben")))
        memory.add(written("WRITE", ("Globex", "sued", "Ben's neighbour")))
        memory.add("Whom has Globex employed, do you know?")
        hits = memory.search(written("READ", ("Globex", "employed", "")), k=3)
    assert hits[0].text == "Globex employs Ben"
    assert len({hit.sources[0].event for hit in hits}) == 3, "its own turn does not come again"
    assert [hit.record.kind for hit in hits[1:]] == ["turn", "turn"], "sued is not close to employed"
    assert dict(hits[0].why)["parts"] < 1


def test_an_exact_match_leaves_no_place_for_close_ones_and_the_latest_comes_first():
    with remanence.open(method="ret_llm", embed="static", lm=Scripted({"triples": lambda text, speaker: []})) as memory:
        for i, city in enumerate(("Porto", "Lisbon", "Graz")):
            memory.add(written("WRITE", ("Ana", "lives_in", city)), at=f"2024-0{i + 1}-01")
        memory.add(written("WRITE", ("Ana", "dwells in", "Ghent")), at="2024-05-01")
        hits = memory.search("[MEM_READ{ana>>live in>>}]", k=9)
        past = memory.as_of("2024-02-02").search("[MEM_READ{Ana>>lives in>>}]", k=1)
    assert [hit.record.meta["object"] for hit in hits if hit.record.kind == "triple"] == ["Graz", "Lisbon", "Porto"]
    assert past[0].record.meta["object"] == "Lisbon"


def test_calls_are_read_as_they_are_printed():
    text = f"So {written('WRITE', MIRA)} and {written('READ', ('Globex', '', ''))}?"
    assert [(verb, slots) for verb, slots, _, _ in calls(text)] == [("WRITE", MIRA), ("READ", ("Globex", "", ""))]
    assert [text[start:end] for _, _, start, end in calls(text)] == [
        "[MEM_WRITE{Globex>>is run by>>Mira}]",
        "[MEM_READ{Globex>>>>}]",
    ]


@pytest.mark.parametrize("text", ["[MEM_WRITE{a>>b>>}]", "[MEM_READ{>>>>}]", "[MEM_READ{a>>b}]", "[MEM_READ{a>>b>>c}]"])
def test_what_is_no_call_is_text(text):
    assert calls(text) == []
    with remanence.open(method="ret_llm", embed="hashing") as memory:
        memory.add(text)
        assert [record.kind for record in memory.records()] == ["turn"]


def test_rules_write_triples_and_read_plain_questions():
    with remanence.open(method="ret_llm", embed="hashing", lm="rules") as memory:
        memory.add("I live in Porto.", speaker="Ana", at="2024-01-01")
        memory.add("Where does everybody live, Ana, where?", speaker="Ben", at="2024-01-02")
        memory.add("Work is fine. I moved to Lisbon, by the way.", speaker="Ana", at="2024-02-01")
        memory.add("I work at Acme.", speaker="Ben", at="2024-02-02")
        assert memory.search("Where does Ana live?", k=1)[0].record.meta["object"] == "Lisbon"
        assert memory.search("Who works at Acme?", k=1)[0].record.meta["subject"] == "Ben"
