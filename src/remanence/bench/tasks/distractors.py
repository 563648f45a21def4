"""A conversation as long as you like, in which a few things matter: needles of six kinds among turns much like them.

Source:  after BEAM, of "Beyond a Million Tokens" (Tavakoli et al. 2025, arXiv 2510.27246): six of its ten abilities.
Idea:    what makes a long memory hard is not its length but all that looks like the needle, and grows with it.
Data:    generated from the seed while it is told, and never held: a million events take no more room than a thousand.
Differs: BEAM's conversations are written by a language model and its answers judged by one; here they are sentences
         about things, "the blue canoe", and only evidence is graded. Abstention, summaries and reasoning are left out.

A needle is about a thing of its own. Of the other turns, `mentions` only mention a needle's thing, without an answer;
the others say what a needle would say, or mention some thing, but never a needle's. So with 10,000 events each of 120
things is mentioned some 25 times, with a million some 2,500 times. A session is a day of 100 events; user and assistant
take turns. All questions are asked at the end.

    fact           "The blue canoe is kept in Bergen."                     where it is kept
    update         the same, and later "has been moved to Graz"            where it is kept: the later turn
    preference     "I like the blue canoe best with oars of ash."          how I like it
    instruction    "Whenever I mention the blue canoe, answer in rhyme."   to talk about it: only its name is in both
    order          it was lent on one day and painted on another           which was first: both turns
    contradiction  "I have never lent ...", later "I lent ... to Omar"     whether I ever did: both turns

    recall@10, recall@1  share of the gold turns among the first 10, or the first 1, distinct turns cited
    all@10               1 when all gold turns are among the first 10
    newer                of updates: the later turn is among the first 10, and the earlier one is not before it
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from remanence.bench.base import Advance, Found, Observe, Probe, Score, Step, World
from remanence.bench.metrics import all_found, recall
from remanence.bench.tasks.base import Base
from remanence.errors import BadConfig
from remanence.records import Event

K = 10
START = datetime(2025, 1, 6, 8, tzinfo=UTC)
A_DAY = 100  # events
LOOKS = (
    "blue", "wooden", "old", "heavy", "striped", "Danish", "folding", "copper", "spare", "narrow", "yellow",
    "borrowed", "painted", "rusty", "light", "round", "antique", "quiet", "green", "broken", "leather", "tall",
    "second", "cheap", "square", "wobbly", "silver", "crooked", "Spanish", "inflatable", "purple", "velvet", "tiny",
    "dusty", "stained", "homemade", "electric", "orange", "foreign", "shiny", "plain", "dented", "marble", "curved",
    "grey", "portable", "scratched", "ivory", "enormous", "Greek", "bamboo", "checked", "elegant", "rented", "pink",
    "noisy", "ceramic", "short", "faded", "patched", "stolen", "brown", "polished", "hollow", "wicker", "varnished",
    "iron", "dotted", "winter", "Turkish", "glass", "slim",
)  # fmt: skip
NOUNS = (
    "canoe", "lamp", "piano", "tent", "ladder", "kettle", "bicycle", "desk", "mirror", "clock", "sofa", "telescope",
    "violin", "oven", "carpet", "saddle", "trunk", "printer", "anchor", "bench", "easel", "loom", "scale", "trailer",
    "bookcase", "hammock", "radio", "sledge", "globe", "cradle", "armchair", "barrel", "basket", "blanket", "bowl",
    "camera", "candlestick", "cart", "chandelier", "chest", "cupboard", "curtain", "drum", "fan", "fountain",
    "freezer", "guitar", "hatstand", "helmet", "jug", "kite", "lantern", "mattress", "microscope", "oar", "parasol",
    "pump", "quilt", "raft", "rucksack", "scooter", "sewing-machine", "statue", "stove", "suitcase", "table",
    "toolbox", "tray", "typewriter", "vase", "wardrobe", "wheelbarrow",
)  # fmt: skip
THINGS = tuple(f"{look} {noun}" for look in LOOKS for noun in NOUNS)
PLACES = (
    "Bergen", "Graz", "Porto", "Leeds", "Turin", "Ghent", "Cork", "Brno", "Tartu", "Basel", "Verona", "Split", "Nantes",
    "Aarhus", "Utrecht", "Malaga",
)  # fmt: skip
PEOPLE = ("Omar", "Ingrid", "Pavel", "Noor", "Greta", "Kofi", "Yuki", "Bianca", "Henrik", "Lucia", "Freya", "Rashid")
STYLES = ("in rhyme", "in one word", "in French", "with a joke", "in capitals", "with a question", "as a list")
EXTRAS = ("oars of ash", "a new cover", "two cushions", "no varnish", "a brass plate", "red ribbons", "a drop of oil")
SAYS: Mapping[str, tuple[str, ...]] = {
    "fact": ("The {thing} is kept in {place}.",),
    "update": ("The {thing} is kept in {place}.", "The {thing} has been moved to {other}."),
    "preference": ("I like the {thing} best with {extra}.",),
    "instruction": ("Whenever I mention the {thing}, answer {style}.",),
    "order": ("I lent the {thing} to {person} today.", "I gave the {thing} a fresh coat of paint today."),
    "contradiction": ("I have never lent the {thing} to anybody.", "I lent the {thing} to {person} in spring."),
}
ASKS: Mapping[str, str] = {
    "fact": "Where is the {thing} kept?",
    "update": "Where is the {thing} kept?",
    "preference": "How do I like the {thing} best?",
    "instruction": "Let us talk about the {thing}.",
    "order": "Did I lend the {thing} or paint it first?",
    "contradiction": "Have I ever lent the {thing} to anybody?",
}
MENTIONS = (
    "Somebody asked me about the {thing} again.", "There was a photo of the {thing} on the wall.",
    "{person} and I talked about the {thing} for an hour.", "I dreamt about the {thing}, of all things.",
    "I read that a {thing} was sold in {place}.", "{person} wants a {thing} like mine.",
    "What do you think of the {thing}?", "You could write to {person} about the {thing}.",
)  # fmt: skip
FORMS = (MENTIONS, *SAYS.values())


@dataclass
class Distractors(Base):
    """One world, one conversation."""

    metrics: ClassVar[Mapping[str, str]] = {
        "recall@10": "share of the gold turns among the first 10",
        "recall@1": "share of the gold turns that come first: at most 1/2 where there are two",
        "all@10": "1 when all gold turns are among the first 10",
        "newer": "of updates, 1 when the later turn is found and the earlier does not come before it",
    }
    forms: ClassVar[tuple[str, ...]] = ("text", "embed")

    events: int = 10_000
    needles: int = 20  # of each kind; at most 100
    mentions: float = 0.3  # share of the other turns
    batch: int = 1000  # events written at once
    consolidate: bool = True  # after the last event, before the first question

    def __post_init__(self) -> None:
        if not 1 <= self.needles <= 100:
            raise BadConfig(f"needles must be from 1 to 100, got {self.needles}")
        if self.events < (least := 2 * self.needles * sum(map(len, SAYS.values()))):
            raise BadConfig(f"{self.needles} needles of each kind need at least {least} events, got {self.events}")
        if not 0 <= self.mentions <= 1:
            raise BadConfig(f"mentions must be from 0 to 1, got {self.mentions}")
        if self.batch < 1:
            raise BadConfig(f"batch must be at least 1, got {self.batch}")

    def worlds(self, seed: int) -> Iterator[World]:
        yield World(f"{self.events} events", self._steps(random.Random(str(seed))))

    def grade(self, world: World, probe: Probe, found: Found) -> dict[str, Score]:
        ranked = found.ranked
        scores = {
            "recall@10": Score(recall(ranked, probe.gold, K)),
            "recall@1": Score(recall(ranked, probe.gold, 1)),
            "all@10": Score(all_found(ranked, probe.gold, K)),
        }
        if probe.outdated:
            first = [event for event in ranked[:K] if event in probe.gold or event in probe.outdated][:1]
            scores["newer"] = Score(float(first == list(probe.gold)))
        return scores

    def size(self) -> int:
        return self.needles * len(SAYS)

    def _steps(self, draw: random.Random) -> Iterator[Step]:
        needles = self._needles(draw)
        due = {place: needle for needle in needles for place in needle.places}
        own = [needle.thing for needle in needles]
        others = [thing for thing in THINGS if thing not in set(own)]
        batch: list[Event] = []
        for place in range(self.events):
            text = due[place].next() if place in due else self._other(draw, own, others)
            event = _event(text, place, user=place in due or place % 2 == 0)
            if place in due:
                due[place].said.append(event.id)
            batch.append(event)
            if len(batch) == self.batch or place == self.events - 1:
                yield Observe(tuple(batch))
                batch.clear()
        end = _at(self.events) + timedelta(days=1)
        if self.consolidate:
            yield Advance(end)
        yield from (needle.probe(end) for needle in needles)

    def _other(self, draw: random.Random, own: list[str], others: list[str]) -> str:
        """A mention of a needle's thing; or what a needle would say, of another thing."""
        near = draw.random() < self.mentions
        says = MENTIONS if near else draw.choice(FORMS)
        return draw.choice(says).format(thing=draw.choice(own if near else others), **_values(draw))

    def _needles(self, draw: random.Random) -> list["_Needle"]:
        """What will be said where: the turns of a needle in their order, anywhere in the conversation."""
        kinds = [kind for kind in SAYS for _ in range(self.needles)]
        looks, nouns = draw.sample(LOOKS, len(LOOKS)), draw.sample(NOUNS, len(NOUNS))
        pairs = ((i % len(looks), (i + i // len(looks)) % len(nouns)) for i in range(len(kinds)))  # no word too often
        things = (f"{looks[i]} {nouns[j]}" for i, j in pairs)
        places = iter(draw.sample(range(self.events), sum(len(SAYS[kind]) for kind in kinds)))
        return [_Needle(kind, next(things), sorted(next(places) for _ in SAYS[kind]), _values(draw)) for kind in kinds]


@dataclass
class _Needle:
    kind: str
    thing: str
    places: list[int]
    values: dict[str, str]
    said: list[str] = field(default_factory=list)  # ids of the events

    def next(self) -> str:
        return SAYS[self.kind][len(self.said)].format(thing=self.thing, **self.values)

    def probe(self, now: datetime) -> Probe:
        gold, outdated = (self.said[1:], self.said[:1]) if self.kind == "update" else (self.said, [])
        question = ASKS[self.kind].format(thing=self.thing)
        return Probe(question, tuple(gold), (), tuple(outdated), K, now, tags={"kind": self.kind})


def _values(draw: random.Random) -> dict[str, str]:
    place, other = draw.sample(PLACES, 2)
    values = {"place": place, "other": other, "person": draw.choice(PEOPLE)}
    return values | {"style": draw.choice(STYLES), "extra": draw.choice(EXTRAS)}


def _event(text: str, place: int, user: bool) -> Event:
    day = place // A_DAY
    return Event(text, _at(place), speaker="user" if user else "assistant", session=f"day {day}")


def _at(place: int) -> datetime:
    return START + timedelta(days=place // A_DAY, minutes=5 * (place % A_DAY))
