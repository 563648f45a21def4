"""Sessions as their turns stand in the store, for what is derived from whole sessions."""

from collections.abc import Iterable, Iterator
from dataclasses import astuple
from datetime import datetime, timedelta
from itertools import groupby

from remanence.records import Filter, Op, Record, Source, add
from remanence.store.base import Base as Store


def unsummed(store: Store, unit: str) -> Iterator[tuple[list[Record], Record | None]]:
    """The turns, in order, of each session of two or more whose record of this kind is missing or cites other spans;
    and that record. Turns that name no session belong to their day (UTC)."""
    held = {place(record): record for record in store.records(Filter(kinds=(unit,)))}
    turns = sorted(store.records(Filter(kinds=("turn",))), key=lambda turn: (place(turn), turn.valid_from))
    for where, said in groupby(turns, key=place):
        session, old = list(said), held.get(where)
        if len(session) > 1 and (old is None or set(old.sources) != set(sources(session))):
            yield session, old


def talks(store: Store, idle: timedelta, now: datetime) -> Iterator[tuple[list[Record], bool]]:
    """The turns of each session, in order, and whether it is over: another of its scope began since, or nobody spoke
    for so long. Of one scope in the order they ended. Turns that name no session are told apart by such silences."""
    said = sorted(store.records(Filter(kinds=("turn",))), key=lambda turn: (astuple(turn.scope), turn.valid_from))
    for _, theirs in groupby(said, key=lambda turn: turn.scope):
        turns = list(theirs)
        sessions: dict[str | int, list[Record]] = {}
        silences = 0
        for before, turn in zip([turns[0], *turns], turns, strict=False):
            silences += not turn.session and turn.valid_from - before.valid_from >= idle
            sessions.setdefault(turn.session or silences, []).append(turn)
        latest = max(session[0].valid_from for session in sessions.values())
        for session in sorted(sessions.values(), key=lambda session: session[-1].valid_from):
            last = session[-1].valid_from
            yield session, latest > last or now - last >= idle


def place(record: Record) -> tuple[str, ...]:
    """Whose session it belongs to, and which."""
    day = "" if record.session else f"{record.valid_from:%Y-%m-%d}"
    return *astuple(record.scope), record.session, day


def sources(turns: Iterable[Record]) -> tuple[Source, ...]:
    """Every span that these cite, once, in their order."""
    return tuple(dict.fromkeys(source for turn in turns for source in turn.sources))


def whole(kind: str, text: str, turns: list[Record]) -> Record:
    """What was derived from these turns of a session; known when the last of them is."""
    end = turns[-1]
    return Record(kind, text, end.valid_from, sources=sources(turns), session=end.session, scope=end.scope)


def renewed(new: Record, old: Record | None, why: str = "") -> list[Op]:
    """The ops that bring it in, in the place of the one before if there was one."""
    replaced = [Op("supersede", old.id, other=new.id, at=new.valid_from, why=why)] if old and old.id != new.id else []
    return [add(new), *replaced]


def line(turn: Record) -> str:
    """A turn as a model is shown it: who said it, and what."""
    return f"{turn.speaker}: {turn.text}" if turn.speaker else turn.text
