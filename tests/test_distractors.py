"""Needles among distractors: what is told, that it is told while it is made, and what is graded."""

from collections import Counter
from itertools import islice

import pytest

from remanence.bench.base import Advance, Found, Observe, Probe
from remanence.bench.run import run
from remanence.bench.tasks.distractors import SAYS, THINGS, Distractors
from remanence.bench.text_memory import TextMemory
from remanence.embed.hashing import Hashing
from remanence.errors import BadConfig


def told(seed=0, **settings):
    (world,) = Distractors(**settings).worlds(seed)
    steps = list(world.steps)
    events = [event for step in steps if isinstance(step, Observe) for event in step.events]
    return world, events, [step for step in steps if isinstance(step, Probe)]


def thing_of(probe):
    return max((thing for thing in THINGS if thing in probe.question), key=len)


def test_every_event_is_one_and_in_order_and_batches_are_of_their_size():
    (world,) = Distractors(events=2500).worlds(0)
    steps = list(world.steps)
    batches = [len(step.events) for step in steps if isinstance(step, Observe)]
    assert batches == [1000, 1000, 500]
    assert isinstance(steps[3], Advance)
    events = [event for step in steps[:3] for event in step.events]
    assert [event.at for event in events] == sorted({event.at for event in events})
    assert len({event.id for event in events}) == 2500
    assert Counter(event.session for event in events) == {f"day {day}": 100 for day in range(25)}
    assert steps[3].now > events[-1].at


def test_a_million_events_are_told_as_they_are_made():
    (world,) = Distractors(events=1_000_000).worlds(0)
    first, second = islice(world.steps, 2)
    assert (len(first.events), len(second.events)) == (1000, 1000)


def test_a_needle_is_said_as_its_kind_says_and_nothing_else_answers():
    _, events, probes = told(events=4000, needles=10)
    assert Counter(probe.tags["kind"] for probe in probes) == dict.fromkeys(SAYS, 10)
    assert len({thing_of(probe) for probe in probes}) == 60, "a thing of its own"
    text = {event.id: event.text for event in events}
    answers = ("kept", "moved to", "like the", "Whenever", "lent", "coat of paint")
    for probe in probes:
        turns = [text[id] for id in (*probe.outdated, *probe.gold)]
        said = SAYS[probe.tags["kind"]]
        assert len(turns) == len(said)
        assert all(turn.startswith(form.split("{thing}")[0]) for turn, form in zip(turns, said, strict=True))
        thing = f" {thing_of(probe)}"
        about = [e.text for e in events if thing in e.text and any(word in e.text for word in answers)]
        assert sorted(about) == sorted(turns), "every other turn about it only mentions it"


def test_the_update_wants_the_later_turn_and_the_others_all_of_theirs():
    _, events, probes = told(events=4000, needles=10)
    place = {event.id: number for number, event in enumerate(events)}
    sizes = {"fact": 1, "update": 1, "preference": 1, "instruction": 1, "order": 2, "contradiction": 2}
    for probe in probes:
        kind = probe.tags["kind"]
        assert len(probe.gold) == sizes[kind]
        assert len(probe.outdated) == (kind == "update")
        turns = [place[id] for id in (*probe.outdated, *probe.gold)]
        assert turns == sorted(turns)
        assert all(events[turn].speaker == "user" for turn in turns)


def test_mentions_grow_with_the_length():
    counts = []
    for length in (400, 4000):
        _, events, probes = told(events=length, needles=4)
        text = " ".join(event.text for event in events)
        counts.append(sum(text.count(thing_of(probe)) for probe in probes))
    assert counts[1] > 2 * counts[0], "the needles are as many, and all else ten times as much"


def test_no_word_of_a_thing_is_so_common_that_it_says_nothing():
    _, events, _ = told(events=5000)
    holding = Counter(word for event in events for word in {w.strip(".,?'") for w in event.text.split()})
    words = {word for thing in THINGS for word in thing.split()}
    assert max(holding[word] for word in words) < 0.02 * 5000


def test_recall_and_which_is_newer():
    task = Distractors(events=4000, needles=10)
    world, _, probes = told(events=4000, needles=10)
    update = next(probe for probe in probes if probe.tags["kind"] == "update")
    order = next(probe for probe in probes if probe.tags["kind"] == "order")
    (new,), (old,) = update.gold, update.outdated

    def grade(probe, *cites):
        got = task.grade(world, probe, Found(("",) * len(cites), tuple((c,) for c in cites)))
        return [got[name].value for name in ("recall@10", "recall@1", "all@10", "newer") if name in got]

    other = [str(i) for i in range(9)]
    assert grade(update, new, old) == [1, 1, 1, 1]
    assert grade(update, old, new) == [1, 0, 1, 0]
    assert grade(update, *other, new, old) == [1, 0, 1, 1]
    assert grade(update, *other, "9", new) == [0, 0, 0, 0], "neither is among the first ten"
    assert grade(order, order.gold[0], *other, order.gold[1]) == [0.5, 0.5, 0]


def test_the_seed_is_the_conversation():
    one, two, three = ([event.text for event in told(seed, events=1000, needles=5)[1]] for seed in (1, 1, 2))
    assert one == two != three


def test_a_short_conversation_end_to_end():
    task = Distractors(events=300, needles=3)
    (row,) = run(task, [TextMemory("words", Hashing())])
    assert (row.status, row.events, row.probes) == ("done", 300, 18)
    assert row.groups["kind"]["fact"]["recall@10"].value == 1
    assert row.scores["newer"].count == 3
    assert row.scores["newer"].value == 0, "words see that the thing was kept, not that it has been moved"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"needles": 0}, "needles must be from 1 to 100, got 0"),
        ({"events": 300}, "20 needles of each kind need at least 360 events, got 300"),
        ({"mentions": 1.5}, "mentions must be from 0 to 1, got 1.5"),
        ({"batch": 0}, "batch must be at least 1"),
    ],
)
def test_a_conversation_that_cannot_be_is_refused(settings, said):
    with pytest.raises(BadConfig, match=said):
        Distractors(**settings)
