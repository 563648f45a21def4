"""Turns found by their own vectors, and lifted by what was derived from them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from remanence.records import Hit, Query
from remanence.store.base import Base as Store
from remanence.text.parts.kinds import only
from remanence.text.parts.ranked import explained


def lifted(
    vector: NDArray[np.float32], query: Query, lifts: Mapping[int, float], signal: str, candidates: int, store: Store
) -> list[Hit]:
    """The best of the `candidates` nearest turns and of those lifted, by cosine + what each row is lifted by."""
    allowed = only(query.filter, "turn")
    near = store.find_vectors(vector, allowed, max(candidates, query.k))
    rows = np.union1d(near.rows, np.array(list(lifts), dtype=np.int64))
    rows = rows[store.allowed(rows, allowed)]
    whys = {
        row: {"dense": cosine} | ({signal: lifts[row]} if row in lifts else {})
        for row, cosine in zip(rows.tolist(), store.similarity(vector, rows).tolist(), strict=True)
    }
    return explained(whys, store, query.k)
