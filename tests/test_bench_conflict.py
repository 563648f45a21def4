"""The key of the task, graded on answers written by hand, and what the memories that only add get."""

import pytest

from remanence.bench.base import Found, Observe, Probe, World
from remanence.bench.life import life
from remanence.bench.run import run
from remanence.bench.tasks.conflict import Conflict
from remanence.bench.text_memory import TextMemory
from remanence.embed.hashing import Hashing
from remanence.errors import BadConfig

PORTO, LEEDS, GONE, MISS = (("I live in Porto.", ("1",)), ("I moved to Leeds from Porto.", ("2",)),
                            ("I left Leeds.", ("3",)), ("I miss Porto.", ("4",)))  # fmt: skip
WORLD = World("w", (), {"1": "Porto|tram 22", "2": "Leeds", "3": "", "4": ""})


def probe(kind, gold=(), answers=(), outdated=(), k=3):
    return Probe("?", gold, answers, outdated, k=k, tags={"kind": kind, "about": "city"})


def right(asked, *told):
    found = Found(tuple(text for text, _ in told), tuple(cited for _, cited in told))
    return Conflict().grade(WORLD, asked, found)["right"].value


CURRENT = probe("current", ("2",), ("Leeds",), ("Porto",))
CASCADE = probe("cascade", ("2",), (), ("tram 22",))
TRAM = ("I take tram 22.", ("1",))
KEY = [
    (CURRENT, [LEEDS, PORTO], 1),
    (CURRENT, [PORTO, LEEDS], 0),
    (CURRENT, [LEEDS], 1),
    (CURRENT, [], 0),
    (CURRENT, [MISS, LEEDS, PORTO], 1),  # it names Porto and states nothing
    (CURRENT, [MISS, MISS, MISS, LEEDS], 0),  # beyond k
    (CURRENT, [("They live in Leeds.", ("4",))], 0),  # somebody else's
    (CURRENT, [("A summary.", ("2",))], 0),  # it cites, and does not say
    (CURRENT, [("Leeds, and Porto before.", ("1", "2"))], 1),
    (probe("past", ("1",), ("Porto",), ("Leeds",)), [PORTO, LEEDS], 1),
    (probe("past", ("1",), ("Porto",), ("Leeds",)), [LEEDS, PORTO], 0),
    (probe("order", ("1", "2"), ("Porto", "Leeds")), [LEEDS, MISS, PORTO], 1),
    (probe("order", ("1", "2"), ("Porto", "Leeds")), [LEEDS], 0),
    (CASCADE, [TRAM, LEEDS], 0),
    (CASCADE, [LEEDS, TRAM], 1),
    (CASCADE, [PORTO], 1),
    (CASCADE, [], 1),
    (probe("gone", ("3",), (), ("Porto", "Leeds")), [LEEDS, GONE], 0),
    (probe("gone", ("3",), (), ("Porto", "Leeds")), [GONE, LEEDS], 1),
    (probe("gone", ("3",), (), ("Porto", "Leeds")), [MISS], 1),
    (probe("kept", ("4",), ("Porto",)), [MISS], 1),
    (probe("kept", ("4",), ("Porto",)), [PORTO, LEEDS], 0),
]


@pytest.mark.parametrize(("asked", "told", "value"), KEY)
def test_the_key(asked, told, value):
    assert right(asked, *told) == value


def test_what_was_never_said_is_graded_by_the_answer():
    def silent(**said):
        return Conflict().grade(WORLD, probe("never"), Found(**said))["silent"]

    assert silent(silence="CannotAnswer: nothing says so").value == 1
    assert silent(answer="Porto").value == 0
    assert silent(silence="Unavailable: down").status == "ungraded"


def worlds(seed=0, **settings):
    return list(Conflict(**settings).worlds(seed))


def test_a_seed_is_a_life():
    assert worlds(groups=2) == worlds(groups=2)
    assert worlds(groups=2) != worlds(1, groups=2)
    one, two = worlds(groups=2)
    assert one.steps != two.steps


@pytest.mark.parametrize("held_out", [False, True])
def test_the_key_is_true_of_what_is_told(held_out):
    kinds = set()
    for world in worlds(groups=8, held_out=held_out):
        events = {e.id: e for step in world.steps if isinstance(step, Observe) for e in step.events}
        assert set(world.group_of) == set(events)
        order = [event.at for event in events.values()]
        stated = {value: id for id, values in world.group_of.items() for value in values.split("|") if value}
        for asked in (step for step in world.steps if isinstance(step, Probe)):
            kind = asked.tags["kind"]
            kinds.add(kind)
            assert not set(asked.answers) & set(asked.outdated)
            assert all(events[stated[value]].speaker in asked.question for value in asked.outdated)
            if kind in ("current", "past", "order"):
                assert [events[id].at for id in asked.gold] == sorted(events[id].at for id in asked.gold)
                for value, id in zip(asked.answers, asked.gold, strict=True):
                    assert value in world.group_of[id].split("|")
                    assert value.lower() in events[id].text.lower()
            if kind == "past":
                assert events[asked.gold[0]].at < asked.which["as_of"]
            if kind == "current":
                last = max(e.at for id, e in events.items() if set(world.group_of[id].split("|")) & {*asked.answers})
                old = [e.at for id, e in events.items() if set(world.group_of[id].split("|")) & {*asked.outdated}]
                assert max(old) < last
        assert len(order) > 150
    assert kinds == {"current", "past", "order", "cascade", "kept", "gone", "never"}


def test_the_held_out_phrasings_are_other_ones():
    one, two = life(held_out=False), life(held_out=True)
    for name, attribute in one.attributes.items():
        for field in ("states", "changes", "denials", "wishes", "others", "misses"):
            mine, theirs = getattr(attribute, field), getattr(two.attributes[name], field)
            assert not set(mine) & set(theirs)
            assert bool(mine) == bool(theirs)
            assert not mine or min(len(mine), len(theirs)) >= 4
    assert not set(one.chatter) & set(two.chatter)


def test_too_many_people():
    with pytest.raises(BadConfig, match="people must be from 1 to 4, got 5"):
        Conflict(people=5)


def test_a_memory_that_only_adds_tells_what_is_no_longer_true():
    adds, ends = (TextMemory(name, embed=Hashing()) for name in ("words", "erase"))
    scores = {row.memory: row.groups["kind"] for row in run(Conflict(groups=1), [adds, ends])}
    assert scores["words"]["current"]["right"].value < 0.5 < scores["erase"]["current"]["right"].value
