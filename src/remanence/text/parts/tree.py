"""Trees of texts, one for each scope: turns are the leaves, what was made of them stands above. Held in memory, caught
up from the store."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from remanence.embed.base import Vectors
from remanence.records import Filter, Op, Record, Scope, add
from remanence.store.base import Base as Store

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
            ops.append(add(new))
            ops += [Op("supersede", old.id, other=new.id, at=new.valid_from)] if old else []
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


def as_kept(vector: Vectors) -> Vectors:
    """With the precision that a store keeps."""
    return vector.astype(np.float16).astype(np.float32)


def _record(node: Node) -> Record:
    """A node as a record that cites all that its children cite, known when the last of it was said."""
    below = [child.record for child in node.children if child.record]
    speakers, sessions = {record.speaker for record in below}, {record.session for record in below}
    return Record(
        NODE,
        node.text,
        max(record.valid_from for record in below),
        sources=tuple(dict.fromkeys(source for record in below for source in record.sources)),
        speaker=speakers.pop() if len(speakers) == 1 else "",
        session=sessions.pop() if len(sessions) == 1 else "",
        scope=below[0].scope,
    )
