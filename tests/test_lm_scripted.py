"""Scripted: replies in turn, everything asked is kept, and one question too many is an error."""

import pytest

from remanence.errors import BadConfig, BadReply, Unavailable
from remanence.lm.base import Answer, Fact, Triple
from remanence.lm.rules import Rules
from remanence.lm.scripted import QUESTIONS, Scripted
from remanence.registry import build

ASKS = {
    "facts": lambda lm: lm.facts("t", speaker="Ana"),
    "triples": lambda lm: lm.triples("t"),
    "keywords": lambda lm: lm.keywords("t", n=3),
    "summary": lambda lm: lm.summary(["t"], about="a", words=9),
    "importance": lambda lm: lm.importance("t"),
    "conflict": lambda lm: lm.conflict("o", "n"),
    "relevant": lambda lm: lm.relevant("q", ["t"]),
    "answer": lambda lm: lm.answer("q", ["t"]),
}
REPLIES = {
    "facts": [Fact("f", 0, 1)],
    "triples": [Triple("a", "b", "c")],
    "keywords": ["k"],
    "summary": "s",
    "importance": 0.5,
    "conflict": "same",
    "relevant": [0.1],
    "answer": Answer("a", (0,)),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_replies_come_in_turn_and_then_no_more(question: str) -> None:
    lm = Scripted({question: [REPLIES[question], Unavailable("out")]})
    assert ASKS[question](lm) == REPLIES[question]
    with pytest.raises(Unavailable, match="out"):
        ASKS[question](lm)
    with pytest.raises(BadReply, match=rf"'{question}' was asked 3 times, the script has 2"):
        ASKS[question](lm)
    assert [name for name, _ in lm.asked] == [question] * 3 and lm.usage.calls == 3


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_is_not_in_the_script_is_an_error_or_goes_on(question: str) -> None:
    with pytest.raises(BadReply, match=f"no reply to '{question}'"):
        ASKS[question](Scripted())
    other = Scripted({question: [REPLIES[question]]})
    lm = Scripted(otherwise=other)
    assert ASKS[question](lm) == REPLIES[question]
    assert other.asked == lm.asked and lm.asked[0][0] == question


def test_a_function_gets_what_was_asked() -> None:
    lm = Scripted({"keywords": lambda text, n: text.split()[:n]})
    assert lm.keywords("a b c", n=2) == ["a", "b"]
    assert lm.asked == [("keywords", {"text": "a b c", "n": 2})]


def test_rules_answer_the_rest() -> None:
    lm = Scripted({"importance": [0.9]}, otherwise=Rules())
    assert lm.importance("x") == 0.9 and lm.conflict("a b c", "a b c") == "same"
    assert lm.facts("I moved to Rome.", speaker="Ana")[0].object == "Rome"


def test_an_unknown_question_is_refused_with_a_guess() -> None:
    with pytest.raises(BadConfig, match="Did you mean 'summary'"):
        Scripted({"sumary": ["x"]})
    assert build("lm", "scripted").name == "scripted"
