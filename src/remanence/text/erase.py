"""Facts kept true: what a new event makes false ends, with all that hung on it, and what it makes doubtful goes back.

Source:  "Language Modeling with Editable External Knowledge", Li, Liu, Ross, Zeitoun, Neubig, Andreas 2024
         (arXiv 2406.11830), ERASE.
Idea:    knowledge is edited when it is written, not sorted out when it is read: a new event is put to the facts it may
         bear on; each is still true, false from now on, or uncertain, and keeps the history of when it was what.
Cost:    write one question (`facts`) a turn, at most 2 `near` (`conflict`) a fact, and a search by words for each fact
         that ends: each fact scans those of its user, 20 ms a turn at 100k; read a scan and `candidates`' links.
Differs: nothing is rewritten: there is no question for it; the new fact stands beside the ended one. What hangs on an
         ended fact is found by its object and the words that say why, not by a model asked of every neighbour.

What hung on a fact that ended (see parts/revision/hanging.py) ends too, with what hung on it in turn; what may have is
doubted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

import numpy as np

from remanence.errors import BadConfig
from remanence.lm.base import Base as LM
from remanence.lm.rules import Rules
from remanence.records import Event, Hit, Op, Query, Record
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.facts import facts
from remanence.text.parts.kinds import only
from remanence.text.parts.revision.hanging import ByWord, hanging, naming
from remanence.text.parts.revision.supersede import Facts, embedded
from remanence.text.parts.slots import Slots

DOUBTED = "doubted_by"  # link from an uncertain fact to what made it so


@dataclass
class Erase(Base):
    asks: ClassVar[bool] = True

    lm: LM = field(default_factory=Rules)
    near: int = 10  # facts a new one is compared with
    affected: int = 50  # facts looked at for what hangs on an ended one
    candidates: int = 50  # facts looked at for doubts
    doubt: float = 0.5  # taken off the cosine of an uncertain fact
    slots: Slots = field(default_factory=Slots, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.near < 1:
            raise BadConfig(f"near must be at least 1, got {self.near}")

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        held, coming = Facts(store, self.lm, self.slots, self.near), ByWord()
        for fact, vector in embedded(store, facts(self.lm, events)):
            ended, again = held.take(fact, vector)
            if fact.id in held.added:
                coming.add(fact)
            for old in again:  # what is said again is doubted no longer
                held.ops += [Op("link", old.id, other=by, relation=DOUBTED, value=0.0) for by in _doubts(old, held)]
            self._carry_on(ended, held, coming)
        return held.ops

    def read(self, query: Query, store: Store) -> list[Hit]:
        vector = store.embedder.embed([query.text])[0]
        found = store.find_vectors(vector, only(query.filter, "fact"), max(query.k, self.candidates))
        doubts = self._doubted(found.rows, query.filter.as_of or query.now, store)
        lost = np.array([self.doubt * doubts.get(row, 0.0) for row in found.rows.tolist()], dtype=np.float32)
        best = np.argsort(lost - found.scores, kind="stable")[: query.k]
        whys = {
            int(found.rows[i]): {"dense": float(found.scores[i])} | ({"doubt": -float(lost[i])} if lost[i] else {})
            for i in best
        }
        return [Hit(record, sum(whys[row].values()), whys[row]) for row, record in store.read(whys).items()]

    def _carry_on(self, ended: Sequence[tuple[Record, Record]], held: Facts, coming: ByWord) -> None:
        """End or doubt what hung on the facts that ended, and what hung on those."""
        waiting = list(ended)
        while waiting:
            old, new = waiting.pop(0)
            known = naming(old, new, "fact", held.store, self.affected, coming)
            for fact, falls in hanging(old, new, held.holding(known, new.valid_from)):
                if falls and held.end(fact, new, f"hung on: {old.text}"):
                    waiting.append((fact, new))
                elif not falls:
                    held.ops.append(Op("link", fact.id, other=new.id, relation=DOUBTED, value=1.0))

    def _doubted(self, rows: np.ndarray, moment: datetime, store: Store) -> dict[int, float]:
        """How much each of these rows was doubted by then."""
        links = [(row, by, weight) for row, by, _, weight in store.linked(rows, DOUBTED) if weight > 0]
        if not links:
            return {}
        since = store.columns(np.array([by for _, by, _ in links], dtype=np.int64)).at
        limit = int(moment.timestamp() * 1e6)
        return {row: weight for (row, _, weight), at in zip(links, since.tolist(), strict=True) if at <= limit}


def _doubts(fact: Record, held: Facts) -> list[str]:
    """The ids of what a fact is doubted for, in the store or by this write."""
    here = [op.other for op in held.ops if op.kind == "link" and op.record == fact.id and op.value]
    return [*dict.fromkeys([*(link.record for link in fact.links if link.relation == DOUBTED and link.weight), *here])]
