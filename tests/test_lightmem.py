"""Only telling words are searched; topics leave the buffer one by one; what sleep finds out of date lifts nothing."""

from collections.abc import Sequence

import pytest

import remanence
from remanence.errors import BadConfig
from remanence.lm.scripted import Scripted
from remanence.text.lightmem import compressed

PUPPY = ("My puppy Rex came home.", "My puppy Rex ate a shoe.", "He was forgiven at once.")
TAX = ("The tax letter came.", "The tax letter asks for a form.", "The form of the tax letter is blue.")
FILLER = "Ha ha ha ha ha ha ha ha ha ha ha ha, what a violin lesson!"


def first(texts: Sequence[str], about: str, previous: str, words: int) -> str:
    return texts[0].removeprefix("Ana: ")


def said(
    *texts: str, method: str = "lightmem", embed: str = "hashing", session: str = "s", day: int = 1, **settings: object
) -> remanence.Memory:
    settings = {"lm": Scripted({"summary": first, "conflict": lambda old, new: "unrelated"})} | settings
    memory = remanence.open(method=method, embed=embed, **settings)
    tell(memory, *texts, session=session, day=day)
    return memory


def tell(memory: remanence.Memory, *texts: str, session: str, day: int, user: str = "") -> None:
    for minute, text in enumerate(texts):
        memory.add(text, at=f"2024-01-{day:02}T10:{minute:02}", session=session, speaker="Ana", user=user)


def asked(memory: remanence.Memory, question: str) -> list[dict[str, object]]:
    return [given for name, given in memory.lm.asked if name == question]


def entries(memory: remanence.Memory) -> list[str]:
    return [record.text for record in memory.records(kinds="summary")]


# -- sensory: compression and topics ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ratio", "kept"),
    [
        ("I was at the market with Tom on 3 May", 0.4, "market Tom 3 May"),
        ("the violin and the violin and the bow", 0.25, "violin bow"),
        ("a cat, an elephant", 0.25, "elephant"),
        ("It rained. Then Porto, porto", 0.2, "Porto,"),
        ("so it is", 0.1, "so"),
        ("I moved", 1.0, ""),
        ("…", 0.5, ""),
    ],
)
def test_the_words_that_tell_most_are_kept_in_their_order(text, ratio, kept):
    assert compressed(text, ratio) == kept


def test_a_turn_is_found_by_what_it_tells_where_its_filler_hides_it():
    texts, question = ("The lesson was short.", FILLER), "Was there a violin lesson?"
    with said(*texts, ratio=0.3, embed="static") as light, said(*texts, method="dense", embed="static") as plain:
        best = light.search(question, k=1)[0]
        assert (best.text, best.record.key) == (FILLER, "Ha ha ha violin lesson!")
        assert plain.search(question, k=1)[0].text == texts[0]


def test_topics_are_cut_where_neighbours_are_least_alike():
    with said(*PUPPY[:2], *TAX) as memory:
        memory.consolidate(now="2024-01-09")
        texts = [given["texts"] for given in asked(memory, "summary")]
    assert texts == [[f"Ana: {text}" for text in topic] for topic in (PUPPY[:2], TAX)]


def test_a_low_cosine_between_lower_ones_is_no_boundary():
    words = ("a1 b1 c1 d1", "a1 b1 c1 e1", "a1 e1 g1 h1", "i1 j1 k1 l1")  # cosines 3/4, 1/2, 0
    with said(*words, ratio=1, alike=0.7) as memory:
        memory.consolidate(now="2024-01-09")
        assert [len(given["texts"]) for given in asked(memory, "summary")] == [3, 1]


def test_what_is_alike_enough_is_one_topic():
    with said(*PUPPY[:2], *TAX, alike=-1.0) as memory:
        memory.consolidate(now="2024-01-09")
        assert len(entries(memory)) == 1


# -- short-term: the buffer ------------------------------------------------------------------------------------------


def test_topics_leave_the_buffer_oldest_first_until_the_rest_may_wait():
    with said(*PUPPY[:2], *TAX, buffer=20) as memory:
        assert sum(len(record.key) / 4 for record in memory.records()) >= 20
        memory.consolidate(now="2024-01-01T10:05")
        assert entries(memory) == [PUPPY[0]]
        assert memory.consolidate(now="2024-01-01T10:05") == []
        memory.consolidate(now="2024-01-01T11:04")
        assert entries(memory) == [PUPPY[0], TAX[0]]


def test_writing_asks_nothing_and_a_buffer_that_is_not_full_waits():
    with said(*PUPPY[:2], *TAX) as memory:
        assert memory.consolidate(now="2024-01-01T10:05") == []
        assert memory.lm.asked == []
        assert {record.kind for record in memory.records()} == {"turn"}


def test_a_session_that_another_follows_waits_no_longer():
    with said(*PUPPY[:2]) as memory:
        memory.add(TAX[0], at="2024-01-01T10:02", session="t", speaker="Ana")
        memory.consolidate(now="2024-01-01T10:03")
        assert entries(memory) == [PUPPY[0]]


def test_turns_of_no_session_wait_no_longer_when_somebody_speaks_again_after_a_silence():
    with said(*PUPPY[:2], session="") as memory:
        for hour in ("11:02", "11:03"):
            memory.add(TAX[0] + hour, at=f"2024-01-01T{hour}", speaker="Ana")
        memory.consolidate(now="2024-01-01T11:04")
        assert entries(memory) == [PUPPY[0]]


def test_an_entry_cites_its_turns_and_lifts_the_one_the_question_has_no_word_of():
    crowd = ["The shoe shop sold a shoe.", "A shoe is a shoe.", "Every shoe has a lace."]
    question = "What became of the puppy Rex?"
    static = {"embed": "static"}
    with said(*PUPPY, alike=-1.0, **static) as memory, said(*PUPPY, method="dense", **static) as plain:
        for one in (memory, plain):
            tell(one, *crowd, session="t", day=2)
            one.consolidate(now="2024-01-09")
        (record, _) = memory.records(kinds="summary")
        assert [memory.get(source.event).text for source in record.sources] == list(PUPPY)
        hits = memory.search(question, k=3)
        assert (hits[2].text, hits[2].why["dense"] < hits[2].why["entry"]) == (PUPPY[2], True)
        assert PUPPY[2] not in [hit.text for hit in plain.search(question, k=3)]
        assert "entry" in memory.search(question, k=3, speakers="Ana")[2].why, "an entry has no speaker of its own"


# -- long-term: sleep ------------------------------------------------------------------------------------------------

HOMES = ("Ana lives in Lisbon.", "Ana lives in Porto.", "Ana lives in Rome.")


def moved(verdict: str = "updates", method: str = "lightmem", together: bool = False) -> remanence.Memory:
    lm = Scripted({"summary": first, "conflict": lambda old, new: verdict})
    memory = (
        remanence.open(method=method, embed="hashing", lm=lm, same=0.5, entry=0.6) if method == "lightmem" else None
    )
    memory = memory or remanence.open(method=method, embed="hashing")
    for day, home in enumerate(HOMES, 1):
        tell(memory, home, session=f"s{day}", day=day)
        if not together:
            memory.consolidate(now=f"2024-01-{day:02}T12:00")
    memory.consolidate(now="2024-01-09")
    return memory


@pytest.mark.parametrize("together", [False, True])
def test_an_entry_ends_when_the_next_that_updates_it_begins(together):
    with moved(together=together) as memory:
        assert entries(memory) == [HOMES[2]]
        for day, home in enumerate(HOMES, 1):
            assert entries(memory.as_of(f"2024-01-{day:02}T20:00")) == [home]


def test_what_is_out_of_date_lifts_nothing_so_that_what_is_true_comes_first():
    question = "In Lisbon, Porto or Rome: where in Lisbon lives she?"
    with moved() as memory, moved(method="dense") as plain:
        assert plain.search(question, k=1)[0].text == HOMES[0]
        hits = memory.search(question, k=3)
        assert [hit.text for hit in hits if "entry" in hit.why] == [HOMES[2]]
        assert hits[0].text == HOMES[2]
        assert [hit.text for hit in memory.search(question, kinds="summary")] == [HOMES[2]]


def test_an_entry_that_says_the_same_is_merged_and_hands_its_turns_over():
    with moved("same") as memory:
        assert entries(memory) == [HOMES[0]]
        assert all("entry" in hit.why for hit in memory.search("Who lives in Rome?", k=3))


def test_one_that_extends_takes_the_place_of_what_it_holds_whole():
    lm = Scripted({"summary": first, "conflict": lambda old, new: "extends"})
    with said("Ana has a dog.", lm=lm, same=0.3) as memory:
        tell(memory, "Ana has a dog and a cat.", session="t", day=2)
        tell(memory, "Ana has a parrot.", session="u", day=3)
        memory.consolidate(now="2024-01-09")
        assert entries(memory) == ["Ana has a dog and a cat.", "Ana has a parrot."]


def test_only_like_entries_of_one_scope_are_compared_once_the_earlier_first():
    with said(HOMES[0], same=0.5) as memory:
        tell(memory, HOMES[1], session="t", day=2)
        tell(memory, HOMES[2], session="t", day=2, user="u")
        tell(memory, TAX[0], session="u", day=3)
        memory.consolidate(now="2024-01-09")
        tell(memory, "We painted the fence.", session="v", day=8)
        memory.consolidate(now="2024-01-10")
        assert asked(memory, "conflict") == [{"old": HOMES[0], "new": HOMES[1]}]


def test_erasing_a_turn_sums_up_the_rest_of_its_topic_anew():
    with said(*PUPPY, alike=-1.0) as memory:
        memory.consolidate(now="2024-01-09")
        memory.erase(between=("2024-01-01T10:00", "2024-01-01T10:01"))
        assert entries(memory) == []
        memory.consolidate(now="2024-01-09")
        assert entries(memory) == [PUPPY[1]]


def test_a_ratio_that_keeps_nothing_is_refused():
    with pytest.raises(BadConfig, match=r"ratio must be in \(0, 1\], got 0"):
        remanence.open(method="lightmem", ratio=0)
