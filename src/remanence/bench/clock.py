"""Wall and CPU time of the calls that are measured."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds for each thing done. CPU is user and system time of the whole process, all its threads."""

    count: int
    cpu_ms: float  # medians
    cpu_ms_p95: float
    wall_ms: float
    wall_ms_p95: float
    seconds: float  # wall, all together


@dataclass
class Clock:
    """Collects (things done, CPU seconds, wall seconds) of one sort of call."""

    laps: list[tuple[int, float, float]] = field(default_factory=list)

    @contextmanager
    def lap(self, things: int = 1) -> Iterator[None]:
        """Time what is inside; nothing is noted when it raises."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.laps.append((things, time.process_time() - cpu, time.perf_counter() - wall))

    def timing(self) -> Timing | None:
        """None when nothing was timed. A call that did several things counts once, by its cost for each of them."""
        if not self.laps:
            return None
        cpu = sorted(1000 * c / n for n, c, _ in self.laps)
        wall = sorted(1000 * w / n for n, _, w in self.laps)
        total = sum(w for _, _, w in self.laps)
        things = sum(n for n, _, _ in self.laps)
        return Timing(things, quantile(cpu, 0.5), quantile(cpu, 0.95), quantile(wall, 0.5), quantile(wall, 0.95), total)


def quantile(ordered: list[float], q: float) -> float:
    """Of numbers in rising order, between the two nearest where it falls between."""
    place = q * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
