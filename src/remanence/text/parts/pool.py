"""The turns worth a closer look: what words find and what vectors find, together."""

import numpy as np

from remanence.records import Filter
from remanence.store.base import Base as Store
from remanence.store.base import Ranked
from remanence.text.parts.asked import Asked
from remanence.text.parts.kinds import only_turns

WORDS = 0.5  # what a full share of the words counts beside a cosine


def pool(about: Asked, allowed: Filter, store: Store, n: int) -> Ranked:
    """At most 2 n rows, best first by cosine + WORDS * BM25 / the best BM25."""
    allowed = only_turns(allowed, store)
    vector = store.embedder.embed([about.bare])[0]
    by_words = store.find_words(about.terms, allowed, n)
    by_vector = store.find_vectors(vector, allowed, n)
    rows = np.union1d(by_words.rows, by_vector.rows)
    scores = store.similarity(vector, rows)
    if len(by_words.rows):
        scores[np.searchsorted(rows, by_words.rows)] += WORDS * by_words.scores / by_words.scores[0]
    best = np.argsort(-scores, kind="stable")
    return Ranked(rows[best], scores[best])
