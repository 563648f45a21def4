"""Contexts of several lengths, so many of each, as tasks for memories of tokens tell them."""

from collections.abc import Iterator

import numpy as np

from remanence.errors import BadConfig


def lengths(said: str) -> list[int]:
    """ "512,1024" -> [512, 1024]."""
    words = said.split(",")
    if not all(word.strip().isdecimal() for word in words):
        raise BadConfig(f"lengths are numbers with commas between, got {said!r}")
    return [int(word) for word in words]


def contexts(of: list[int], each: int, seed: int) -> Iterator[tuple[int, int, np.random.Generator]]:
    """The length, the number among those of that length, and what draws it, for every context."""
    for length in of:
        for number in range(each):
            yield length, number, np.random.default_rng([seed, length, number])
