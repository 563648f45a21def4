"""The conversation of conversation.py with something in it to extract: each event first states one thing of somebody.

People, places and things are drawn by Zipf's law, so that a few of them are in everybody's mouth. Without statements a
method that keeps facts, triples or phrases would find none, and look cheap.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import accumulate

from conversation import Said, conversation, questions

NAMES = 5000
STATED = (
    "{who} moved to {name}.",
    "{who} works for {name}.",
    "{who} is a friend of {name}.",
    "{who} bought a {thing} from {name}.",
    "{who} likes {thing} more than anything.",
    "My sister {who} lives in {name}.",
    "I met {who} in {name}.",
    "I moved to {name} and left my {thing} with {who}.",
)
THINGS = ("guitar", "bicycle", "camera", "garden", "violin", "boat", "piano", "kettle", "sofa", "telescope")


def stating(n: int, seed: int = 0, first: int = 0) -> Iterator[Said]:
    """Events number `first` to n."""
    for said in conversation(n, seed, first):
        yield replace(said, text=f"{_statement(said.number, seed)[1]} {said.text}")


def asking(n: int, count: int, seed: int = 0) -> list[Said]:
    """Questions with words of an event and the name of whom that event states something."""
    return [replace(q, text=f"What of {_statement(q.number, seed)[0]}, {q.text}?") for q in questions(n, count, seed)]


def _statement(number: int, seed: int) -> tuple[str, str]:
    """Whom it is about, and the sentence."""
    draw = random.Random(f"{seed} {number}")
    who, name = draw.choices(_names(), cum_weights=_weights(), k=2)
    return who, draw.choice(STATED).format(who=who, name=name, thing=draw.choice(THINGS))


@cache
def _names() -> tuple[str, ...]:
    draw, syllables = random.Random(0), [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
    made: dict[str, None] = {}
    while len(made) < NAMES:
        made["".join(draw.choices(syllables, k=3)).capitalize()] = None
    return tuple(made)


@cache
def _weights() -> tuple[float, ...]:
    return tuple(accumulate(1 / rank for rank in range(1, NAMES + 1)))
