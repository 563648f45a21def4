"""How near to the times a question speaks of something was said, from 0 to 1."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from remanence.store.times import micros
from remanence.text.parts.when import Span

WEEK = 7 * 86_400 * 1_000_000  # microseconds


def closeness(at: NDArray[np.int64], spans: Sequence[Span]) -> NDArray[np.float32]:
    """1 inside one of the periods; outside of an "in" it fades by 1/e a week, as things are told some days later."""
    best = np.zeros(len(at), dtype=np.float32)
    for span in spans:
        start, end = micros(span.start), micros(span.end)
        if span.relation == "in":
            distance = np.maximum(np.maximum(start - at, at - end), 0)
            best = np.maximum(best, np.exp(-distance / WEEK))
        else:
            held = {"since": at >= start, "after": at >= end, "before": at < start, "until": at < end}
            best = np.maximum(best, held[span.relation])
    return best.astype(np.float32)
