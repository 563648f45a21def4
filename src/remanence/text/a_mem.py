"""Notes that link themselves to their like, and are written anew when a later note says more about them.

Source:  "A-MEM: Agentic Memory for LLM Agents", Xu, Liang, Mei, Gao, Tan, Zhang 2025 (arXiv 2502.12110).
Idea:    a note is what was said with keywords, tags and a sentence of context, and is searched by all of them. Among
         the nearest notes the model says which are linked; what a linked note now means in the light of the new one is
         written into its context, and its keywords and tags with it. Recall takes the linked notes along.
Cost:    write three questions a turn (`keywords` twice, `summary`), one (`relevant`) for its neighbours, one
         (`conflict`) for each linked one, and three for each that evolves; read one scan of vectors and the links.
Differs: the paper's prompts decide freely; here links are what is `relevant`, and a linked note evolves when the new
         one updates or extends it. Tags are keywords of the context. A note is given back as its turn, and those linked
         to it rank by a share of its score (the code adds them below it). All numbers but `neighbours` are ours.

Kinds: turn, as it was said, to which links point; note, what is searched for it. A note that evolves is superseded by
one that cites what it was and what changed it, so that erasing either leaves no trace in the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from remanence.embed.base import Vectors
from remanence.lm.base import Base as LM
from remanence.lm.rules import Rules
from remanence.records import Event, Hit, Op, Query, Record, add
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.asked import vector_of
from remanence.text.parts.batch import Batch, as_kept
from remanence.text.parts.kinds import only
from remanence.text.parts.ranked import explained, widening
from remanence.text.parts.segment import turns
from remanence.text.parts.sessions import sources

OF, RELATED = "of", "related"  # the links from a note to its turn, and between turns
EVOLVES = ("updates", "extends")


@dataclass
class AMem(Base):
    asks: ClassVar[bool] = True

    lm: LM = field(default_factory=Rules)
    neighbours: int = 5  # the code's k: notes looked at for links
    linked: float = 0.3  # the relevance from which two notes are linked
    keywords: int = 8
    tags: int = 3
    words: int = 30  # of a context
    share: float = 0.7  # of its score that a recalled note gives to those linked to it

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        """One note after the other, each among those before it, also those of the same batch."""
        said = turns(events)
        notes = _Notes(store)
        for turn in [op.new for op in said if op.new]:
            note = self._note(turn, self.lm.summary([turn.text], words=self.words))
            near = notes.near(note, self.neighbours)
            notes.take(note, turn.id)
            useful = self.lm.relevant(turn.text, [old.text for old in near]) if near else []
            for old, use in zip(near, useful, strict=True):
                if use >= self.linked:
                    notes.link(turn.id, notes.turn(old), use)
                    if self.lm.conflict(old.text, turn.text) in EVOLVES:
                        notes.evolve(old, self._evolved(old, turn))
        return said + notes.ops

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
        return explained(whys, store, query.k)

    def _found(self, query: Query, store: Store) -> dict[int, float]:
        """The k best turns by their notes, with their cosines. A note is as old as its last change, a turn is not."""
        vector = vector_of(query, store)
        allowed = only(query.filter, "turn")
        notes = allowed if allowed.kinds != ("turn",) else replace(allowed, kinds=("note",), between=None)
        scores: dict[int, float] = {}
        for found in widening(vector, notes, store, 2 * query.k):
            turn_of = {note: turn for note, turn, _, _ in store.linked(found.rows, OF)}
            rows = np.array(sorted(set(turn_of.values())), dtype=np.int64)
            open_ = set(rows[store.allowed(rows, allowed)].tolist())
            for note, cosine in zip(found.rows.tolist(), found.scores.tolist(), strict=True):
                if turn_of.get(note) in open_:
                    scores.setdefault(turn_of[note], cosine)  # best first: of two notes of a turn the better one
            if len(scores) >= query.k:
                break
        return dict(list(scores.items())[: query.k])

    def _evolved(self, old: Record, turn: Record) -> Record:
        """What the old note means now; it holds from when both were said."""
        context = self.lm.summary([old.text, turn.text], previous=str(old.meta["context"]), words=self.words)
        said = replace(old, sources=sources((old, turn)), valid_from=max(old.valid_from, turn.valid_from))
        return self._note(said, context, f"{old.key}\n{turn.text}")

    def _note(self, said: Record, context: str, known: str = "") -> Record:
        keywords = self.lm.keywords(f"{known or said.text}\n{context}", n=self.keywords)
        tags = self.lm.keywords(context, n=self.tags) if context.strip() else []
        key = "\n".join(filter(None, (said.text, ", ".join(keywords), ", ".join(tags), context)))
        meta = {"keywords": keywords, "tags": tags, "context": context}
        return replace(said, kind="note", key=key, meta=meta)


class _Notes:
    """The notes that a write makes and changes, among those of the store."""

    def __init__(self, store: Store) -> None:
        self.store, self.batch = store, Batch(store, "note")
        self.ops: list[Op] = []
        self.turns: dict[str, str] = {}  # of the notes made here: note id, turn id

    def near(self, note: Record, n: int) -> list[Record]:
        """The n nearest notes of the same scope that hold, best first."""
        return [old for old, _ in self.batch.near(self._vector(note), note.scope, n)]

    def turn(self, note: Record) -> str:
        """The id of the turn it was made of."""
        return self.turns.get(note.id) or next(link.record for link in note.links if link.relation == OF)

    def take(self, note: Record, turn: str) -> None:
        self.ops += [add(note), Op("link", note.id, other=turn, relation=OF)]
        self.turns[note.id] = turn
        self.batch.add(note, self._vector(note))

    def link(self, one: str, other: str, weight: float) -> None:
        """Either way: a link is found from both its ends."""
        self.ops += [Op("link", a, other=b, relation=RELATED, value=weight) for a, b in ((one, other), (other, one))]

    def evolve(self, old: Record, new: Record) -> None:
        self.take(new, self.turn(old))
        self.ops.append(Op("supersede", old.id, other=new.id, at=new.valid_from, why="evolved"))
        self.batch.end(old)

    def _vector(self, note: Record) -> Vectors:
        return as_kept(self.store.embedder.embed([note.key])[0])
