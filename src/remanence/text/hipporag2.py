"""Passages reached through the phrases they share: association over several steps in one read.

Source:  "From RAG to Memory: Non-Parametric Continual Learning for Large Language Models", Gutiérrez, Shu, Qi, Zhou,
         Su 2025 (arXiv 2502.14802), HippoRAG 2.
Idea:    triples of every passage make a graph of phrases and passages; the question finds triples, a model keeps those
         that matter (recognition), and Personalised PageRank from their phrases, and weakly from every passage that is
         close to the question, ranks the passages.
Cost:    write one call a passage; read one call, two searches, PageRank over the passages at hand; the first read of a
         process loads every triple, 20 microseconds each.
Differs: the graph is the part within two steps of the seeds. Synonyms are phrases equal but for case, article and
         plural; the paper adds an edge at cosine 0.8. With Rules, triples come from patterns and recognition from
         shared words.

    reset(phrase)  = mean score of its kept triples / passages that hold it
    reset(passage) = passage_weight * its cosine, scaled to [0, 1] over the passages found
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from remanence.lm.base import Base as LM
from remanence.records import Event, Hit, Op, Query, add
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.asked import vector_of
from remanence.text.parts.kinds import only
from remanence.text.parts.pagerank import pagerank
from remanence.text.parts.phrases import Node, Phrases, ends, said_in
from remanence.text.parts.ranked import explained
from remanence.text.parts.segment import turns
from remanence.text.parts.triples import triples

Vector = NDArray[np.float32]


@dataclass
class HippoRAG2(Base):
    asks: ClassVar[bool] = True

    lm: LM
    facts: int = 5  # paper: triples shown to the recognition filter
    damping: float = 0.5  # paper
    passage_weight: float = 0.05  # paper
    passages: int = 100  # found by vector; each is a seed and a candidate
    graph: Phrases = field(default_factory=Phrases, init=False, repr=False, compare=False)

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        said, related = turns(events), triples(self.lm, events)
        return said + [add(t) for t in related] + said_in(related, [op.new for op in said if op.new])

    def read(self, query: Query, store: Store) -> list[Hit]:
        vector = vector_of(query, store)
        passages = store.find_vectors(vector, only(query.filter, "turn"), max(self.passages, query.k))
        self.graph.catch_up(store)
        kept = self._recognised(vector, query, store)
        low, high = (passages.scores.min(), passages.scores.max()) if len(passages.rows) else (0.0, 0.0)
        close = (passages.scores - low) / (high - low) if high > low else passages.scores * 0 + 1
        reset: dict[Node, float] = {
            ("turn", row): self.passage_weight * scaled
            for row, scaled in zip(passages.rows.tolist(), close.tolist(), strict=True)
        }
        for name, scores in kept.items():
            reset["phrase", name] = float(np.mean(scores)) / max(1, self.graph.spread(name))
        edges = self.graph.around(kept, passages.rows, store, only(query.filter, "turn"))
        ranks = pagerank(edges, reset, self.damping)
        whys = {int(row): {"pagerank": rank} for (what, row), rank in ranks.items() if what == "turn"}
        return explained(whys, store, query.k)

    def _recognised(self, vector: Vector, query: Query, store: Store) -> dict[str, list[float]]:
        """Phrases of the triples that the model calls relevant, with the cosines of those triples."""
        near = store.find_vectors(vector, only(query.filter, "triple"), self.facts)
        records = store.read(near.rows.tolist())
        useful = self.lm.relevant(query.text, [record.text for record in records.values()]) if records else []
        cosine = dict(zip(near.rows.tolist(), near.scores.tolist(), strict=True))
        kept: dict[str, list[float]] = defaultdict(list)
        for (row, record), use in zip(records.items(), useful, strict=True):
            for name in filter(None, ends(record)) if use > 0 else ():
                kept[name].append(max(cosine[row], 0.0))
        return kept
