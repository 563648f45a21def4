"""How near to the times a question speaks of something was said, from 0 to 1."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from remanence.store.times import micros
from remanence.text.parts.english.when import Span

WEEK = 7 * 86_400 * 1_000_000  # microseconds


def closeness(at: NDArray[np.int64], spans: Sequence[Span]) -> NDArray[np.float32]:
    """1 inside one of the periods; outside of an "in" it fades by 1/e a week, as things are told some days later."""
    best = np.zeros(len(at), dtype=np.float32)
    for span in spans:
        start, end = (micros(moment) for moment in span.period)
        if span.relation == "in":
            near = np.exp(-np.maximum(np.maximum(start - at, at - end), 0) / WEEK)
        else:
            near = (start <= at) & (at < end)
        best = np.maximum(best, near)
    return best.astype(np.float32)
