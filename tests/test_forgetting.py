"""Forgetting: what is told and asked, and what memories get that are known to do right or wrong."""

from collections import Counter
from datetime import timedelta

import pytest

from remanence.bench.base import Advance, Found, Observe, Probe
from remanence.bench.run import run
from remanence.bench.tasks.forgetting import IMPORTANT, KINDS, START, Forgetting
from remanence.bench.text_memory import TextMemory
from remanence.embed.hashing import Hashing
from remanence.errors import BadConfig
from remanence.lm.base import Usage


class Keeps:
    """A memory of turns and nothing else: `kept` says which are left whenever it may forget. It finds what it has."""

    form = "text"

    def __init__(self, name, kept):
        self.name, self.kept = name, kept

    def about(self):
        return {}

    def subject(self):
        self.events = []
        return self

    def usage(self):
        return Usage()

    def observe(self, events):
        self.events += events

    def advance(self, step):
        if step.forget:
            self.events = self.kept(self.events)

    def recall(self, probe):
        found = [event for event in self.events if event.id in probe.gold][:1]
        return Found(tuple(e.text for e in found), tuple((e.id,) for e in found))

    def sizes(self):
        return {"bytes": 0}

    def close(self):
        """Nothing is held open."""


def scores(kept, task=None):
    (row,) = run(task or Forgetting(streams=2), [Keeps("keeps", kept)])
    assert row.status == "done"
    by_kind = {kind: of["needed"].value for kind, of in row.groups["kind"].items() if "needed" in of}
    return {name: average.value for name, average in row.scores.items()}, by_kind


def steps(seed=0, **settings):
    return next(Forgetting(**settings).worlds(seed)).steps


def test_all_and_nothing_are_both_worth_a_half():
    assert scores(lambda events: events)[0] == {"balance": 0.5, "needed": 1, "kept": 1, "in use": 1}
    assert scores(lambda events: [])[0] == {"balance": 0.5, "needed": 0, "kept": 0, "in use": 0}


def test_to_know_a_code_from_chatter_is_worth_all():
    right, by_kind = scores(lambda events: [event for event in events if "code" in event.text or "used" in event.text])
    assert right == {"balance": 1, "needed": 1, "kept": 0, "in use": 1}
    assert by_kind == dict.fromkeys(KINDS, 1)


def test_first_in_first_out_keeps_what_is_repeated_and_recent():
    got, by_kind = scores(lambda events: events[-190:])  # nearly a quarter of the turns
    assert by_kind == {"used": 0, "repeated": 1, "important": 0, "recent": 1}
    assert got["kept"] <= 2 / 48
    assert got["balance"] == pytest.approx(0.75, abs=0.025)


def test_each_kind_is_said_and_asked_for_as_it_is_defined():
    told = [(e.text, (e.at - START).days) for step in steps() if isinstance(step, Observe) for e in step.events]
    asked = [step for step in steps() if isinstance(step, Probe)]
    final = [probe for probe in asked if probe.tags["asked"] == "end" and probe.tags["kind"] != "chatter"]
    assert Counter(probe.tags["kind"] for probe in final) == dict.fromkeys(KINDS, 6)
    for probe in final:
        days = [day for text, day in told if probe.answers[0] in text]
        uses = [(p.now - START).days for p in asked if p.question == probe.question and p.tags["asked"] == "in use"]
        kind = probe.tags["kind"]
        assert len(days) == len(probe.gold) == (len(range(days[0], 60, 7)) if kind == "repeated" else 1)
        assert days[0] >= 46 if kind == "recent" else days[0] < 15
        assert uses == (list(range(days[0] + 7, 60, 7)) if kind == "used" else [])
    urgent = [text for text, _ in told if text.startswith(("This is important", "Never forget"))]
    assert len(urgent) == 6
    assert len(IMPORTANT) == 2


def test_old_chatter_is_quoted_word_for_word_and_is_said_once():
    told = [event for step in steps() if isinstance(step, Observe) for event in step.events]
    text, at = ({event.id: getattr(event, name) for event in told} for name in ("text", "at"))
    quoted = [step for step in steps() if isinstance(step, Probe) and step.tags["kind"] == "chatter"]
    assert len(quoted) == 24, "as many as there are facts"
    for probe in quoted:
        (id,) = probe.gold
        assert probe.question == text[id]
        assert at[id] < START + timedelta(days=60 - 14)
    chatter = [event.text for event in told if "code" not in event.text and "used" not in event.text]
    assert len(set(chatter)) == len(chatter) == 60 * 12


def test_it_may_forget_every_week_and_on_the_last_day_and_all_is_asked_after_that():
    all_steps = steps()
    times = [(step.now - START).days for step in all_steps if isinstance(step, Advance) and step.forget]
    assert times == [6, 13, 20, 27, 34, 41, 48, 55, 59]
    last = max(i for i, step in enumerate(all_steps) if isinstance(step, Advance))
    assert all(isinstance(step, Probe) and step.tags["asked"] == "end" for step in all_steps[last + 1 :])
    told = [event.at for step in all_steps if isinstance(step, Observe) for event in step.events]
    assert told == sorted(told)


def test_the_tenth_event_counts_and_the_eleventh_does_not():
    task = Forgetting()
    world = next(task.worlds(0))
    fact, chat = (next(s for s in world.steps[-48:] if (s.tags["kind"] == "chatter") == c) for c in (False, True))
    other = [(str(i),) for i in range(9)]
    for probe, found, kept in ((fact, 1, 0), (chat, 0, 1)):
        tenth = task.grade(world, probe, Found(("",) * 10, (*other, probe.gold)))
        late = task.grade(world, probe, Found(("",) * 11, (*other, ("9",), probe.gold)))
        assert (tenth["balance"].value, late["balance"].value) == (found, kept)


def test_the_seed_is_the_life():
    texts = [[e.text for s in steps(seed) if isinstance(s, Observe) for e in s.events] for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_a_small_life_end_to_end():
    task = Forgetting(streams=1, days=16, daily=2, facts=1, every=3, fresh=5)
    (row,) = run(task, [TextMemory("words", Hashing())])
    assert (row.status, row.error) == ("done", "")
    assert row.scores["balance"].value == 0.5, "words forget nothing"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"fresh": 40}, "must rise from 1, got 7, 40 and 30"),
        ({"facts": 34}, "facts must be from 1 to 33, got 34"),
        ({"daily": 0}, "less old chatter than facts"),
        ({"daily": 200}, "no turn of chatter is said twice"),
    ],
)
def test_a_life_that_cannot_be_is_refused(settings, said):
    with pytest.raises(BadConfig, match=said):
        Forgetting(**settings)
