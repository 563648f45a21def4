"""Months of talk in which little mattered: what is still there of the little, and what is gone of the rest.

Source:  ours; what should last follows MemoryBank, which keeps what is recalled (Zhong et al. 2023, arXiv 2305.10250),
         and Generative Agents, which keep what matters (Park et al. 2023, arXiv 2304.03442).
Idea:    every memory can keep everything, and every memory can forget everything; to do right is to tell them apart.
         So as many questions are asked about what is needed as about old chatter, and both count the same.
Data:    generated from the seed.
Differs: codes of doors and gates, in English; a real life does not say so plainly what it will need.

A day brings chatter and now and then a fact, "The green shed opens with code 4711". Facts of four kinds are needed:

    used       said once in the first quarter, and asked for every `every` days since: being asked is what may keep it
    repeated   said in the first quarter and every `every` days since, in one of four ways; not asked for until the end
    important  said once in the first quarter, in words that say so; not asked for until the end
    recent     said once in the last `fresh` days

Every `every` days, and on the last, the memory is told the time and may consolidate and forget. Then every fact is
asked for, and as many turns of chatter older than `fresh` days are quoted word for word. A fact is found when one of
the turns that state it is among the first 10 distinct events cited, a turn of chatter when that turn itself is.

    balance  facts that are found, and chatter that is not: 1/2 for keeping all and for keeping nothing, 1 at best
    needed   share of the facts that are found at the end
    kept     share of the old chatter that is still found
    in use   share of the questions before the end that found their fact

How much a memory may hold is its own setting: what it did hold shows in `kept`, and in the row's bytes. A first-in,
first-out memory of a quarter of the turns keeps what is repeated and recent, and has about 3/4.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from remanence.bench.base import Advance, Found, Observe, Probe, Score, Step, World
from remanence.bench.metrics import reciprocal_rank
from remanence.bench.tasks.base import Base
from remanence.errors import BadConfig
from remanence.records import Event

K = 10
START = datetime(2023, 5, 1, 8, tzinfo=UTC)
KINDS = ("used", "repeated", "important", "recent")
LOOKS = ("green", "old", "north", "narrow", "rusty", "blue", "stone", "little", "far", "broken", "white", "lower")
DOORS = ("shed", "gate", "cellar", "garage", "boathouse", "attic", "stable", "archive", "workshop", "chapel", "silo")
SAYS = (
    "The {door} opens with code {code}.", "For the {door} you need code {code}.", "{code} is the code of the {door}.",
    "I used {code} again to get into the {door}.",
)  # fmt: skip
IMPORTANT = (
    "This is important, please remember it: the {door} opens with code {code}.",
    "Never forget this, it is urgent: the code of the {door} is {code}.",
)
QUESTION = "What is the code of the {door}?"
CHATTER = (
    "We walked past the {door} and talked about {topic}.", "Somebody left {topic} beside the {door} again.",
    "The sun was out, so I sat near the {door} with {topic}.", "I dreamt of {topic} and the {door} last night.",
    "There was a cat by the {door}, and she liked {topic}.", "They say {topic} will be sold at the {door}.",
)  # fmt: skip
TOPICS = (
    "the football", "an umbrella", "her new bicycle", "plum cake", "the election", "some records", "a ladder", "chess",
    "the choir", "a wet newspaper", "two kites", "the dentist", "fresh bread", "a lost glove", "the weather", "tea",
)  # fmt: skip


@dataclass
class Forgetting(Base):
    """One world a stream of days."""

    metrics: ClassVar[Mapping[str, str]] = {
        "balance": "share of the facts that are found and of the old chatter that is not",
        "needed": "share of the facts found at the end",
        "kept": "share of the old chatter still found at the end",
        "in use": "share of the questions before the end that found their fact",
    }

    streams: int = 5
    days: int = 60
    daily: int = 12  # turns of chatter
    facts: int = 6  # of each kind
    every: int = 7  # days
    fresh: int = 14  # days

    def __post_init__(self) -> None:
        if not 1 <= self.every <= self.fresh <= self.days // 2:
            given = f"{self.every}, {self.fresh} and {self.days // 2}"
            raise BadConfig(f"every, fresh and half the days must rise from 1, got {given}")
        if not 1 <= self.facts * len(KINDS) <= len(LOOKS) * len(DOORS):
            raise BadConfig(f"facts must be from 1 to {len(LOOKS) * len(DOORS) // len(KINDS)}, got {self.facts}")
        if (self.days - self.fresh) * self.daily < self.facts * len(KINDS):
            raise BadConfig(f"there is less old chatter than facts: make daily more than {self.daily}")
        if self.days * self.daily > len(CHATTER) * len(LOOKS) * len(DOORS) * len(TOPICS) // 2:
            raise BadConfig(f"no turn of chatter is said twice, and there are not enough for {self.daily} a day")

    def worlds(self, seed: int) -> Iterator[World]:
        for i in range(self.streams):
            yield World(f"stream {i}", list(_Stream(self, random.Random(f"{seed} {i}")).steps()))

    def grade(self, world: World, probe: Probe, found: Found) -> dict[str, Score]:
        hit = float(reciprocal_rank(found.ranked[:K], probe.gold) > 0)
        if probe.tags["asked"] == "in use":
            return {"in use": Score(hit)}
        if probe.tags["kind"] == "chatter":
            return {"balance": Score(1 - hit), "kept": Score(hit)}
        return {"balance": Score(hit), "needed": Score(hit)}


@dataclass
class _Fact:
    kind: str
    door: str
    code: str
    days: list[int]  # on which it is said
    uses: list[int]  # on which it is asked for
    said: list[str] = field(default_factory=list)  # ids of the events


@dataclass
class _Stream:
    task: Forgetting
    draw: random.Random
    told: set[str] = field(default_factory=set)

    def steps(self) -> Iterator[Step]:
        task, facts, old = self.task, self._facts(), list[Event]()
        for day in range(task.days):
            chatter = [Event(self._chat(), self._at(day), session=f"day {day}") for _ in range(task.daily)]
            old += chatter if day < task.days - task.fresh else []
            today = [self._state(fact, day) for fact in facts if day in fact.days]
            yield Observe(sorted([*chatter, *today], key=lambda event: event.at))
            now = START + timedelta(days=day, hours=14)
            yield from (_ask(fact, now, "in use") for fact in facts if day in fact.uses)
            if day == task.days - 1 or day % task.every == task.every - 1:
                yield Advance(now, forget=True)
        end = START + timedelta(days=task.days)
        yield from (_ask(fact, end, "end") for fact in facts)
        for event in self.draw.sample(old, len(facts)):
            yield Probe(event.text, (event.id,), k=K, now=end, tags={"kind": "chatter", "asked": "end"})

    def _facts(self) -> list[_Fact]:
        task = self.task
        doors = self.draw.sample([f"{look} {door}" for look in LOOKS for door in DOORS], len(KINDS) * task.facts)
        codes = self.draw.sample(range(1000, 10_000), len(doors))
        facts = []
        for i, (door, code) in enumerate(zip(doors, codes, strict=True)):
            kind = KINDS[i % len(KINDS)]
            early = kind != "recent"
            first = self.draw.randrange(task.days // 4) if early else task.days - 1 - self.draw.randrange(task.fresh)
            again = list(range(first + task.every, task.days, task.every))
            days = [first, *again] if kind == "repeated" else [first]
            facts.append(_Fact(kind, door, str(code), days, again if kind == "used" else []))
        return facts

    def _state(self, fact: _Fact, day: int) -> Event:
        ways = IMPORTANT if fact.kind == "important" else SAYS
        text = ways[len(fact.said) % len(ways)].format(door=fact.door, code=fact.code)
        event = Event(text, self._at(day), session=f"day {day}")
        fact.said.append(event.id)
        return event

    def _chat(self) -> str:
        """Something nobody has said yet."""
        while True:
            door = f"{self.draw.choice(LOOKS)} {self.draw.choice(DOORS)}"
            text = self.draw.choice(CHATTER).format(door=door, topic=self.draw.choice(TOPICS))
            if text not in self.told:
                self.told.add(text)
                return text

    def _at(self, day: int) -> datetime:
        return START + timedelta(days=day, seconds=self.draw.randrange(12 * 3600))


def _ask(fact: _Fact, now: datetime, asked: str) -> Probe:
    gold = tuple(fact.said)
    tags = {"kind": fact.kind, "asked": asked}
    return Probe(QUESTION.format(door=fact.door), gold, (fact.code,), k=K, now=now, tags=tags)
