"""The graph that triples make of phrases and the turns that say them, held in memory and caught up from the store."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np

from remanence.records import Filter, Op, Record
from remanence.store.base import Base as Store
from remanence.store.base import Rows

SAID_IN = "said_in"  # the link from a triple to its turn
CROWDED = 500  # a phrase in more turns than this says too little to be walked through
Node = tuple[str, str | int]  # ("phrase", its text) or ("turn", its row)
Edge = tuple[Node, Node, float]


def phrase(text: str) -> str:
    """What a subject or object is compared by: lower case, no article, no plural, no punctuation at its ends."""
    words = text.casefold().strip(" .,;:!?\"'()").removesuffix("'s").split()
    words = words[1:] if len(words) > 1 and words[0] in ("a", "an", "the") else words
    if words and len(words[-1]) > 4 and words[-1].endswith("s") and not words[-1].endswith("ss"):
        words[-1] = words[-1].removesuffix("s")
    return " ".join(words)


def ends(triple: Record) -> tuple[str, str]:
    """The phrases of a triple's subject and object."""
    return phrase(str(triple.meta.get("subject", ""))), phrase(str(triple.meta.get("object", "")))


def said_in(triples: Iterable[Record], turns: Iterable[Record]) -> list[Op]:
    """Ops that link each triple to the turn that holds its span."""
    spans = [(turn.sources[0], turn.id) for turn in turns]
    return [
        Op("link", triple.id, other=turn, relation=SAID_IN)
        for triple in triples
        for span, turn in spans
        if span.event == triple.sources[0].event and span.start <= triple.sources[0].start < span.end
    ]


class Phrases:
    """Which phrases stand in which turns. What a filter forbids is left out when asked, not when loaded."""

    def __init__(self) -> None:
        self.last, self.epoch = 0, ""
        self.turns: dict[str, Counter[int]] = defaultdict(Counter)  # phrase: turn row: how many triples say it there
        self.phrases: dict[int, set[str]] = defaultdict(set)  # turn row: phrases
        self.related: dict[str, Counter[str]] = defaultdict(Counter)  # phrase: phrase: how many triples join them

    def catch_up(self, store: Store) -> None:
        """Take in the triples that came since the last call; start over when the store did."""
        epoch = store.epoch
        if epoch != self.epoch:
            self.last, self.epoch = 0, epoch
            for held in (self.turns, self.phrases, self.related):
                held.clear()
        records = list(store.records(Filter(kinds=("triple",)), made_since=self.last))
        if not records:
            return
        rows = store.rows_of([record.id for record in records])
        self.last = int(rows.max())
        by_row = dict(zip(rows.tolist(), records, strict=True))
        for row, turn, _, _ in store.linked(rows, SAID_IN):
            one, two = ends(by_row[row])
            for name in filter(None, (one, two)):
                self.turns[name][turn] += 1
                self.phrases[turn].add(name)
            if one and two and one != two:
                self.related[one][two] += 1
                self.related[two][one] += 1

    def around(
        self, names: Iterable[str], turns: Rows, store: Store, allowed: Filter
    ) -> list[tuple[Node, Node, float]]:
        """Edges within two steps of these phrases and turns: phrase to phrase, and phrase to each turn that says it."""
        near = set(names)
        first = set(turns.tolist()).union(*(self.turns[name] for name in near if self._open(name)))
        near |= {name for turn in first for name in self.phrases[turn]}
        reached = np.array(
            sorted(first.union(*(self.turns[name] for name in near if self._open(name)))), dtype=np.int64
        )
        open_ = set(reached[store.allowed(reached, allowed)].tolist())
        edges: list[Edge] = []
        for name in sorted(near):
            said = [(turn, count) for turn, count in self.turns[name].items() if turn in open_]
            if self._open(name):
                edges += [(("phrase", name), ("turn", turn), float(count)) for turn, count in said]
            edges += [
                (("phrase", name), ("phrase", other), float(count))
                for other, count in self.related[name].items()
                if other in near and name < other
            ]
        return edges

    def spread(self, name: str) -> int:
        """In how many turns a phrase stands."""
        return len(self.turns[name]) if name in self.turns else 0

    def _open(self, name: str) -> bool:
        return name in self.turns and len(self.turns[name]) <= CROWDED
