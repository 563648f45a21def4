"""Lives in which things change: what is true now, what was true then, what a change takes with it.

Source:  ours; the kinds of question follow LongMemEval's knowledge update, temporal reasoning and abstention (Wu et al.
         2025, arXiv 2410.10813) and the propagation of edits of ERASE (Li et al. 2024, arXiv 2406.11830).
Idea:    several people tell, over two years, where they live and work, their number, favourite dish and manager; these
         change, are repeated, denied, wished for, true of others, and remembered. A reader believes the first text that
         says a value, so that is what is graded, with no language model.
Data:    generated from the seed; phrasings in bench/life.toml, half of which are `held_out`.
Differs: English, short messages, no dates in the text: a change holds from when it is told.

A text *states* a value when the value stands in it and it cites an event in which its person said so of themselves as
of then. "I miss Porto" and "my sister lives in Porto" state nothing, nor does what a summary says of its own.

    current  the first of the first k texts that states a value of the attribute states the one that holds now
    past     the same, asked as of a day at which another value held
    order    both of two values that followed one another are stated among the first k: their dates tell the order
    cascade  what hung on the old city ("since I live in Porto, I take tram 22") and was not renewed is not stated, or
             not before a text that cites a later move
    kept     what names the old city but does not hang on it ("I ran my first marathon in Porto") is still recalled
    gone     no value that was denied at last is stated, or none before a text that cites the denial
    never    asked for what was only wished for or true of others: the language model says that it cannot answer
"""

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import ClassVar

from remanence.bench.base import UNGRADED, Advance, Found, Observe, Probe, Score, Step, World
from remanence.bench.life import Attribute, Life, life
from remanence.bench.metrics import says
from remanence.bench.tasks.base import Base
from remanence.errors import BadConfig
from remanence.records import Event

PEOPLE = ("Ana", "Ben", "Chen", "Dora")  # more would run out of values
START = datetime(2022, 1, 3, 18, tzinfo=UTC)
DAYS, GAP = 700, 30  # of a life, and between two changes at least
OTHERS = 4  # of the values of an attribute, so many are nobody's of the group


@dataclass
class Conflict(Base):
    """One world a group of people who talk with each other."""

    metrics: ClassVar[Mapping[str, str]] = {
        "right": "share of the questions answered as the key has it, of all kinds but `never`",
        "silent": "share of the questions `never`, where the language model says that it cannot answer",
    }

    groups: int = 5
    people: int = 3  # at most 4
    k: int = 10
    held_out: bool = False  # the other half of the phrasings
    consolidate: bool = True  # after the last day, before the first question

    def __post_init__(self) -> None:
        if not 1 <= self.people <= len(PEOPLE):
            raise BadConfig(f"people must be from 1 to {len(PEOPLE)}, got {self.people}")

    def worlds(self, seed: int) -> Iterator[World]:
        for i in range(self.groups):
            told = _Told(random.Random(f"{seed} {i}"), life(held_out=self.held_out), self.k)
            for who in PEOPLE[: self.people]:
                told.tell(who)
            yield told.world(f"group {i}", self.consolidate)

    def grade(self, world: World, probe: Probe, found: Found) -> Mapping[str, Score]:
        kind = probe.tags["kind"]
        if kind == "never":
            if found.answer is None and not found.silence.startswith("CannotAnswer"):
                return {"silent": UNGRADED}
            return {"silent": Score(float(found.answer is None))}
        if kind == "order":
            return {"right": Score(float(all(_place(world, found, {value}, probe.k) for value in probe.answers)))}
        if kind == "kept":
            kept = (text for text, cited in _first(found, probe.k) if set(cited) & set(probe.gold))
            return {"right": Score(says(list(kept), probe.answers, probe.k))}
        stale = _place(world, found, probe.outdated, probe.k)
        good = _place(world, found, probe.answers, probe.k) if probe.answers else _cited(found, probe.gold, probe.k)
        if not stale:
            return {"right": Score(float(good > 0 or not probe.answers))}
        return {"right": Score(float(0 < good <= stale))}


def _place(world: World, found: Found, values: Collection[str], k: int) -> int:
    """The place, from 1, of the first text that states one of the values; 0 when there is none."""
    for place, (text, cited) in enumerate(_first(found, k), 1):
        said = {value for event in cited for value in world.group_of[event].split("|") if value in values}
        if says([text], said, 1):
            return place
    return 0


def _first(found: Found, k: int) -> list[tuple[str, tuple[str, ...]]]:
    return list(zip(found.texts[:k], found.cites[:k], strict=True))


def _cited(found: Found, events: Collection[str], k: int) -> int:
    """The place of the first text that cites one of the events."""
    return next((place for place, cited in enumerate(found.cites[:k], 1) if set(cited) & set(events)), 0)


@dataclass(frozen=True, slots=True)
class _Asks:
    """One question about one person, before it is worded."""

    who: str
    kind: str
    about: str
    phrasings: tuple[str, ...]
    gold: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    as_of: datetime | None = None


@dataclass
class _Told:
    """What a group says, and what it will be asked."""

    random: random.Random
    life: Life
    k: int
    said: list[tuple[Event, str]] = field(default_factory=list)  # with the values stated, "|" between
    probes: list[Probe] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def tell(self, who: str) -> None:
        """Everything one person says of themselves and others."""
        unsaid = self.random.choice(("employer", ""))
        for name, attribute in self.life.attributes.items():
            if name == unsaid:
                self._around(who, attribute)
                self._ask(_Asks(who, "never", name, attribute.questions))
            else:
                self._changing(who, name, attribute)

    def world(self, name: str, consolidate: bool) -> World:
        """A day is a session; on each somebody chats as well."""
        steps: list[Step] = []
        self.said.sort(key=lambda told: told[0].at)
        group_of = {event.id: states for event, states in self.said}
        people = sorted({event.speaker for event, _ in self.said})
        for _, day in groupby(self.said, key=lambda told: told[0].session):
            told = [event for event, _ in day]
            first = told[0]
            chats = [
                Event(
                    self._one(self.life.chatter),
                    first.at - timedelta(minutes=10 - i),
                    speaker=who,
                    session=first.session,
                )
                for i, who in enumerate(self.random.sample(people, min(2, len(people))))
            ]
            group_of |= {chat.id: "" for chat in chats}
            steps.append(Observe([*chats, *told]))
        end = START + timedelta(days=DAYS + 30)
        if consolidate:
            steps.append(Advance(end))
        return World(name, [*steps, *self.probes], group_of)

    def _changing(self, who: str, name: str, attribute: Attribute) -> None:
        """Two to four values one after the other, perhaps denied at last, and what is said around them."""
        values = self._fresh(attribute.values[OTHERS:], self.random.randint(2, 4))
        days = self._days(len(values) + 1)
        denied = bool(attribute.denials) and self.random.random() < 1 / 3
        golds: list[str] = []
        for i, (new, day, until) in enumerate(zip(values, days, days[1:], strict=False)):
            old = values[i - 1] if i else ""
            golds.append(self._say(who, day, attribute.changes if i else attribute.states, new, old, states=new))
            self._say(who, self._inside(day, until), attribute.states, new, states=new)
        if attribute.misses:
            self._say(who, self.random.uniform(days[-2] + 1, DAYS), attribute.misses, old=values[0])
        self._around(who, attribute)
        last = values[-1]
        if denied:
            gold = self._say(who, days[-1], attribute.denials, old=last)
            golds.append(gold)
            self._ask(_Asks(who, "gone", name, attribute.questions, (gold,), outdated=values))
        else:
            self._ask(_Asks(who, "current", name, attribute.questions, (golds[-1],), (last,), values[:-1]))
        i = self.random.randrange(len(values) - 1)
        then = START + timedelta(days=(days[i] + days[i + 1]) / 2)
        others = tuple(value for value in values if value != values[i])
        self._ask(_Asks(who, "past", name, attribute.past, (golds[i],), (values[i],), others, then))
        self._ask(_Asks(who, "order", name, attribute.past, tuple(golds[i : i + 2]), values[i : i + 2]))
        if name == "city":
            self._hanging(who, values, days, golds)

    def _hanging(self, who: str, cities: Sequence[str], days: Sequence[float], golds: Sequence[str]) -> None:
        """What hangs on the first city, and what only names it; the way to work may be told anew after the move."""
        hanging = self.life.way_to_work
        way, later = self._fresh(hanging.values, 2)
        self._say(who, self._inside(days[0], days[1]), hanging.says, way, city=cities[0], states=f"{way}|{cities[0]}")
        if self.random.random() < 1 / 3:
            said = f"{later}|{cities[-1]}"
            gold = self._say(who, self._inside(days[-2], days[-1]), hanging.says, later, city=cities[-1], states=said)
            self._ask(_Asks(who, "current", "way to work", (hanging.question,), (gold,), (later,), (way,)))
        else:
            self._ask(_Asks(who, "cascade", "way to work", (hanging.question,), tuple(golds[1:]), outdated=(way,)))
        gold = self._say(who, self._inside(days[0], days[1]), hanging.kept, city=cities[0])
        self._ask(_Asks(who, "kept", "marathon", (hanging.kept_question,), (gold,), (cities[0],)))

    def _around(self, who: str, attribute: Attribute) -> None:
        """Wishes and other people's like facts: values nobody of the group has."""
        for phrasings in (attribute.wishes, attribute.others) if attribute.wishes else ():
            for value in self.random.sample(attribute.values[:OTHERS], 2):
                self._say(who, self.random.uniform(1, DAYS), phrasings, value)

    def _say(
        self, who: str, day: float, phrasings: tuple[str, ...], new: str = "", old: str = "",
        *, city: str = "", states: str = "",
    ) -> str:  # fmt: skip
        text = self._one(phrasings).format(new=new, old=old, city=city, who=who)
        event = Event(text[0].upper() + text[1:], START + timedelta(days=day), speaker=who, session=f"day {int(day)}")
        self.said.append((event, states))
        return event.id

    def _ask(self, asks: "_Asks") -> None:
        which = {"as_of": asks.as_of} if asks.as_of else {}
        question = self._one(asks.phrasings).format(who=asks.who)
        tags = {"kind": asks.kind, "about": asks.about}
        now = asks.as_of or START + timedelta(days=DAYS + 31)
        never = asks.kind == "never"
        self.probes.append(
            Probe(question, asks.gold, asks.answers, asks.outdated, self.k, now, which, ask=never, tags=tags)
        )

    def _one(self, phrasings: tuple[str, ...]) -> str:
        return self.random.choice(phrasings)

    def _fresh(self, pool: Sequence[str], n: int) -> tuple[str, ...]:
        """Values nobody has had yet: then a value tells whose it is."""
        chosen = self.random.sample([value for value in pool if value not in self.used], n)
        self.used.update(chosen)
        return tuple(chosen)

    def _days(self, n: int) -> list[float]:
        """Days of a life, at least GAP between two; each with a time of its own."""
        free = sorted(self.random.uniform(0, DAYS - GAP * n) for _ in range(n))
        return [day + GAP * i for i, day in enumerate(free)]

    def _inside(self, start: float, end: float) -> float:
        """A day well inside a period."""
        return self.random.uniform(start + 2, end - 2)
