"""Notes that link themselves to their like, and are written anew when a later note says more about them.

Source:  "A-MEM: Agentic Memory for LLM Agents", Xu, Liang, Mei, Gao, Tan, Zhang 2025 (arXiv 2502.12110).
Idea:    a note is what was said with keywords, tags and a sentence of context, and is searched by all of them. Among
         the nearest notes the model says which are linked; what a linked note now means in the light of the new one is
         written into its context, and its keywords and tags with it. Recall takes the linked notes along.
Cost:    write three questions a turn (`keywords` twice, `summary`), one (`relevant`) for its neighbours, one
         (`conflict`) for each linked one, and three for each that evolves; read one scan of vectors and the links.
Differs: the paper's prompts decide freely; here links are what is `relevant`, and a linked note evolves when the new
         one updates or extends it. Tags are keywords of the context. A note is given back as its turn.

Kinds: turn, as it was said, to which links point; note, what is searched for it. A note that evolves is superseded by
one that cites what it was and what changed it, so that erasing either leaves no trace in the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from remanence.lm.base import Base as LM
from remanence.lm.rules import Rules
from remanence.records import Event, Filter, Hit, Op, Query, Record, add
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.asked import asked
from remanence.text.parts.kinds import only
from remanence.text.parts.segment import turns

OF, RELATED = "of", "related"  # the links from a note to its turn, and between turns
EVOLVES = ("updates", "extends")


@dataclass(frozen=True, slots=True)
class _Held:
    """A note that holds, its turn's id, and how close it is to the one that comes."""

    note: Record
    turn: str
    cosine: float


@dataclass
class AMem(Base):
    asks: ClassVar[bool] = True

    lm: LM = field(default_factory=Rules)
    neighbours: int = 5  # notes looked at for links
    linked: float = 0.3  # the relevance from which two notes are linked
    keywords: int = 8
    tags: int = 3
    words: int = 30  # of a context
    share: float = 0.7  # of its score that a recalled note gives to those linked to it

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        """One note after the other, each among those before it, also those of the same batch."""
        ops = turns(events)
        batch = _Batch(store)
        for turn in [op.new for op in ops if op.new]:
            note = self._note(turn, self.lm.summary([turn.text], words=self.words))
            near = batch.near(note, self.neighbours)
            batch.take(note, turn.id)
            useful = self.lm.relevant(turn.text, [old.note.text for old in near]) if near else []
            for old, use in zip(near, useful, strict=True):
                if use >= self.linked:
                    batch.link(turn.id, old.turn, use)
                    if self.lm.conflict(old.note.text, turn.text) in EVOLVES:
                        batch.evolve(old, self._evolved(old.note, turn))
        return ops + batch.ops

    def read(self, query: Query, store: Store) -> list[Hit]:
        """The turns of the nearest notes, and those linked to them."""
        scores = self._found(query, store)
        gained: dict[int, float] = {}
        for one, other, _, weight in store.linked(np.array(list(scores), dtype=np.int64), RELATED):
            gained[other] = max(gained.get(other, 0.0), self.share * weight * scores[one])
        beside = np.array([row for row in gained if row not in scores], dtype=np.int64)
        beside = beside[store.allowed(beside, only(query.filter, "turn"))]
        whys = {row: {"note": score} for row, score in scores.items()}
        whys |= {row: {"linked": gained[row]} for row in beside.tolist()}
        best = sorted(whys, key=lambda row: -sum(whys[row].values()))[: query.k]
        return [Hit(record, sum(whys[row].values()), whys[row]) for row, record in store.read(best).items()]

    def _found(self, query: Query, store: Store) -> dict[int, float]:
        """The k best turns by their notes, with their cosines. A note is as old as its last change, a turn is not."""
        vector = store.embedder.embed([asked(query.text, store.names("speaker"), query.now).bare])[0]
        allowed = only(query.filter, "turn")
        notes = allowed if allowed.kinds != ("turn",) else replace(allowed, kinds=("note",), between=None)
        n = 2 * query.k
        while True:
            found = store.find_vectors(vector, notes, n)
            cosine = dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True))
            turn_of = {note: turn for note, turn, _, _ in store.linked(found.rows, OF)}
            rows = np.array(sorted(set(turn_of.values())), dtype=np.int64)
            open_ = set(rows[store.allowed(rows, allowed)].tolist())
            scores: dict[int, float] = {}
            for note in cosine:  # best first: a turn with two notes has the better score
                if turn_of.get(note) in open_:
                    scores.setdefault(turn_of[note], cosine[note])
            if len(scores) >= query.k or len(found.rows) < n:
                return dict(list(scores.items())[: query.k])
            n *= 4

    def _evolved(self, old: Record, turn: Record) -> Record:
        """What the old note means now; it holds from when both were said."""
        context = self.lm.summary([old.text, turn.text], previous=str(old.meta["context"]), words=self.words)
        sources = tuple(dict.fromkeys((*old.sources, *turn.sources)))
        said = replace(old, sources=sources, valid_from=max(old.valid_from, turn.valid_from))
        return self._note(said, context, f"{old.key}\n{turn.text}")

    def _note(self, said: Record, context: str, known: str = "") -> Record:
        keywords = self.lm.keywords(f"{known or said.text}\n{context}", n=self.keywords)
        tags = self.lm.keywords(context, n=self.tags) if context.strip() else []
        key = "\n".join(filter(None, (said.text, ", ".join(keywords), ", ".join(tags), context)))
        meta = {"keywords": keywords, "tags": tags, "context": context}
        return replace(said, kind="note", key=key, meta=meta)


class _Batch:
    """What a write changes, looked at as if each note were in the store already."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ops: list[Op] = []
        self.held: dict[str, tuple[Record, str, NDArray[np.float32]]] = {}  # note id: note, turn id, vector
        self.gone: set[str] = set()  # notes that were superseded in this batch

    def near(self, note: Record, n: int) -> list[_Held]:
        """The n nearest notes of the same scope that hold, best first."""
        vector = self._vector(note)
        found = self.store.find_vectors(vector, Filter(kinds=("note",), scope=note.scope), n + len(self.gone))
        turn_rows = {one: other for one, other, _, _ in self.store.linked(found.rows, OF)}
        turns = self.store.read(turn_rows.values())
        cosine = dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True))
        near = [
            _Held(record, turns[turn_rows[row]].id, cosine[row])
            for row, record in self.store.read(found.rows.tolist()).items()
            if record.id not in self.gone
        ]
        near += [_Held(old, turn, float(v @ vector)) for old, turn, v in self.held.values() if old.scope == note.scope]
        return sorted(near, key=lambda old: (-round(old.cosine, 5), old.turn))[:n]

    def take(self, note: Record, turn: str) -> None:
        self.ops += [add(note), Op("link", note.id, other=turn, relation=OF)]
        self.held[note.id] = note, turn, self._vector(note)

    def link(self, one: str, other: str, weight: float) -> None:
        """Either way: a link is found from both its ends."""
        self.ops += [Op("link", a, other=b, relation=RELATED, value=weight) for a, b in ((one, other), (other, one))]

    def evolve(self, old: _Held, new: Record) -> None:
        self.take(new, old.turn)
        self.ops.append(Op("supersede", old.note.id, other=new.id, at=new.valid_from, why="evolved"))
        self.held.pop(old.note.id, None)
        self.gone.add(old.note.id)

    def _vector(self, note: Record) -> NDArray[np.float32]:
        """As the store keeps it, in half precision."""
        vector: NDArray[np.float32] = self.store.embedder.embed([note.key])[0].astype(np.float16).astype(np.float32)
        return vector
