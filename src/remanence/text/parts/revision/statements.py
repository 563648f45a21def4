"""Turns, and beside them the facts they state: turns never end, facts do, so that a reader can tell what still holds.

Idea:    only facts that stand in a slot (see slots.py) are kept: what a new one does to the others is plain from their
         objects, and no model is asked. They are an index: found by "Ana lives in Porto", whatever words were said.
Cost:    a dictionary look-up for each such fact; for each that ends a search by words and at most `AFFECTED` turns read
         closely. Where every event states something, writing costs 1.7 times as much at 100k events as at 10k. The
         first fact of a process reads what all facts are about.

    turn -rests_on-> fact    it states it, says it again, or hung on it when it ended (see hanging.py)
    fact -told_in-> turn     that told it first

A denial leaves its slot empty until it has a value again: then the denial ends too.
"""

from collections.abc import Sequence
from dataclasses import replace

from remanence.lm.base import Base as LM
from remanence.lm.rule.relations import core
from remanence.records import Event, Op, Record
from remanence.store.base import Base as Store
from remanence.text.parts.facts import facts
from remanence.text.parts.revision.hanging import ByWord, hanging, naming
from remanence.text.parts.revision.supersede import Facts
from remanence.text.parts.slots import Slots, said, slots

RESTS_ON, TOLD_IN = "rests_on", "told_in"
AFFECTED = 50  # turns looked at for what hung on an ended fact


def stated(events: Sequence[Event], turns: Sequence[Record], lm: LM, known: Slots, store: Store) -> list[Op]:
    """What the facts of these events change, and how these turns, theirs, stand on them."""
    found = [replace(fact, key=_plainly(fact)) for fact in facts(lm, events) if any(slots(fact))]
    if not found:
        return []
    held, links, parts = Facts(store, lm, known, near=0), list[Op](), dict[str, list[Record]]()
    coming = ByWord(turns)
    for turn in turns:
        parts.setdefault(turn.sources[0].event, []).append(turn)
    for fact in found:
        turn = _holding(fact, parts[fact.sources[0].event])
        ended, again = held.take(fact)
        links += [_link(turn, RESTS_ON, old) for old in again or [fact]]
        if not again:
            links.append(_link(fact, TOLD_IN, turn))
            _end_denials(fact, held)
        for old, new in ended:
            named = naming(old, new, "turn", store, AFFECTED, coming)
            links += [_link(hung, RESTS_ON, old) for hung, _ in hanging(old, new, named)]
    return [*held.ops, *dict.fromkeys(links)]


def _plainly(fact: Record) -> str:
    """What a fact is found by."""
    return " ".join(said(fact)).replace("_", " ")


def _holding(fact: Record, parts: Sequence[Record]) -> Record:
    """The turn that the fact begins in, of those an event was cut into."""
    start = fact.sources[0].start
    return next((turn for turn in reversed(parts) if turn.sources[0].start <= start), parts[0])


def _end_denials(fact: Record, held: Facts) -> None:
    """Of a fact and those of its slots, let a denial end when a value follows."""
    for old in held.beside(fact):
        first, then = sorted((old, fact), key=lambda record: record.valid_from)
        after = said(then)[1]
        if core(said(first)[1])[0] == "not_" and not core(after)[0] and after != "left":
            held.end(first, then, "a value again")


def _link(record: Record, relation: str, other: Record) -> Op:
    return Op("link", record.id, other=other.id, relation=relation, value=1.0)
