"""A tree that grows with what is said: each turn goes down to what it is most like, and all it passes takes it in.

Source:  "From Isolated Conversations to Hierarchical Schemas: Dynamic Tree Memory Representation for LLMs", Rezazadeh,
         Li, Wei, Bao 2025 (arXiv 2410.14052), MemTree.
Idea:    a new turn follows the most similar child as long as it is similar enough, which the deeper it is the harder it
         becomes; where it stops it is a new leaf, and a leaf that it reaches becomes a node over both. Nodes above are
         summed up anew. All nodes, of whatever depth, are ranked together (collapsed tree).
Cost:    write one call and one embedding for each node above a turn, at most three with these settings, and as many
         records, which cite all turns below; the first write of a process loads the trees; read a scan of vectors.
Differs: nodes do not grow more abstract with the number below them (the paper tells the model how many they are).
         Recall has no threshold, only k. Each scope has its own tree.

    theta(d) = threshold * exp(rate * d)       asked of a child by its parent, at depth d; the root's depth is 0
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from remanence.embed.base import Base as Embedder
from remanence.lm.base import Base as LM
from remanence.lm.rules import Rules
from remanence.records import Event, Hit, Op, Query
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.asked import asked
from remanence.text.parts.kinds import only
from remanence.text.parts.ranked import hits
from remanence.text.parts.segment import turns
from remanence.text.parts.tree import NODE, Forest, Node, as_kept


@dataclass
class MemTree(Base):
    asks: ClassVar[bool] = True

    lm: LM = field(default_factory=Rules)
    threshold: float = 0.4  # theta of depth 0
    rate: float = 0.5  # with which it grows: nothing is alike enough at depth 2
    words: int = 80  # of a node
    trees: Forest = field(default_factory=Forest, init=False, repr=False, compare=False)

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        self.trees.catch_up(store)
        said = turns(events)
        new = [op.new for op in said if op.new]
        vectors = store.embedder.embed([record.text for record in new])
        for record, vector in zip(new, vectors, strict=True):
            self._insert(Node(record.text, as_kept(vector), record), self.trees.root(record.scope), store.embedder)
        return self.trees.changes(said)

    def read(self, query: Query, store: Store) -> list[Hit]:
        vector = store.embedder.embed([asked(query.text, store.names("speaker"), query.now).bare])[0]
        return hits(store.find_vectors(vector, only(query.filter, "turn", NODE), query.k), store, "dense")

    def theta(self, depth: int) -> float:
        """How similar a child must be to its parent's new content, at the parent's depth."""
        return self.threshold * math.exp(self.rate * depth)

    def _insert(self, leaf: Node, node: Node, embedder: Embedder) -> None:
        depth = 0
        while node.children:
            similar = np.stack([child.vector for child in node.children]) @ leaf.vector
            best = int(similar.argmax())
            if similar[best] < self.theta(depth):
                break
            node, depth = node.children[best], depth + 1
        if depth and not node.children:
            node = self.trees.grow(node)
        node.take(leaf)
        above = leaf.above
        texts = [self.lm.summary([leaf.text], previous=up.text, words=self.words) for up in above]
        texts = [text if text.strip() else up.text for text, up in zip(texts, above, strict=True)]
        for up, text, vector in zip(above, texts, embedder.embed(texts) if texts else (), strict=True):
            self.trees.change(up, text, vector)
