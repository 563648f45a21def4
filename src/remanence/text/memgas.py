"""Turns, sessions, their summaries and keywords, tied as they come; each question weighs which of them to trust.

Source:  "Towards Multi-Granularity Memory Association and Selection for Long-Term Conversational Agents", Xu et al.
         2025 (arXiv 2505.19549), MemGAS, and the released code.
Idea:    a new unit is tied to those old ones whose likeness stands out, as a mixture of two Gaussians tells; a question
         trusts the granularity whose likenesses to it are least spread; Personalised PageRank walks from the best.
Cost:    write one embedding, a search, a mixture (.2 ms) and some 20 ties a turn; consolidate two calls a session; read
         four searches and PageRank over what is within two ties of the seeds.
Differs: turns are nodes of their own (the code has their mean, and ranks sessions): a session's rank is what the code
         gives it, shared among its turns. Entropy is of the `candidates` nearest, over its largest value. No model
         filters what was found. Sessions of one turn have no other units.

    H(g) = entropy of softmax(cos(question, units of g) / temperature) / log n
    w(g) = (1 - H(g)) / sum of 1 - H;  reset(unit of g) = w(g) * cosine, of the `seeds` best, 0 for the others
    score(turn) = rank(turn) + sum over the session's units u of rank(u) / turns of the session
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from remanence.lm.base import Base as LM
from remanence.lm.rules import Rules
from remanence.records import Event, Filter, Hit, Op, Query, Record
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.asked import vector_of
from remanence.text.parts.batch import Batch
from remanence.text.parts.kinds import only
from remanence.text.parts.pagerank import pagerank
from remanence.text.parts.ranked import explained
from remanence.text.parts.segment import turns
from remanence.text.parts.sessions import line, place, renewed, unsummed, whole

TIED, HOLDS = "tied", "holds"  # links: between units, both ways; from a session's unit to its turns
SUMS = ("session", "summary", "keywords")
UNITS = ("turn", *SUMS)
SPREAD = 1e-6  # scores that differ by less are one group
NARROW, GAIN = 1e-6, 1e-3  # scikit-learn's, which the code uses: the least variance; the log-likelihood that ends a fit


@dataclass
class MemGAS(Base):
    asks: ClassVar[bool] = True

    lm: LM = field(default_factory=Rules)
    near: int = 30  # the code: old units that a new one is compared with
    fewest: int = 5  # no ties out of fewer: a mixture of so few says nothing
    seeds: int = 15  # the code; k if that is more
    temperature: float = 0.1  # the code
    damping: float = 0.1  # the code
    candidates: int = 100  # units of each granularity that a question looks at
    words: int = 80  # of a summary
    keywords: int = 12

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        said = turns(events)
        return [*said, *self._ties([(op.new, set()) for op in said if op.new], store)]

    def consolidate(self, store: Store, now: datetime) -> list[Op]:
        """Make the units of the sessions that have turns not in them yet, and tie them to the others."""
        held = {(r.kind, place(r)): r for r in store.records(Filter(kinds=SUMS))}
        ops: list[Op] = []
        made: list[tuple[Record, set[str]]] = []
        gone: set[str] = set()
        for session, _ in unsummed(store, "session"):
            own = {turn.id for turn in session}
            lines = [line(turn) for turn in session]
            keywords = ", ".join(self.lm.keywords("\n".join(lines), n=self.keywords))
            texts = ("\n".join(lines), self.lm.summary(lines, words=self.words), keywords)
            units = [whole(kind, text, session) for kind, text in zip(SUMS, texts, strict=True) if text.strip()]
            for new in units:
                old = held.get((new.kind, place(new)))
                own.add(new.id)
                gone |= {old.id} if old else set()
                ops += renewed(new, old)
                ops += [Op("link", new.id, other=turn.id, relation=HOLDS) for turn in session]
            made += [(new, own) for new in units]
        return ops + self._ties([(new, own | gone) for new, own in made], store)

    def read(self, query: Query, store: Store) -> list[Hit]:
        vector = vector_of(query, store)
        n = max(self.candidates, query.k)
        found = {unit: store.find_vectors(vector, replace(query.filter, kinds=(unit,)), n) for unit in UNITS}
        trust = weights([near.scores for near in found.values()], self.temperature)
        reset = {
            row: weight * max(score, 0.0)
            for near, weight in zip(found.values(), trust, strict=True)
            for row, score in zip(near.rows.tolist(), near.scores.tolist(), strict=True)
        }
        best = sorted(reset, key=lambda row: (-reset[row], row))[: max(self.seeds, query.k)]
        ranks = self._ranks({row: reset[row] for row in best}, query.filter, store)
        return explained(self._shares(ranks, query.filter, store), store, query.k)

    def _ties(self, new: Sequence[tuple[Record, set[str]]], store: Store) -> list[Op]:
        """Links between each new unit and the older ones whose likeness stands out, but those it is kept apart from."""
        vectors = store.embedder.embed([record.text for record, _ in new])
        batch, ops = Batch(store, *UNITS), list[Op]()
        for (record, apart), vector in zip(new, vectors, strict=True):
            near = batch.near(vector, record.scope, self.near, apart)
            batch.add(record, vector)
            if len(near) >= self.fewest:
                chosen = outstanding(np.array([cosine for _, cosine in near], dtype=np.float32))
                for use, (old, _) in zip(chosen.tolist(), near, strict=True):
                    ops += _both(record.id, old.id) if use else ()
        return ops

    def _ranks(self, reset: Mapping[int, float], allowed: Filter, store: Store) -> dict[int, float]:
        """PageRank over the allowed units within two ties of the seeds."""
        first = self._edges(reset, allowed, store)
        edges = first | self._edges({row for edge in first for row in edge} - set(reset), allowed, store)
        return pagerank([(a, b, 1.0) for a, b in sorted(edges)], reset, self.damping)

    def _edges(self, rows: Iterable[int], allowed: Filter, store: Store) -> set[tuple[int, int]]:
        pairs = [(a, b) for a, b, _, _ in store.linked(np.array(sorted(rows), dtype=np.int64), TIED)]
        ends = np.array([b for _, b in pairs], dtype=np.int64)
        free = store.allowed(ends, replace(allowed, kinds=UNITS)).tolist()
        return {(min(pair), max(pair)) for pair, use in zip(pairs, free, strict=True) if use}

    def _shares(self, ranks: Mapping[int, float], allowed: Filter, store: Store) -> dict[int, dict[str, float]]:
        """What each allowed turn has of its own rank, and of those of its session's units."""
        rows = np.array(list(ranks), dtype=np.int64)
        kinds = {store.number("kind", unit): unit for unit in UNITS}
        kind = {row: kinds[number] for row, number in zip(ranks, store.columns(rows).kind.tolist(), strict=True)}
        held = defaultdict(list)
        for unit, turn, _, _ in store.linked(rows, HOLDS):
            held[unit].append(turn)
        whys: dict[int, dict[str, float]] = defaultdict(dict)
        for row, rank in ranks.items():
            parts = held.get(row, [row] if kind[row] == "turn" else [])
            for turn in parts:
                whys[turn][kind[row]] = rank / len(parts)
        wanted = np.array(list(whys), dtype=np.int64)
        free = store.allowed(wanted, only(allowed, "turn")).tolist()
        return {turn: why for (turn, why), use in zip(whys.items(), free, strict=True) if use}


def _both(a: str, b: str) -> list[Op]:
    return [Op("link", a, other=b, relation=TIED), Op("link", b, other=a, relation=TIED)]


def outstanding(scores: NDArray[np.float32]) -> NDArray[np.bool_]:
    """[n], true where the Gaussian with the larger mean is the likelier; the mixture is fitted by expectation and
    maximisation from the largest and the smallest score. None stands out of fewer than two, or when all are alike."""
    if len(scores) < 2 or np.ptp(scores) < SPREAD:
        return np.zeros(len(scores), dtype=bool)
    x = scores.astype(np.float64)[:, None]
    mean, variance, share = np.array([x.max(), x.min()]), np.full(2, NARROW), np.full(2, 0.5)
    before, gain = -np.inf, np.inf
    while True:
        log = np.log(share) - np.log(variance) / 2 - (x - mean) ** 2 / (2 * variance)  # [n, 2]
        if not gain > GAIN:  # nor when it is no number
            chosen: NDArray[np.bool_] = log.argmax(axis=1) == mean.argmax()
            return chosen
        total = np.logaddexp(log[:, :1], log[:, 1:])
        gain, before = total.mean() - before, total.mean()
        part = np.exp(log - total)
        n = part.sum(axis=0) + 1e-12
        share, mean = n / len(x), (part * x).sum(axis=0) / n
        variance = (part * (x - mean) ** 2).sum(axis=0) / n + NARROW


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
