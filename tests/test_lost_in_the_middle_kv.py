"""Pairs at even distances, of which the first, the last and three between are asked for."""

import pytest

from remanence.bench.base import Found
from remanence.bench.tasks.lost_in_the_middle_kv import POSITIONS, LostInTheMiddleKV
from remanence.errors import BadConfig


def test_first_and_last_are_first_and_last():
    for world in LostInTheMiddleKV(length=128, contexts=2).worlds(0):
        read, *probes = world.steps
        places = [read.ids.index(probe.ids[0]) for probe in probes]
        assert [probe.tags["position"] for probe in probes] == list(POSITIONS)
        assert places == sorted(places)
        assert (places[0], places[-1], len(read.ids)) == (1, 126, 128)
        assert abs(places[2] - 64) <= 4
        assert [(read.ids[place + 1],) for place in places] == [probe.target for probe in probes]


def test_the_token_said_is_what_counts():
    task = LostInTheMiddleKV()
    (world, *_) = task.worlds(0)
    probe = world.steps[1]
    assert task.grade(world, probe, Found(said=probe.target))["right"].value == 1
    assert task.grade(world, probe, Found(said=(0,)))["right"].value == 0


def test_what_cannot_be_is_refused():
    with pytest.raises(BadConfig, match="no room for 32 pairs"):
        LostInTheMiddleKV(length=60)
    with pytest.raises(BadConfig, match="pairs must be from 5"):
        LostInTheMiddleKV(pairs=4)
