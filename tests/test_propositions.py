"""A proposition is found where the passage that holds it is not."""

import remanence
from remanence.lm.base import Fact
from remanence.lm.scripted import Scripted

TOWER = (
    "Prior to restoration work performed between 1990 and 2001, the tower leaned at an angle of 5.5 degrees, but the "
    "tower now leans at about 3.99 degrees. This means the top is displaced horizontally 3.9 metres from the centre."
)
NOW = "The Leaning Tower of Pisa now leans at about 3.99 degrees."
SAID = {
    TOWER: [
        "Restoration work on the Leaning Tower of Pisa was performed between 1990 and 2001.",
        "The Leaning Tower of Pisa leaned at an angle of 5.5 degrees before the restoration.",
        NOW,
        "The top of the Leaning Tower of Pisa is displaced horizontally 3.9 metres from the centre.",
    ],
    "Pisa is a town with a tower.": ["Pisa is a town with a tower."],
    "We saw Pisa, and what a leaning it does!": ["Somebody saw Pisa."],
    "Well, then?": [],
}
QUESTION = "How many degrees does the Tower of Pisa lean now?"


def model() -> Scripted:
    def facts(text: str, *, speaker: str = "", at: object = None) -> list[Fact]:
        where = {NOW: (text.find("but the"), text.find(" This"))}
        return [Fact(fact, *where.get(fact, (0, len(text)))) for fact in SAID[text]]

    return Scripted({"facts": facts})


def found(method: str, question: str = QUESTION, k: int = 4) -> list[remanence.Hit]:
    with remanence.open(method=method, embed="static", lm=model()) as memory:
        for text in SAID:
            memory.add(text)
        return memory.search(question, k=k)


def test_the_passage_of_the_best_proposition_comes_first_where_whole_passages_put_another_there():
    best = found("propositions")[0]
    assert best.text == NOW
    assert TOWER[best.sources[0].start : best.sources[0].end].startswith("but the tower now leans")
    assert found("dense")[0].text != TOWER


def test_a_passage_counts_once_by_its_best_proposition():
    hits = found("propositions", k=4)
    assert [len({source.event for hit in hits for source in hit.sources}), len(hits)] == [4, 4]
    assert [hit.text for hit in hits if hit.text in SAID[TOWER]] == [NOW]


def test_what_states_nothing_is_kept_whole():
    assert found("propositions", "well then?", k=1)[0].text == "Well, then?"


def test_a_passage_with_many_good_propositions_does_not_crowd_out_the_next():
    said = {"All about ferries.": [f"The ferry leaves at {hour}." for hour in range(20)], "A pier.": ["A ferry pier."]}
    lm = Scripted({"facts": lambda text, speaker, at: [Fact(fact, 0, len(text)) for fact in said[text]]})
    with remanence.open(method="propositions", embed="hashing", lm=lm) as memory:
        for text in said:
            memory.add(text)
        hits = memory.search("When does the ferry leave, at 3 or at 4?", k=2)
    assert {hit.text[:9] for hit in hits} == {"The ferry", "A ferry p"}


def test_a_piece_of_a_long_text_that_states_nothing_is_kept_beside_the_others():
    lm = Scripted({"facts": lambda text, speaker, at: [Fact("The ferry left.", 0, 9)]})
    with remanence.open(method="propositions", embed="hashing", lm=lm) as memory:
        memory.add("The ferry. " + "And so on and on. " * 150 + "What of the violin?")
        texts = [record.text for record in memory.records()]
    assert texts[0] == "The ferry left." and len(texts) == 2 and texts[1].endswith("What of the violin?")


def test_the_passages_of_a_long_text_each_count():
    text = "\n\n".join(f"The {name} is kept in room {i}. " + "It rained all that day. " * 120 for i, name in NAMES)
    with remanence.open(method="propositions", embed="hashing") as memory:
        memory.add(text)
        hits = memory.search("In which room are the violin and the bicycle kept?", k=2)
    assert {"violin" in hit.text or "bicycle" in hit.text for hit in hits} == {True}


NAMES = ((1, "violin"), (2, "bicycle"))


def test_rules_split_a_sentence_into_what_it_states():
    with remanence.open(method="propositions", embed="hashing", lm="rules") as memory:
        said = memory.add("I live in Lisbon and my brother Tom works at Acme all week.", speaker="Ana")
        memory.add("Tom works hard, they say.", speaker="Ben")
        best = memory.search("Does the brother work at Acme?", k=1)[0]
    assert best.text == "Ana's brother Tom works at Acme all week."
    assert [said.text[source.start : source.end] for source in best.sources] == [
        "my brother Tom works at Acme all week."
    ]


def test_a_proposition_holds_from_when_it_was_said():
    with remanence.open(method="propositions", embed="hashing") as memory:
        memory.add("We moved to Lisbon on 3 May 2001.", at="2024-04-02", speaker="Ana")
        assert not memory.as_of("2024-01-01").search("moved to Lisbon")
        assert memory.as_of("2024-05-01").search("moved to Lisbon")[0].at.year == 2024
