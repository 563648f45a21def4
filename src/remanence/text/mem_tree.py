"""A tree that grows with what is said: each turn goes down to what it is most like, and all it passes takes it in.

Source:  "From Isolated Conversations to Hierarchical Schemas: Dynamic Tree Memory Representation for LLMs", Rezazadeh,
         Li, Wei, Bao 2025 (arXiv 2410.14052), MemTree.
Idea:    a new turn follows the most similar child as long as it is similar enough, which the deeper it is the harder it
         becomes; where it stops it is a new leaf, and a leaf that it reaches becomes a node over both. Nodes above are
         summed up anew. All nodes, of whatever depth, are ranked together (collapsed tree).
Cost:    write one call and one embedding for each node above a turn, at most three with these settings, and as many
         records, which cite all turns below; the first write of a process loads the trees; read a scan of vectors.
Differs: nodes do not grow more abstract with the number below them (the paper tells the model how many they are).
         Recall has no threshold, only k. Each scope has its own tree. The paper's two numbers are taken from others'
         implementations of it.

    theta(d) = threshold * exp(rate * d)       asked of a child by its parent, at depth d; the root's depth is 0
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from remanence.embed.base import Base as Embedder
from remanence.embed.base import Vectors
from remanence.lm.base import Base as LM
from remanence.lm.rules import Rules
from remanence.records import Event, Filter, Hit, Op, Query, Record, Scope
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.asked import vector_of
from remanence.text.parts.batch import as_kept
from remanence.text.parts.kinds import only
from remanence.text.parts.ranked import hits
from remanence.text.parts.segment import turns
from remanence.text.parts.sessions import renewed, sources

NODE, CHILD = "node", "child"  # the kind of what stands above turns; the link from it to each of its children


@dataclass(eq=False)
class Node:
    """A turn, what was made of some, or the root, which says nothing. `record` is what the store has of it."""

    text: str = ""
    vector: Vectors = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    record: Record | None = None
    parent: "Node | None" = None
    children: list["Node"] = field(default_factory=list)

    @property
    def above(self) -> list["Node"]:
        """From the one it stands under up, without the root."""
        found, node = list[Node](), self.parent
        while node is not None and node.parent is not None:
            found.append(node)
            node = node.parent
        return found

    def take(self, child: "Node") -> None:
        child.parent = self
        self.children.append(child)


class Forest:
    """The trees as they stand while a write goes on; `changes` gives what that write did to them."""

    def __init__(self) -> None:
        self.roots: dict[Scope, Node] = {}
        self.last, self.epoch = 0, ""
        self.proposed: set[tuple[str, str, str]] | None = None  # what the last write asked for; None when it failed
        self.changed: dict[Node, None] = {}

    def catch_up(self, store: Store) -> None:
        """Go on from the last write if the store did what it asked for and nothing else; else load the trees anew."""
        epoch, log = store.epoch, store.ops(since=self.last)
        done = {(op.kind, op.record, op.other) for op in log}
        if epoch != self.epoch or done != self.proposed:
            self._load(store)
        self.last, self.epoch, self.proposed = (log[-1].id if log else self.last), epoch, None
        self.changed.clear()

    def root(self, scope: Scope) -> Node:
        return self.roots.setdefault(scope, Node())

    def grow(self, leaf: Node) -> Node:
        """Put a new node where the leaf is, and the leaf under it."""
        node, parent = Node(leaf.text, leaf.vector), leaf.parent
        assert parent is not None, "a root is no leaf"
        node.parent = parent
        parent.children[parent.children.index(leaf)] = node
        node.take(leaf)
        return node

    def change(self, node: Node, text: str, vector: Vectors) -> None:
        """The node says this now. Kept as the store keeps it, so that the trees loaded are the trees held."""
        node.text, node.vector = text, as_kept(vector)
        self.changed[node] = None

    def changes(self, said: Iterable[Op]) -> list[Op]:
        """The ops of a write: these, and every changed node in the place of what the store has of it."""
        ops = list(said)
        for node in sorted(self.changed, key=lambda node: -len(node.above)):  # children first
            new, old = _record(node), node.record
            ops += renewed(new, old)
            ops += [Op("link", new.id, other=c.record.id, relation=CHILD) for c in node.children if c.record]
            node.record = new
        self.proposed = {(op.kind, op.record, op.other) for op in ops}
        return ops

    def _load(self, store: Store) -> None:
        self.roots = {}
        held = [r for r in store.records(Filter(kinds=("turn", NODE))) if not r.superseded_by]
        rows = store.rows_of([record.id for record in held])
        made = zip(rows.tolist(), held, store.vectors(rows), strict=True) if held else ()
        nodes = {row: Node(record.text, vector, record) for row, record, vector in made}
        for parent, child, _, _ in store.linked(rows, CHILD) if held else ():
            if child in nodes:
                nodes[parent].take(nodes[child])
        for node in nodes.values():
            if node.parent is None and node.record is not None:
                self.root(node.record.scope).take(node)


@dataclass
class MemTree(Base):
    asks: ClassVar[bool] = True

    lm: LM = field(default_factory=Rules)
    threshold: float = 0.4  # the paper's theta of depth 0
    rate: float = 0.5  # the paper's lambda, with which it grows: nothing is alike enough at depth 2
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
        vector = vector_of(query, store)
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


def _record(node: Node) -> Record:
    """A node as a record that cites all that its children cite, known when the last of it was said."""
    below = [child.record for child in node.children if child.record]
    speakers, sessions = {record.speaker for record in below}, {record.session for record in below}
    return Record(
        NODE,
        node.text,
        max(record.valid_from for record in below),
        sources=sources(below),
        speaker=speakers.pop() if len(speakers) == 1 else "",
        session=sessions.pop() if len(sessions) == 1 else "",
        scope=below[0].scope,
    )
