"""What each of the four decisions does, on facts where a memory that only adds would be wrong."""

from itertools import permutations

import pytest

import remanence
from remanence.errors import BadConfig
from remanence.lm.base import Fact
from remanence.lm.rules import Rules
from remanence.lm.scripted import Scripted
from remanence.records import Event, Record, Scope, utc
from remanence.text.parts.slots import by_slot, slots

OLD, NEW = "Ana eats no meat.", "Ana eats chicken again."


def whole(text, speaker, at):
    """Every message is one fact, as it stands."""
    return [Fact(text, 0, len(text))]


def opened(path, verdict=None, method="mem0", **settings):
    judge = verdict if callable(verdict) else lambda old, new: verdict
    lm = Rules() if verdict is None else Scripted({"facts": whole, "conflict": judge})
    return remanence.open(path / "m.db", method=method, embed="hashing", lm=lm, **settings)


def held(memory, **which):
    return sorted(record.text for record in memory.records(**which))


DENIAL = "Ana doesn't work at Acme any more."
LIFE = (
    ("2022-01-10", "I live in Porto."),
    ("2022-05-02", "I work at Acme."),
    ("2023-02-01", "I moved to Lisbon."),
    ("2023-06-20", "I don't work at Acme any more."),
    ("2024-03-03", "I moved to Leeds."),
)


def live(memory, order=(0, 1, 2, 3, 4), **about):
    for i in order:
        memory.add(LIFE[i][1], at=LIFE[i][0], speaker="Ana", **about)


# -- the four decisions --------------------------------------------------------------------------------------------

DECISIONS = [  # the model's verdict, what holds in the end, what was done
    ("unrelated", [NEW, OLD], ["add", "add"]),
    ("updates", [NEW], ["add", "add", "supersede"]),
    ("same", [OLD], ["add", "strengthen"]),
    ("extends", [NEW, OLD], ["add", "add"]),
]


@pytest.mark.parametrize(("verdict", "holds", "done"), DECISIONS)
def test_add_update_noop(verdict, holds, done, tmp_path):
    with opened(tmp_path, verdict) as memory:
        memory.add(OLD, at="2024-01-01")
        memory.add(NEW, at="2024-02-01")
        assert held(memory) == holds
        assert [op.kind for op in memory.history()] == done
        assert held(memory, as_of="2024-01-15") == [OLD]


def test_what_says_all_of_the_old_and_more_takes_its_place(tmp_path):
    with opened(tmp_path, "extends") as memory:
        memory.add("Ana eats no meat.", at="2024-01-01")
        memory.add("Ana eats no meat but fish.", at="2024-02-01")
        assert held(memory) == ["Ana eats no meat but fish."]


def test_what_says_more_without_standing_in_the_slot_does_not_hide_it_from_the_next(tmp_path):
    with opened(tmp_path) as memory:
        memory.add("I live in Porto.", at="2024-01-01", speaker="Ana")
        memory.add("I take the tram because I live in Porto.", at="2024-02-01", speaker="Ana")
        memory.add("I moved to Leeds.", at="2024-03-01", speaker="Ana")
        assert "Ana lives in Porto." in held(memory, as_of="2024-02-02")
        assert "Ana lives in Porto." not in held(memory)


def test_what_is_said_again_is_stronger_each_time(tmp_path):
    with opened(tmp_path, "same") as memory:
        for month in (1, 2, 3):
            memory.add(OLD + "!" * month, at=f"2024-0{month}-01")
        (only,) = memory.records()
        assert (only.text, only.strength) == (OLD + "!", 3.0)


def test_a_denial_ends_what_it_denies_and_is_kept(tmp_path):
    with opened(tmp_path) as memory:
        live(memory)
        assert held(memory) == [DENIAL, "Ana moved to Leeds."]
        works = next(memory.records(as_of="2023-01-01", kinds="fact", meta={"relation": "works_at"}))
        assert works.valid_to == utc("2023-06-20")
        assert memory.get(works.superseded_by).text == DENIAL


# -- what that is good for -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "stale"), [("mem0", False), ("dense", True), ("words", True), ("hybrid", True)])
def test_what_was_true_once_is_not_recalled_beside_what_is(method, stale, tmp_path):
    with opened(tmp_path, method=method) as memory:
        live(memory)
        texts = " ".join(hit.text for hit in memory.search("Where does Ana live, in Porto? Where does she work, Acme?"))
        assert ("Porto" in texts) is stale
        assert any(says in texts for says in ("I work at Acme", "Ana works at Acme")) is stale


def test_as_of_a_date_it_is_still_true(tmp_path):
    with opened(tmp_path) as memory:
        live(memory)
        asked = "What is it: Ana lives in Porto, or Ana moved to Lisbon?"
        then = [memory.as_of(day).search(asked, k=1)[0].text for day in ("2022-03-01", "2023-03-01")]
        assert then == ["Ana lives in Porto.", "Ana moved to Lisbon."]


def test_undone_the_old_holds_again(tmp_path):
    with opened(tmp_path, "updates") as memory:
        memory.add(OLD, at="2024-01-01")
        memory.add(NEW, at="2024-02-01")
        memory.undo(memory.history()[-1].id)
        assert held(memory) == [NEW, OLD]


# -- how it looks --------------------------------------------------------------------------------------------------


def test_facts_of_one_batch_see_each_other(tmp_path):
    with opened(tmp_path) as memory:
        memory.add_many(Event(text, utc(at), speaker="Ana") for at, text in LIFE)
        assert held(memory) == [DENIAL, "Ana moved to Leeds."]


@pytest.mark.parametrize("order", list(permutations((0, 2, 4))))
def test_told_in_any_order_each_ends_when_the_next_begins(order, tmp_path):
    with opened(tmp_path) as memory:
        live(memory, order)
        assert held(memory) == ["Ana moved to Leeds."]
        assert held(memory, as_of="2022-06-01") == ["Ana lives in Porto."]
        assert held(memory, as_of="2023-06-01") == ["Ana moved to Lisbon."]


def test_said_before_it_began_earlier(tmp_path):
    with opened(tmp_path, "same") as memory:
        memory.add("Ana is vegan.", at="2024-05-01")
        memory.add("Ana is a vegan.", at="2024-01-01")
        assert held(memory) == ["Ana is a vegan."]


def test_another_users_facts_are_another_matter(tmp_path):
    with opened(tmp_path, "updates") as memory:
        memory.add(OLD, at="2024-01-01", user="a")
        memory.add(NEW, at="2024-02-01", user="b")
        assert held(memory) == [NEW, OLD]


def test_at_most_s_of_the_held_facts_are_put_to_the_model(tmp_path):
    with opened(tmp_path, "unrelated", s=3) as memory:
        for i in range(8):
            memory.add(f"Ana counted {i} sheep.", at=f"2024-01-0{i + 1}")
        asked = [given["old"] for question, given in memory.lm.asked if question == "conflict"]
        assert len(asked) == 0 + 1 + 2 + 3 * 5
    with pytest.raises(BadConfig, match="s must be at least 1, got 0"):
        remanence.open(method="mem0", s=0)


def test_the_nearest_are_asked_first(tmp_path):
    with opened(tmp_path, "unrelated", s=1) as memory:
        for day, text in enumerate(("Ben plays chess.", "Ana eats no meat.", "Ana eats meat."), 1):
            memory.add(text, at=f"2024-01-0{day}")
        assert memory.lm.asked[-1] == ("conflict", {"old": "Ana eats no meat.", "new": "Ana eats meat."})


def test_a_slot_is_found_however_far_its_words_are(tmp_path):
    with opened(tmp_path, s=1) as memory:
        memory.add("I live in Porto.", at="2022-01-01", speaker="Ana")
        for i in range(5):
            memory.add(f"I moved the sofa to room {i}.", at=f"2022-02-0{i + 1}", speaker="Ana")
        memory.add("I moved to Leeds.", at="2023-01-01", speaker="Ana")
        assert "Ana lives in Porto." not in held(memory)
        with remanence.open(tmp_path / "m.db", embed="hashing", s=1) as again:
            again.add("I moved to Cork.", at="2024-01-01", speaker="Ana")
            assert "Ana moved to Leeds." not in held(again)


def test_what_was_forgotten_swallows_nothing(tmp_path):
    with opened(tmp_path) as memory:
        memory.add("I live in Porto.", at="2022-01-01", speaker="Ana")
        memory.forget(next(memory.records()).id)
        memory.add("I live in Porto.", at="2022-02-01", speaker="Ana")
        assert held(memory) == ["Ana lives in Porto."]


def test_what_is_said_of_the_future_is_known_now(tmp_path):
    with opened(tmp_path) as memory:
        memory.add("My flight is on 5 June 2024.", at="2024-05-01", speaker="Ana")
        assert all(record.valid_from == utc("2024-05-01") for record in memory.records(as_of="2024-05-02"))
        assert held(memory, as_of="2024-05-02")


# -- slots ---------------------------------------------------------------------------------------------------------

SLOTS = [  # the earlier (relation, object), the later, what it does
    ("lives_in Porto", "lives_in Leeds", "updates"),
    ("lives_in Porto", "lives_in porto.", "same"),
    ("lives_in Porto", "lives_in Porto Portugal", "extends"),
    ("lives_in Porto Portugal", "lives_in Porto", "same"),
    ("phone 555 01", "phone 555 01 02", "updates"),
    ("lives_in Porto", "not_lives_in Porto", "updates"),
    ("lives_in Porto", "not_lives_in", "updates"),
    ("lives_in Porto", "not_lives_in Leeds", "unrelated"),
    ("not_lives_in Porto", "lives_in Porto", "updates"),
    ("not_lives_in Porto", "lives_in Leeds", "unrelated"),
    ("not_lives_in Porto", "not_lives_in Porto", "same"),
    ("not_lives_in Porto", "past_lives_in Porto", "unrelated"),
    ("works_at Acme", "left Acme", "updates"),
    ("works_at Acme", "left Porto", "unrelated"),
    ("likes tea", "likes coffee", None),
    ("lives_in Porto", "works_at Acme", None),
]


def fact(said, subject="Ana"):
    relation, _, thing = said.partition(" ")
    meta = {"subject": subject, "relation": relation, "object": thing}
    return Record("fact", said, utc("2024-01-01"), meta=meta)


@pytest.mark.parametrize(("first", "then", "verdict"), SLOTS)
def test_facts_of_one_slot_are_told_apart_by_their_objects(first, then, verdict):
    assert by_slot(fact(first), fact(then)) == verdict


def test_a_slot_is_of_one_subject_and_scope():
    assert by_slot(fact("lives_in Porto"), fact("lives_in Leeds", "Ben")) is None
    assert [slot[2] for slot in slots(fact("left Acme"))] == ["works_at", "lives_in", "studies_at"]
    assert list(slots(fact("lives_in Porto"))) == [(Scope(), "ana", "lives_in")]
    assert list(slots(fact("likes tea"))) == []
