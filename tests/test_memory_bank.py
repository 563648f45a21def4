"""What fades and what stays, by the numbers of exp(-t / S); what days and people are summed up as."""

import math
from collections import Counter
from datetime import timedelta

import pytest

import remanence
from remanence.errors import BadConfig, BadReply
from remanence.lm.scripted import Scripted
from remanence.records import Record, utc

START = utc("2024-05-01T09:00:00")
DAY = timedelta(days=1)


def opened(path, method="memory_bank", **settings):
    return remanence.open(path / "m.db", method=method, embed="hashing", **settings)


def summary(texts, about, previous, words):
    return f"{about or 'all'}: {' / '.join(texts)}"


@pytest.fixture
def memory(tmp_path):
    with opened(tmp_path, lm=Scripted({"summary": summary})) as memory:
        yield memory


def held(memory, kind):
    return [record.text for record in memory.records(kinds=kind)]


# -- forgetting ----------------------------------------------------------------------------------------------------

CURVE = [  # days, strength, R by hand
    (0, 1, 1.0),
    (1, 1, 0.36788),
    (2, 1, 0.13534),
    (3, 1, 0.04979),
    (1, 2, 0.60653),
    (3, 3, 0.36788),
    (9, 3, 0.04979),
    (-1, 1, 1.0),
]


@pytest.mark.parametrize(("days", "strength", "left"), CURVE)
def test_what_is_left_follows_the_curve(memory, days, strength, left):
    record = Record("turn", "x", START, strength=strength)
    assert memory.method.retention(record, START + days * DAY) == pytest.approx(left, abs=1e-5)
    again = Record("turn", "x", START - 50 * DAY, strength=strength, last_read=START)
    assert memory.method.retention(again, START + days * DAY) == pytest.approx(left, abs=1e-5)


def test_a_memory_never_recalled_goes_after_three_days(memory):
    memory.add("A violin.", at=START)
    assert memory.forget(now=START + 2.99 * DAY) == []
    (op,) = memory.forget(now=START + 3 * DAY)
    assert (op.kind, op.why) == ("expire", "retention 0.050")
    assert memory.search("violin") == []


def test_the_unit_of_time_is_a_setting(tmp_path):
    with opened(tmp_path, days=7) as memory:
        memory.add("A violin.", at=START)
        assert memory.forget(now=START + 20 * DAY) == []
        assert len(memory.forget(now=START + 21 * DAY)) == 1


def test_the_recalled_stays_where_first_in_first_out_would_drop_it(memory):
    memory.add("The violin lesson is at six.", at=START)
    memory.add("The tax letter came.", at=START + 2 * DAY)
    for _ in range(2):
        (hit,) = memory.search("violin lesson", k=1, now=START)
    assert hit.record.strength == 2, "what is handed out is as it was before"
    gone = memory.forget(now=START + 5 * DAY)  # exp(-5/3) = 0.19, exp(-3/1) = 0.0498
    assert [memory.get(op.record).text for op in gone] == ["The tax letter came."]
    assert held(memory, "turn") == ["The violin lesson is at six."]


def test_each_recall_adds_one_and_starts_the_time_again(memory):
    memory.add("A violin.", at=START)
    memory.search("violin", now=START + 2 * DAY)
    (record,) = memory.records()
    assert (record.strength, record.reads, record.last_read) == (2, 1, START + 2 * DAY)
    left = memory.method.retention(record, START + 4 * DAY)
    assert left == pytest.approx(math.exp(-1))  # without the 1 added exp(-2), without the restart exp(-2) too
    memory.search("violin", now=START + DAY)  # a question put as of an earlier day
    (record,) = memory.records()
    assert (record.strength, record.last_read) == (3, START + 2 * DAY)


def test_only_what_was_handed_out_is_strengthened(memory):
    for text in ("A violin.", "A fence.", "A bicycle."):
        memory.add(text, at=START)
    memory.search("violin", k=1, now=START)
    assert {record.text: record.strength for record in memory.records()} == {
        "A violin.": 2,
        "A fence.": 1,
        "A bicycle.": 1,
    }
    memory.as_of(START).search("violin")
    assert sum(record.reads for record in memory.records()) == 1


@pytest.mark.parametrize("bad", [{"threshold": 1.0}, {"threshold": -0.1}, {"days": 0.0}])
def test_settings_that_cannot_be_are_refused(bad, tmp_path):
    with pytest.raises(BadConfig, match=r"must be .*, got"):
        opened(tmp_path, **bad)


# -- summaries -----------------------------------------------------------------------------------------------------


def days(memory):
    """Ana and an assistant on two days, Ben on the second; a third day that is not over."""
    said = [
        (0, "Ana", "user", "I like rain."),
        (0.1, "", "assistant", "Do you?"),
        (1, "Ana", "user", "I bought a boat."),
        (1.1, "Ben", "user", "I sold mine."),
        (2, "Ana", "user", "It sank."),
    ]
    for after, speaker, channel, text in said:
        memory.add(text, at=START + after * DAY, speaker=speaker, channel=channel)
    return START + 2.3 * DAY


def test_each_day_that_is_over_is_summed_up(memory):
    now = days(memory)
    memory.consolidate(now=now)
    assert held(memory, "summary") == [
        "all: Ana: I like rain. / Do you?",
        "all: Ana: I bought a boat. / Ben: I sold mine.",
    ]
    assert [f"{r.valid_from:%m-%d %H:%M}" for r in memory.records(kinds="summary")] == ["05-01 11:24", "05-02 11:24"]
    first, second = held(memory, "summary")
    assert held(memory, "overview") == [f"all: 2024-05-01: {first} / 2024-05-02: {second}"]
    memory.consolidate(now=now + DAY)
    assert held(memory, "summary")[-1] == "all: Ana: It sank."
    assert held(memory, "overview") == [
        f"all: 2024-05-01: {first} / 2024-05-02: {second} / 2024-05-03: all: Ana: It sank."
    ]


def test_days_are_told_in_order_though_they_came_late(memory):
    for day in (2, 0, 1):
        memory.add(f"Day {day}.", at=START + day * DAY)
        memory.consolidate(now=START + 9 * DAY)
    assert held(memory, "overview") == [
        "all: 2024-05-01: all: Day 0. / 2024-05-02: all: Day 1. / 2024-05-03: all: Day 2."
    ]


def test_the_length_of_a_summary_is_a_setting(tmp_path):
    with opened(tmp_path, words=7) as memory:
        memory.add("I like rain and fog. I like snow and ice. I like sun and wind.", at=START)
        memory.consolidate(now=START + DAY)
        assert {len(text.split()) <= 7 for text in held(memory, "summary") + held(memory, "overview")} == {True}


def test_a_portrait_is_of_what_a_person_said_and_cites_it(memory):
    memory.consolidate(now=days(memory))
    insights = {"Ana: I like rain.", "Ana: I bought a boat.", "Ben: I sold mine."}
    assert set(held(memory, "insight")) == insights
    portraits = {record.speaker: record for record in memory.records(kinds="profile")}
    assert set(portraits) == {"Ana", "Ben"}, "an assistant has none"
    assert portraits["Ana"].text == "Ana: 2024-05-01: Ana: I like rain. / 2024-05-02: Ana: I bought a boat."
    cited = [memory.get(source.event) for source in portraits["Ana"].sources]
    assert [event.text for event in cited] == ["I like rain.", "I bought a boat."]


def test_a_person_without_a_name_is_the_user(memory):
    memory.add("I like rain.", at=START, user="ana")
    memory.add("I like you.", at=START, user="ana", channel="assistant")
    memory.consolidate(now=START + DAY)
    assert held(memory, "profile") == ["ana: 2024-05-01: ana: I like rain."]


def test_a_day_that_grows_is_summed_up_anew(memory):
    now = days(memory)
    memory.consolidate(now=now)
    old, before = list(memory.records(kinds="summary"))[-1], len(memory.lm.asked)
    memory.add("I like fog.", at=START + 1.2 * DAY, speaker="Ana")
    changed = memory.consolidate(now=now)
    assert len(memory.lm.asked) - before == 4, "that day, all days, what it shows of Ana, all of Ana; not Ben"
    assert Counter(op.kind for op in changed) == {"add": 4, "supersede": 4, "link": 3}
    assert held(memory, "summary")[-1] == "all: Ana: I bought a boat. / Ben: I sold mine. / Ana: I like fog."
    assert [len(held(memory, kind)) for kind in ("summary", "overview", "insight", "profile")] == [2, 1, 3, 2]
    old = memory.get(old.id)
    assert (old.valid_to, memory.get(old.superseded_by).kind) == (START + 1.2 * DAY, "summary")
    assert old.text in [hit.text for hit in memory.as_of(START + 1.15 * DAY).search("boat", k=50)]


def test_scopes_are_summed_up_apart(memory):
    memory.add("I like rain.", at=START, user="a")
    memory.add("I like fog.", at=START, user="b")
    memory.add("I like snow.", at=START, user="b", run="2")
    memory.consolidate(now=START + DAY)
    assert sorted(held(memory, "summary")) == ["all: I like fog.", "all: I like rain.", "all: I like snow."]
    assert len(held(memory, "overview")) == 3


def test_what_was_forgotten_is_not_summed_up_again(memory):
    now = days(memory)
    memory.consolidate(now=now)
    memory.search("boat", k=1, now=now)
    gone = {memory.get(op.record).kind for op in memory.forget(now=START + 9 * DAY)}
    assert gone == {"turn", "summary"}
    memory.search("I bought a boat", k=50, now=now)
    (first, *_) = memory.records(kinds="profile")
    memory.forget(first.id)
    before = memory.status()["records"]
    memory.consolidate(now=now)
    assert memory.status()["records"] == before
    assert first.id not in {record.id for record in memory.records()}


def test_what_fades_are_turns_and_the_summaries_of_days(memory):
    memory.consolidate(now=days(memory))
    memory.forget(now=START + 99 * DAY)
    assert {record.kind for record in memory.records()} == {"overview", "insight", "profile"}


def test_summaries_and_portraits_are_recalled_beside_turns(memory):
    memory.consolidate(now=days(memory))
    kinds = {hit.record.kind for hit in memory.search("who bought a boat?", k=50)}
    assert kinds == {"turn", "summary", "overview", "profile"}
    assert {hit.record.kind for hit in memory.search("boat", k=50, kinds="insight")} == {"insight"}


def test_a_model_that_says_nothing_leaves_the_day_waiting(tmp_path):
    script = Scripted({"summary": ["", " ", BadReply("no"), "They met.", "Shy.", "They met.", "Shy."]})
    with opened(tmp_path, lm=script) as memory:
        memory.add("We met.", at=START, speaker="Ana")
        for _ in range(2):
            assert memory.consolidate(now=START + DAY) == []
        with pytest.raises(BadReply):
            memory.consolidate(now=START + DAY)
        memory.consolidate(now=START + DAY)
        assert held(memory, "summary") == ["They met."]
        assert memory.consolidate(now=START + DAY) == []


def test_erasing_a_turn_takes_all_that_was_made_of_it_and_the_rest_is_summed_up_anew(memory):
    now = days(memory)
    memory.consolidate(now=now)
    memory.erase(speakers="Ben")
    assert not [text for record in memory.records() if "sold" in (text := record.text)]
    memory.consolidate(now=now)
    assert held(memory, "summary") == ["all: Ana: I like rain. / Do you?", "all: Ana: I bought a boat."]
    assert len(held(memory, "overview")) == 1
