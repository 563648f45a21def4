"""Means with their standard errors."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

ENOUGH_WORLDS = 5


@dataclass(frozen=True, slots=True)
class Average:
    """The mean of one metric over the graded probes.

    `se` treats the probes as independent. `se_world` does not: it clusters them by world, since the probes of one
    conversation share its easy and its hard sides. None: too few to tell. `ungraded` probes are in neither.
    """

    value: float | None
    se: float | None
    se_world: float | None
    count: int
    worlds: int
    ungraded: int = 0

    @property
    def quoted(self) -> float | None:
        """The one to quote: clustered, unless there are so few worlds that it would come out by luck."""
        return self.se_world if self.worlds >= ENOUGH_WORLDS else self.se


def average(graded: Iterable[tuple[str, float]], ungraded: int = 0) -> Average:
    """From (world, value) pairs."""
    pairs = list(graded)
    n = len(pairs)
    if not n:
        return Average(None, None, None, 0, 0, ungraded)
    mean = math.fsum(value for _, value in pairs) / n
    off: dict[str, float] = {}  # how far each world's sum is from n_world * mean
    for world, value in pairs:
        off[world] = off.get(world, 0.0) + value - mean
    se = math.sqrt(math.fsum((value - mean) ** 2 for _, value in pairs) / (n - 1) / n) if n > 1 else None
    g = len(off)
    se_world = math.sqrt(g / (g - 1) * math.fsum(d * d for d in off.values())) / n if g > 1 else None
    return Average(mean, se, se_world, n, g, ungraded)
