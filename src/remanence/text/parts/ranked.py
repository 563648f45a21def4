"""Ranked rows turned into the hits a reader sees."""

from remanence.records import Hit
from remanence.store.base import Base as Store
from remanence.store.base import Ranked


def hits(found: Ranked, store: Store, signal: str) -> list[Hit]:
    """One hit a row, in the order given, the whole score explained by one signal."""
    records = store.read(found.rows.tolist())
    scores = dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True))
    return [Hit(record, scores[row], {signal: scores[row]}) for row, record in records.items()]
