"""What the hybrid adds to words and vectors: each part of its score decides a case that those two get wrong."""

import pytest

import remanence
from remanence.registry import build
from remanence.text.hybrid import Hybrid

TALK = [
    ("2023-05-01T10:00", "Ana", "d1", "Which instrument do you practise these days?"),
    ("2023-05-01T10:01", "Ben", "d1", "The cello, every evening after work."),
    ("2023-05-01T10:02", "Ana", "d1", "Lovely, mine is gathering dust."),
    ("2023-06-12T10:00", "Ana", "d2", "We went to the lake with the children."),
    ("2023-06-12T10:01", "Ben", "d2", "We went to the lake with my brother."),
    ("2023-09-20T10:00", "Ana", "d3", "We went to the lake again with the neighbours."),
    ("2023-09-20T10:01", "Ben", "d3", "Nice, I stayed at home."),
    ("2023-10-01T10:00", "Ana", "d4", "The dentist was kind."),
    ("2023-10-01T10:01", "Ben", "d4", "The dentist was last Tuesday."),
]


@pytest.fixture
def make(tmp_path):
    def opened(**settings: float):
        memory = remanence.open(tmp_path / f"{len(settings)}.db", method="hybrid", embed="hashing", **settings)
        for at, speaker, session, text in TALK:
            memory.add(text, at=at, speaker=speaker, session=session)
        return memory

    return opened


CASES = [  # question, what must come first, the setting without which it does not
    ("Which instrument does someone practise?", "The cello, every evening after work.", "reply"),
    ("Who went to the lake with Ben?", "We went to the lake with my brother.", "speaker"),
    ("Who went to the lake in September 2023?", "We went to the lake again with the neighbours.", "time"),
    ("When was the dentist?", "The dentist was last Tuesday.", "dated"),
]


@pytest.mark.parametrize(("question", "first", "part"), CASES)
def test_each_part_decides_a_case_that_fails_without_it(make, question, first, part):
    with make() as memory:
        assert memory.search(question, now="2023-12-01")[0].text == first
    with make(**{part: 0.0}) as memory:
        assert memory.search(question, now="2023-12-01")[0].text != first


@pytest.mark.parametrize("simpler", ["words", "dense"])
def test_the_simpler_methods_miss_a_reply(make, simpler, tmp_path):
    make().close()
    question, first, _ = CASES[0]
    with remanence.open(tmp_path / "0.db", method=simpler) as memory:
        assert memory.search(question)[0].text != first


def test_a_turn_borrows_from_its_neighbours_and_session(make):
    def rank(memory: remanence.Memory) -> int:
        hits = memory.search("instrument practise", k=9)
        return [hit.text for hit in hits].index("Lovely, mine is gathering dust.")

    with make() as memory:
        with_all = rank(memory)
    with make(near=0.0, session=0.0) as memory:
        assert rank(memory) > with_all


def test_the_weights_are_settings_and_nothing_hides():
    assert build("text", "hybrid", near=0.4) == Hybrid(near=0.4)
