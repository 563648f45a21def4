"""A set of turns chosen so that together they cover every word of the question.

Source:  "Coverage-based Example Selection for In-Context Learning", Gupta, Gardner, Singh 2023 (arXiv 2305.14907),
         Set-BSR.
Idea:    a turn is worth what it adds to the best match each word of the question has had so far, not what it scores
         alone; choosing greedily is within 1 - 1/e of the best set, since coverage is submodular.
Cost:    write one embedding; read two searches, the words of about 100 turns embedded, k greedy rounds; no model.
Differs: word vectors are the embedder's of the word alone instead of contextual ones; words weigh by their rarity among
         the candidates (the paper's idf variant); stop words are left out.

    Set-BSR(x, Z) = sum over words i of x of  w_i * max over z in Z, words j of z of  cos(x_i, z_j)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from remanence.records import Event, Hit, Op, Query
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.asked import asked
from remanence.text.parts.pool import pool
from remanence.text.parts.segment import turns
from remanence.text.parts.terms import terms


@dataclass
class SetCoverage(Base):
    derives: ClassVar[str] = "turns"

    candidates: int = 50  # asked of words and of vectors each

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        return turns(events)

    def read(self, query: Query, store: Store) -> list[Hit]:
        about = asked(query.text, store.names("speaker"), query.now)
        rows = pool(about, query.filter, store, max(self.candidates, query.k)).rows.tolist()
        records = store.read(rows)
        said = [terms(record.text) for record in records.values()]
        if not records or not about.terms:
            return []
        matches = self._matches(about.terms, said, store) * _rarity(about.terms, said)
        chosen, gains = cover(matches, query.k)
        found = list(records.values())
        return [Hit(found[i], gain, {"covers": gain}) for i, gain in zip(chosen, gains, strict=True)]

    def _matches(self, asked_for: list[str], said: list[list[str]], store: Store) -> NDArray[np.float32]:
        """[candidates, words of the question]: each word's best cosine with a word of the candidate, at least 0."""
        vocabulary = {word: i for i, word in enumerate(dict.fromkeys(word for words in said for word in words))}
        vectors = store.embedder.embed(list(vocabulary))  # [V, dim]
        cosines = np.maximum(vectors @ store.embedder.embed(asked_for).T, 0)  # [V, Q]
        best = [cosines[[vocabulary[w] for w in words]].max(axis=0) if words else 0 * cosines[0] for words in said]
        return np.array(best, dtype=np.float32)


def cover(matches: NDArray[np.float32], k: int) -> tuple[list[int], list[float]]:
    """Up to k rows of [candidates, words], each adding most to the column maxima so far, and what each adds."""
    covered, chosen, gains = np.zeros(matches.shape[1]), list[int](), list[float]()
    for _ in range(min(k, len(matches))):
        gain = np.maximum(matches - covered, 0).sum(axis=1)
        gain[chosen] = -1
        best = int(gain.argmax())
        chosen.append(best)
        gains.append(float(gain[best]))
        covered = np.maximum(covered, matches[best])
    return chosen, gains


def _rarity(asked_for: list[str], said: list[list[str]]) -> NDArray[np.float32]:
    """The weight of each word of the question: idf over the candidates, summing to 1."""
    holds = [sum(word in words for words in said) for word in asked_for]
    idf = np.array([math.log(1 + (len(said) - n + 0.5) / (n + 0.5)) for n in holds])
    weights: NDArray[np.float32] = (idf / idf.sum()).astype(np.float32)
    return weights
