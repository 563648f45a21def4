"""Adaptive-Note finds what only the first finding leads to, and stops when a round adds nothing."""

import remanence
from remanence.lm.scripted import Scripted

TALK = [
    "The parcel for Irene is with the baker.",
    "The baker lives above the old cinema.",
    "Rain is expected on Thursday.",
    "A parcel of books is by the door.",
    "Somebody asked for Irene in the morning.",
    "The parcel office is closed.",
]
QUESTION = "parcel for Irene"
SECOND = "The baker lives above the old cinema."


def model(helpful: tuple[str, ...] = (TALK[0], SECOND)) -> Scripted:
    return Scripted(
        {
            "relevant": lambda question, texts: [float(text in helpful) for text in texts],
            "keywords": lambda text, n: [word for word in ("baker", "cinema") if word in text][:n],
        }
    )


def found(lm: Scripted, k: int = 2, **settings: float) -> list[str]:
    with remanence.open(method="adaptive_note", embed="hashing", lm=lm, per_round=2, **settings) as memory:
        for text in TALK:
            memory.add(text)
        hits = memory.search(QUESTION, k=k)
        assert len({hit.id for hit in hits}) == len(hits)
        return [hit.text for hit in hits]


def test_a_second_round_asks_with_what_the_first_found():
    assert found(model()) == [TALK[0], SECOND]


def test_one_round_alone_does_not_get_there():
    assert SECOND not in found(model(), rounds=1)
    with remanence.open(method="dense", embed="hashing") as memory:
        for text in TALK:
            memory.add(text)
        assert SECOND not in [hit.text for hit in memory.search(QUESTION, k=2)]


def test_it_stops_after_rounds_that_help_nothing():
    lm = model(helpful=())
    found(lm)
    assert len([name for name, _ in lm.asked if name == "relevant"]) == 2  # one failure, and patience for another


def test_it_goes_on_while_rounds_help_but_not_beyond_its_bound():
    lm = model(helpful=tuple(TALK))
    found(lm, rounds=2)
    assert len([name for name, _ in lm.asked if name == "relevant"]) == 2


def test_fewer_noted_than_asked_for_are_filled_from_the_plain_question():
    assert len(found(model(helpful=()), k=6)) == 6
