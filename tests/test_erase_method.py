"""What a change makes false, doubtful, or leaves true, where ending the contradicted fact alone is not enough."""

import pytest

import remanence
from remanence.errors import BadConfig
from remanence.lm.base import Fact
from remanence.lm.scripted import Scripted
from remanence.records import utc

SAID = {  # a fact and what it relates
    "Ana lives in Porto.": ("Ana", "lives_in", "Porto"),
    "Ana lives in Leeds.": ("Ana", "lives_in", "Leeds"),
    "Ana takes tram 22, because Ana lives in Porto.": ("Ana", "commute", "tram 22"),
    "Since Ana takes tram 22, Ana reads a lot.": ("Ana", "", ""),
    "Ana's view of Porto is lovely.": ("", "", ""),
    "Ana ran a marathon in Porto.": ("", "", ""),
    "Ana likes Porto here and there.": ("Ana", "likes", "Porto"),
    "Ana is from Porto, that's why Ana is loud.": ("Ana", "from", "Porto"),
    "Ana never worked in Porto because of the rain.": ("Ana", "not_works_at", "Porto"),
    "Ben keeps bees because he lives in Porto.": ("Ben", "", ""),
    "Ana keeps bees, because why not.": ("Ana", "", ""),
}
HOME, MOVED, TRAM, READS, VIEW, MARATHON, LIKES, FROM, NEVER, BEN, BEES = SAID


def facts(text, speaker, at):
    return [Fact(text, 0, len(text), *SAID.get(text, ()))]


def verdict(old, new):
    return "same" if old.rstrip("!") == new.rstrip("!") else "unrelated"


def opened(path, method="erase", conflict=verdict, **settings):
    lm = Scripted({"facts": facts, "conflict": conflict})
    return remanence.open(path / "m.db", method=method, embed="hashing", lm=lm, **settings)


def tell(memory, *said, user="u", day=1):
    for text in said:
        speaker = "Ben" if text.startswith("Ben") else "Ana"
        memory.add(text, at=f"2024-01-{day:02}", speaker=speaker, user=user)
        day += 1


def held(memory, **which):
    return [record.text for record in memory.records(**which)]


def score(memory, text, **which):
    (found,) = [hit for hit in memory.search(text, k=50, **which) if hit.text == text]
    return found.why


@pytest.mark.parametrize(("method", "false"), [("erase", True), ("mem0", False)])
def test_what_hung_on_an_ended_fact_ends_with_it(method, false, tmp_path):
    with opened(tmp_path, method) as memory:
        tell(memory, HOME, TRAM, MOVED)
        assert held(memory) == ([MOVED] if false else [TRAM, MOVED])
        assert held(memory, as_of="2024-01-02") == [HOME, TRAM]
        if false:
            tram = next(r for r in memory.records(as_of="2024-01-02") if r.text == TRAM)
            assert (tram.valid_to, memory.get(tram.superseded_by).text) == (utc("2024-01-03"), MOVED)
            assert [op.why for op in memory.history(tram.id)] == ["", f"hung on: {HOME}"]


def test_and_what_hung_on_that(tmp_path):
    with opened(tmp_path) as memory:
        tell(memory, HOME, TRAM, READS, BEES, MOVED)
        assert held(memory) == [BEES, MOVED]


@pytest.mark.parametrize("fact", [MARATHON, LIKES, FROM, NEVER, BEN, BEES])
def test_what_does_not_hang_on_it_stays_true(fact, tmp_path):
    with opened(tmp_path) as memory:
        tell(memory, HOME, fact, MOVED)
        assert held(memory) == [fact, MOVED]
        assert "doubt" not in score(memory, fact)


def test_what_was_told_later_or_of_another_user_is_let_alone(tmp_path):
    with opened(tmp_path) as memory:
        tell(memory, TRAM, user="v")
        tell(memory, HOME, MOVED)
        tell(memory, TRAM, day=9)
        assert held(memory) == [TRAM, MOVED, TRAM]


def test_what_may_hang_on_it_is_doubted_from_then_on(tmp_path):
    with opened(tmp_path) as memory:
        tell(memory, HOME, VIEW, MOVED)
        assert held(memory) == [VIEW, MOVED]
        assert score(memory, VIEW)["doubt"] == -0.5
        assert "doubt" not in score(memory, VIEW, as_of="2024-01-02")
        asked = "Ana's view of Porto, Leeds; Ana lives"
        assert [hit.text for hit in memory.search(asked)] == [MOVED, VIEW]
        assert memory.search(asked, as_of="2024-01-02", k=1)[0].text == VIEW
        memory.undo(next(op.id for op in memory.history() if op.kind == "link"))
        assert "doubt" not in score(memory, VIEW)


def test_what_is_not_doubted_is_looked_for_beyond_k(tmp_path):
    asked = "Ana's view of Porto, Leeds; Ana lives"
    with opened(tmp_path) as memory:
        tell(memory, HOME, VIEW, MOVED)
        assert memory.search(asked, k=1)[0].text == MOVED
        memory.method.candidates = 1
        assert memory.search(asked, k=1)[0].text == VIEW


def test_said_again_it_is_doubted_no_longer(tmp_path):
    with opened(tmp_path) as memory:
        tell(memory, HOME, VIEW, MOVED)
        tell(memory, VIEW + "!", day=9)
        assert "doubt" not in score(memory, VIEW)
        assert held(memory) == [VIEW, MOVED]


@pytest.mark.parametrize("again", [False, True])
def test_one_batch_is_no_different(again, tmp_path):
    said = [HOME, TRAM, VIEW, MOVED] + [VIEW + "!"] * again
    events = [remanence.records.Event(text, utc(f"2024-01-0{day}"), speaker="Ana") for day, text in enumerate(said, 1)]
    with opened(tmp_path) as memory:
        memory.add_many(events)
        assert held(memory) == [VIEW, MOVED]
        assert ("doubt" in score(memory, VIEW)) is not again


def test_a_model_may_say_itself_what_a_change_makes_false(tmp_path):
    def judge(old, new):
        return "updates" if (old, new) == (VIEW, MOVED) else "unrelated"

    with opened(tmp_path, conflict=judge) as memory:
        tell(memory, HOME, VIEW, MOVED)
        assert held(memory) == [MOVED]


@pytest.mark.parametrize("method", ["erase", "dense"])
def test_with_rules_alone(method, tmp_path):
    with remanence.open(tmp_path / "m.db", method=method) as memory:
        for day, text in enumerate(("I live in Porto.", "I take tram 22 to work because I live in Porto."), 1):
            memory.add(text, at=f"2024-01-0{day}", speaker="Ana")
        memory.add("I moved to Leeds.", at="2024-03-01", speaker="Ana")
        now = " ".join(hit.text for hit in memory.search("How does Ana get to work?"))
        assert ("tram 22" in now) is (method == "dense")
        assert "tram 22" in memory.as_of("2024-02-01").search("How does Ana get to work?", k=1)[0].text


def test_settings_are_checked():
    with pytest.raises(BadConfig, match="near must be at least 1, got 0"):
        remanence.open(method="erase", near=0)
