"""Needles: where they stand, that each question has its one answer, and how answers are graded."""

from collections import Counter

import pytest

from remanence.bench import recall
from remanence.bench.base import Continue, Found, Read
from remanence.bench.tasks.needle import Needle
from remanence.errors import BadConfig


def told(task: Needle, seed: int = 0) -> list[tuple[list[int], list[Continue]]]:
    """The tokens and the questions of each world."""
    found = []
    for world in task.worlds(seed):
        read, *probes = world.steps
        assert isinstance(read, Read)
        found.append((list(read.ids), probes))
    return found


@pytest.mark.parametrize("needles", [1, 3, 8, 24])
def test_a_needle_stands_at_its_depth_and_is_followed_by_its_answer(needles):
    task = Needle(lengths="100,257", needles=needles, depths=4, contexts=4)
    for ids, probes in told(task):
        assert ids[0] == recall.BOS
        assert sum(token in recall.KEYS for token in ids) == len(probes) == needles, "no pair covers another"
        for probe in probes:
            (place,) = [i for i, token in enumerate(ids) if token == probe.ids[0]]
            assert (ids[place + 1],) == probe.target
            width = (len(ids) - 1) // 4
            assert (place - 1) // width == (place + 1 - 1) // width == int(float(probe.tags["depth"]) / 25)
            assert probe.tags["length"] == str(len(ids))


@pytest.mark.parametrize("needles", [1, 8])
def test_every_depth_is_asked_alike(needles):
    """Places drawn anew for each needle would leave some depth without."""
    task = Needle(lengths="300", needles=needles, contexts=16)
    counts = Counter(probe.tags["depth"] for _, probes in told(task) for probe in probes)
    assert len(counts) == 8
    assert set(counts.values()) == {2 * needles}
    assert task.size() == sum(counts.values())


def test_worlds_follow_the_seed():
    assert told(Needle(), 3) == told(Needle(), 3)
    assert told(Needle(), 3)[0][0] != told(Needle(), 4)[0][0]


def test_several_values_are_graded_by_the_share_that_is_foretold():
    task = Needle(lengths="200", needles=4, values=2)
    for ids, probes in told(task):
        for probe in probes:
            after = [str(ids[i + 1]) for i, token in enumerate(ids) if token == probe.ids[0]]
            assert sorted(after) == sorted(probe.answers)
            assert len(set(after)) == probe.k == 2
            assert "depth" not in probe.tags
    (world, *_) = task.worlds(0)
    one, two = (int(answer) for answer in probe.answers)
    for likeliest, right in (((two, one), 1), ((one, 0, two), 0.5), ((0, one), 0.5), ((0, 1, one, two), 0)):
        assert task.grade(world, probe, Found(likeliest=likeliest))["right"].value == right


def test_the_token_said_is_what_counts():
    task = Needle(lengths="200")
    (world, *_) = task.worlds(0)
    _, probe, *_ = world.steps
    assert isinstance(probe, Continue)
    assert task.grade(world, probe, Found(said=probe.target))["right"].value == 1
    assert task.grade(world, probe, Found(said=(0,), likeliest=probe.target))["right"].value == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"lengths": "512,many"}, "lengths are numbers"),
        ({"lengths": 64, "needles": 32}, "have no room for 32 keys"),
        ({"needles": 33}, "there are 32 keys"),
        ({"contexts": 0}, "must be at least 1"),
    ],
)
def test_what_cannot_be_is_refused(settings, said):
    with pytest.raises(BadConfig, match=said):
        Needle(**settings)
