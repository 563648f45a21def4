"""Which speakers a question names: names, nicknames and possessives, and the words that only look like names."""

import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remanence.text.parts.english.names import NEVER, WORDLIKE, people

TEAM = ["Melanie", "Alexandra", "Robert", "Elizabeth", "Will", "Mark", "May", "Rose", "June", "Sam", "Samantha"]


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("What did Melanie paint?", ["Melanie"]),
        ("what did melanie paint?", ["Melanie"]),
        ("Is Melanie's dog old?", ["Melanie"]),
        ("Is Melanie’s dog old?", ["Melanie"]),
        ("MELANIE?", ["Melanie"]),
        ("What did Mel and Bob eat?", ["Melanie", "Robert"]),
        ("what did bobby and mel eat?", ["Robert", "Melanie"]),
        ("Where does Alex live?", ["Alexandra"]),
        ("Where does Sasha live?", ["Alexandra"]),
        ("Where does Alexandr live?", ["Alexandra"]),
        ("Which of Liz's cats is older?", ["Elizabeth"]),
        ("Which of Beth and Rob is older?", ["Elizabeth", "Robert"]),
        ("What did Sam say?", ["Sam"]),
        ("What did Sammy say?", ["Sam", "Samantha"]),
        ("What did Will say to Mark?", ["Will", "Mark"]),
        ("What will Will do?", ["Will"]),
        ("is rose's cat black?", ["Rose"]),
        ("Will's car?", ["Will"]),
        ("Did May call in May?", ["May"]),
        ("What did June cook in June?", ["June"]),
        ("What is June's plan for June 2024?", ["June"]),
        ("What did Sam say to June?", ["Sam", "June"]),
        ("Did Mr. Mark call?", ["Mark"]),
        ("Mr. Will called?", ["Will"]),
        ("Eliza? No. Mel's.", ["Elizabeth", "Melanie"]),
    ],
)
def test_a_name_is_found(question: str, named: list[str]) -> None:
    assert people(question, TEAM) == named


@pytest.mark.parametrize(
    "question",
    [
        "Will you come?",
        "will they come?",
        "I wonder. Will you come?",
        'She said: "Will you come?"',
        "Mark my words",
        "May I ask who called?",
        "it may rain",
        "the prices rose again",
        "Who comes in May?",
        "Who comes in early June?",
        "Who comes on June 5?",
        "WILL YOU MARK MY WORDS?",
        "Will You Come In May",
        "What is the elimination round?",
        "the same robe as a sample of melon",
        "a samurai",
        "",
    ],
)
def test_a_common_word_is_no_name(question: str) -> None:
    assert people(question, TEAM) == []


def test_what_is_equal_is_all_returned() -> None:
    assert people("Where is Alex?", ["Alexandra", "Alexander", "Mia"]) == ["Alexandra", "Alexander"]


def test_a_full_name_wins_over_a_shared_first_name_and_spends_its_surname() -> None:
    speakers = ["Ana Silva", "Ana Costa", "Maria Costa"]
    assert people("Where does Ana live?", speakers) == ["Ana Silva", "Ana Costa"]
    assert people("Where does Ana Costa live?", speakers) == ["Ana Costa"]
    assert people("where does ana costa live?", speakers) == ["Ana Costa"]
    assert people("Where does Mrs Costa live?", speakers) == ["Ana Costa", "Maria Costa"]
    assert people("along the costa", speakers) == []
    assert people("Ana Costa, Maria?", speakers) == ["Ana Costa", "Maria Costa"]


def test_a_middle_name_may_be_left_out() -> None:
    speakers = ["Ana Maria Silva", "Ana Maria Costa"]
    assert people("Where does Ana Silva live?", speakers) == ["Ana Maria Silva"]
    assert people("Where does Ana Maria Costa live?", speakers) == ["Ana Maria Costa"]
    assert people("Where does Mrs Silva live?", speakers) == ["Ana Maria Silva"]
    assert people("Where does Mrs Maria live?", speakers) == []


def test_a_name_that_ends_in_s_owns_with_an_apostrophe() -> None:
    assert people("where is miles' boat?", ["Miles"]) == ["Miles"]
    assert people("how many miles is that?", ["Miles"]) == []
    assert people("is 'will' a verb?", ["Will"]) == []


def test_a_full_name_made_of_common_words_counts() -> None:
    assert people("Will Young sang", ["Will Young"]) == ["Will Young"]
    assert people("Will young people sing?", ["Will Young"]) == []


def test_a_formal_name_finds_a_speaker_who_goes_by_a_short_one() -> None:
    assert people("Where does Robert live?", ["Bob"]) == ["Bob"]
    assert people("Where does Roberta live?", ["Bob"]) == []
    assert people("Where does Robert live?", ["Roberta"]) == []


def test_the_nicknames_are_not_all_english() -> None:
    assert people("What is Tomek's new phone number?", ["Tomasz", "Thomas"]) == ["Tomasz"]
    assert people("Where does Katya live?", ["Yekaterina"]) == ["Yekaterina"]


def test_other_prefixes_need_a_capital() -> None:
    assert people("Did Car call?", ["Carmela"]) == []  # never
    assert people("Did Carm call?", ["Carmela"]) == ["Carmela"]
    assert people("Did Gio call?", ["Giovanna"]) == ["Giovanna"]
    assert people("Did carm call?", ["Carmela"]) == []
    assert people("Did Ca call?", ["Carmela"]) == []
    assert people("Did The Band play?", ["Theodore"]) == []


def test_two_letters_need_a_capital() -> None:
    assert people("et al", ["Al"]) == []
    assert people("the vi editor", ["Vi"]) == []
    assert people("Did Al call?", ["Al"]) == ["Al"]


@pytest.mark.parametrize(
    "speaker", ["chloe", "Chloé", "CHLOE", "Dr. Chloé Dubois", "chloe.dubois@example.com", "chloe_2"]
)
def test_speakers_are_written_in_many_ways(speaker: str) -> None:
    assert people("What does Chloé want?", [speaker]) == [speaker]
    assert people("what does chloe want?", [speaker]) == [speaker]


def test_speakers_without_letters_are_never_named() -> None:
    assert people("Who is 42?", ["42", "", "@"]) == []


def test_the_word_lists_hold_lower_case_words() -> None:
    assert all(word.isalpha() and word.islower() for word in WORDLIKE | NEVER)


@given(st.text(), st.lists(st.text(max_size=12), max_size=4))
def test_nothing_raises_and_only_speakers_come_back(question: str, speakers: list[str]) -> None:
    found = people(question, speakers)
    assert set(found) <= set(speakers)
    assert len(found) == len(set(found))


def test_a_question_costs_less_than_fifty_microseconds() -> None:
    question = "What did Caroline and Mel decide about the adoption agency?"
    assert min(timeit.repeat(lambda: people(question, TEAM), number=50, repeat=20)) / 50 < 5e-5
