"""Facts kept true: what a new event makes false ends, with all that hung on it, and what it makes doubtful goes back.

Source:  "Language Modeling with Editable External Knowledge", Li, Liu, Ross, Zeitoun, Neubig, Andreas 2024
         (arXiv 2406.11830), ERASE.
Idea:    knowledge is edited when it is written, not sorted out when it is read: a new event is put to the facts it may
         bear on; each is still true, false from now on, or uncertain, and keeps the history of when it was what.
Cost:    write one question (`facts`) a turn, at most 2 `near` (`conflict`) a fact, and a search by words for each fact
         that ends; read a scan of vectors and the links of `candidates` facts.
Differs: nothing is rewritten: there is no question for it; the new fact stands beside the ended one. What hangs on an
         ended fact is found by its object and the words that say why, not by a model asked of every neighbour.

A fact of the same person that names the object of an ended one ("Porto", when Ana has left it)
    false      when it says that it hangs on it: "since I live in Porto", "here in Porto"; what hangs on it in turn too
    uncertain  when it is of the present: "I take the tram to Porto's old market"
    true       when it is of the past or of several at once: "I ran a marathon in Porto", "I love Porto"
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

import numpy as np

from remanence.errors import BadConfig
from remanence.lm.base import Base as LM
from remanence.lm.rule.relations import core, single
from remanence.lm.rules import Rules
from remanence.records import Event, Filter, Hit, Op, Query, Record
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.facts import facts
from remanence.text.parts.kinds import only
from remanence.text.parts.slots import Slots, said
from remanence.text.parts.supersede import Facts, embedded
from remanence.text.parts.terms import terms

DOUBTED = "doubted_by"  # link from an uncertain fact to what made it so
REASON = r"\b(?:because|since|as|given that|thanks to|here in|over here in|now that|living in)\b[^.;!?]*?"
RESULT = r"[^.;!?]*?\b(?:so|means|which is why|that['’]s why|therefore|hence)\b"
LASTS = ("from", "born_in", "born_on", "hometown", "nationality", "name")
PAST = re.compile(
    r"\b(was|were|had|did|ran|went|met|grew|born|used to|ago|once|back then|first|last|remember\w*|(?!need)\w{3,}ed)\b"
)


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
        held = Facts(store, self.lm, self.slots, self.near)
        for fact, vector in embedded(store, facts(self.lm, events)):
            ended, again = held.take(fact, vector)
            for old in again:  # what is said again is doubted no longer
                held.ops += [Op("link", old.id, other=by, relation=DOUBTED, value=0.0) for by in _doubts(old, held)]
            self._carry_on(ended, held)
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

    def _carry_on(self, ended: Sequence[tuple[Record, Record]], held: Facts) -> None:
        """End or doubt what hung on the facts that ended, and what hung on those."""
        waiting = list(ended)
        while waiting:
            old, new = waiting.pop(0)
            for fact in self._naming(old, new, held):
                if _hangs(fact, said(old)[2]):
                    if held.end(fact, new, f"hung on: {old.text}"):
                        waiting.append((fact, new))
                elif not _several(fact):
                    held.ops.append(Op("link", fact.id, other=new.id, relation=DOUBTED, value=1.0))

    def _naming(self, old: Record, new: Record, held: Facts) -> Iterator[Record]:
        """Facts of the same person that name the old object as something of the present."""
        thing = terms(said(old)[2])
        if not said(old)[2]:
            return
        allowed = Filter(kinds=("fact",), scope=old.scope, as_of=new.valid_from)
        rows = held.store.find_words(thing, allowed, self.affected).rows.tolist()
        known = [*held.store.read(rows).values(), *(f for f in held.added.values() if f.scope == old.scope)]
        for fact in held.holding(known, new.valid_from):
            about = said(fact)[0] in ("", said(old)[0]) or fact.speaker == old.speaker
            begun = fact.valid_from <= new.valid_from and fact.id != new.id
            if (
                about
                and begun
                and _names(fact, thing)
                and not _lasts(fact)
                and fact.sources[0].event != new.sources[0].event
            ):
                yield fact

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


def _names(fact: Record, thing: Sequence[str]) -> bool:
    return set(thing) <= set(terms(fact.text))


def _hangs(fact: Record, thing: str) -> bool:
    """Whether it names the thing as its reason: "because I live in Porto", "I live in Porto, so ..."."""
    name = re.escape(thing.lower())
    return bool(re.search(rf"{REASON}\b{name}\b|\b{name}\b{RESULT}", fact.text.lower()))


def _several(fact: Record) -> bool:
    """Whether its relation holds many things at once, so that the end of one says nothing of the others."""
    relation = said(fact)[1]
    return bool(relation) and not single(relation)


def _lasts(fact: Record) -> bool:
    """Whether it stays true whatever ends: it is denied, of the past, or for ever."""
    mark, relation = core(said(fact)[1])
    return bool(mark) or relation in LASTS or bool(PAST.search(fact.text.lower()))
