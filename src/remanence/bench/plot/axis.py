"""Where a value falls on a line of pixels, and which values are written beside it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

ROOM = 0.06  # of the axis, left free at both ends
TICKS = 8  # at most about so many


@dataclass(frozen=True, slots=True)
class Axis:
    """`low` is at pixel `start`, `high` at `end`; by logarithms where `log`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        low, high, value = (math.log(v) if self.log else v for v in (self.low, self.high, value))
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round numbers inside the axis, rising."""
        return _decades(self.low, self.high) if self.log else _steps(self.low, self.high)


def axis(values: Iterable[float], start: float, end: float, *, log: bool = False) -> Axis:
    """An axis with room for all of the values; logarithms need all of them above zero, and are left out otherwise."""
    held = list(values)
    low, high = min(held), max(held)
    if log and low > 0:
        room = max((high / low) ** ROOM, 1.1)
        return Axis(low / room, high * room, start, end, log=True)
    room = ROOM * (high - low) or abs(high) * ROOM or 1.0
    return Axis(low - room, high + room, start, end)


def _steps(low: float, high: float) -> list[float]:
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 12) for n in range(first, math.floor(high / step + 1e-9) + 1)]


def _decades(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        found = [n * 10.0**p for p in powers for n in steps if low <= n * 10.0**p <= high]
        if len(found) <= TICKS:
            break
    return found if len(found) > 1 else _steps(low, high)
