"""What the first session told reaches the last memory through every memory between, and lifts the turn that told it."""

from collections.abc import Sequence

import pytest

import remanence
from remanence.lm.scripted import Scripted

MEAT = "No meat for me, never again after that farm."
SESSIONS = (
    ("2024-01-01T10:00", [MEAT, "The farm was loud."]),
    ("2024-01-02T10:00", ["The new vegetarian place by the station is closed on Mondays.", "The tram was late."]),
    ("2024-01-03T10:00", ["We painted the fence."]),
)
NOTED = {
    MEAT: "She is vegetarian: no meat.",
    "The tram was late.": "The tram was late.",
    "We painted the fence.": "",
}
QUESTION = "Is she vegetarian?"


def rolling(texts: Sequence[str], about: str, previous: str, words: int) -> str:
    """Goes on from what was there, and notes what matters."""
    told = [NOTED.get(text.removeprefix("Ana: "), "") for text in texts]
    return " ".join(filter(None, [previous, *told]))


def flat(texts: Sequence[str], about: str, previous: str, words: int) -> str:
    """Knows the session alone."""
    return rolling(texts, about, "", words) or "Nothing."


def lived(summary: object = rolling, sessions: int = 3, method: str = "recursive_summary") -> remanence.Memory:
    memory = remanence.open(method=method, embed="static", lm=Scripted({"summary": summary}))
    for number, (began, texts) in enumerate(SESSIONS[:sessions]):
        for i, text in enumerate(texts):
            memory.add(text, at=f"{began}:{i:02}", session=f"s{number}", speaker="Ana", user="ana")
    memory.consolidate(now=f"{SESSIONS[sessions - 1][0]}:02")
    return memory


def test_what_the_first_session_told_is_lifted_by_the_last_memory():
    with lived() as memory:
        hit = memory.search(QUESTION, k=1)[0]
        assert (hit.text, set(hit.why)) == (MEAT, {"dense", "memory"})
        assert [memory.get(source.event).text for source in hit.sources] == [MEAT]


@pytest.mark.parametrize(("summary", "method"), [(flat, "recursive_summary"), (rolling, "dense")])
def test_a_summary_of_the_session_alone_or_no_memory_puts_another_turn_there(summary, method):
    with lived(summary, method=method) as memory:
        assert memory.search(QUESTION, k=1)[0].text == "The new vegetarian place by the station is closed on Mondays."


def test_each_memory_is_asked_for_with_the_one_before_and_takes_its_place():
    with lived() as memory:
        asked = [(given["texts"], given["previous"]) for _, given in memory.lm.asked]
        one, two = "She is vegetarian: no meat.", "She is vegetarian: no meat. The tram was late."
        assert [previous for _, previous in asked] == ["", one], "the third session still goes on"
        assert asked[0][0] == [f"Ana: {text}" for text in SESSIONS[0][1]]
        (now,) = memory.records(kinds="summary")
        (then,) = memory.as_of("2024-01-02").records(kinds="summary")
        assert (then.text, now.text) == (one, two)
        assert [(link.record, link.relation) for link in now.links] == [(then.id, "previous")]
        assert [hit.text for hit in memory.search("meat", kinds="summary")] == [two]


def test_a_session_is_over_when_another_began_or_an_hour_passed():
    with lived() as memory:
        assert memory.consolidate(now="2024-01-03T10:30") == []
        asked = len(memory.lm.asked)
        assert asked == 2
        done = memory.consolidate(now="2024-01-03T11:00")
        assert [op.kind for op in done] == ["add", "supersede", "link"]
        assert memory.lm.asked[-1][1]["texts"] == ["Ana: We painted the fence."]
        assert memory.consolidate(now="2024-01-05") == []


def test_another_session_ends_one_at_once():
    with lived(sessions=1) as memory:
        memory.add("Hello again.", at="2024-01-01T10:00:30", session="s1", user="ana")
        memory.consolidate(now="2024-01-01T10:01")
        assert [given["texts"] for _, given in memory.lm.asked] == [[f"Ana: {text}" for text in SESSIONS[0][1]]]


def test_a_memory_tells_of_no_turn_that_came_after_it():
    with lived() as memory:
        memory.add("She is vegetarian: no meat.", at="2024-01-03T10:02", session="s2", user="ana")
        lifted = [hit.text for hit in memory.search(QUESTION) if "memory" in hit.why]
    assert lifted[0] == MEAT


def test_only_what_is_new_in_a_session_is_told_again():
    with lived() as memory:
        memory.add("The tram again!", at="2024-01-02T11:00", session="s1", speaker="Ana", user="ana")
        memory.consolidate(now="2024-01-03T10:01")
        assert memory.lm.asked[-1][1]["texts"] == ["Ana: The tram again!"]


def test_turns_of_no_session_are_told_apart_by_their_silences():
    with remanence.open(method="recursive_summary", embed="hashing", lm=Scripted({"summary": rolling})) as memory:
        for at in ("10:00", "10:20", "12:00", "12:59", "14:00"):
            memory.add(f"It is {at}.", at=f"2024-01-01T{at}")
        memory.consolidate(now="2024-01-01T14:05")
        told = [given["texts"] for _, given in memory.lm.asked]
    assert told == [["It is 10:00.", "It is 10:20."], ["It is 12:00.", "It is 12:59."]]


def test_each_has_a_memory_of_their_own():
    with lived() as memory:
        memory.add("No meat for me today.", at="2024-01-01T10:00", session="s0", user="ben")
        memory.consolidate(now="2024-01-09")
        previous = {given["texts"][0]: given["previous"] for _, given in memory.lm.asked}
        assert previous["No meat for me today."] == ""
        assert all("memory" not in hit.why for hit in memory.search(QUESTION, user="ben"))


def test_erasing_a_session_reaches_every_memory_made_after_it():
    with lived() as memory:
        memory.erase(sessions="s0")
        assert list(memory.records(kinds="summary")) == []
        memory.consolidate(now="2024-01-03T10:01")
        assert [record.text for record in memory.records(kinds="summary")] == ["The tram was late."]
        assert all("meat" not in hit.text for hit in memory.search(QUESTION))


def test_a_memory_lifts_nothing_before_it_was_made():
    with lived() as memory:
        assert all("memory" not in hit.why for hit in memory.as_of("2024-01-01T10:00:00").search(QUESTION))
        assert memory.as_of("2024-01-02").search(QUESTION, k=1)[0].why["memory"] > 0


def test_rules_carry_a_memory_over():
    with remanence.open(method="recursive_summary", embed="hashing", lm="rules", words=12) as memory:
        memory.add("I live in Lisbon with my dog Rex.", at="2024-01-01", session="a", speaker="Ana")
        memory.add("My dog Rex is ill.", at="2024-01-02", session="b", speaker="Ana")
        memory.consolidate(now="2024-01-09")
        (held,) = memory.records(kinds="summary")
        assert "Lisbon" in held.text and len(held.sources) == 2 and len(held.text.split()) <= 12
        assert "memory" in memory.search("Who lives in Lisbon?", k=1)[0].why
