"""How far each of several rankings is trusted: the less its scores are spread the more."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def weights(scores: Sequence[NDArray[np.float32]], temperature: float) -> list[float]:
    """How much each granularity is trusted, in all 1: the less its scores are spread the more. One score tells
    nothing; when none tells anything all are trusted alike."""
    sure = [1 - _entropy(some / temperature) if len(some) > 1 else 0.0 for some in scores]
    total = sum(sure)
    return [one / total if total > 0 else 1 / len(sure) for one in sure]


def _entropy(scores: NDArray[np.float32]) -> float:
    """Of the softmax of these, over the largest it can be."""
    p = np.exp(scores - scores.max())
    p = p / p.sum()
    return float(-(p * np.log(p + 1e-12)).sum() / np.log(len(p)))
