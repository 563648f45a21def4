"""Turns that fade unless they are recalled, with a summary of each day and a portrait of each speaker.

Source:  Zhong et al. 2023, "MemoryBank: Enhancing Large Language Models with Long-Term Memory" (arXiv 2305.10250).
Idea:    what is kept follows Ebbinghaus' curve: after t days without being recalled R = exp(-t / S) of it is left;
         each recall adds 1 to S and sets t back to 0. Days are summed up, and so is what they show of a person.
Cost:    write one embedding a turn; read a scan of vectors; consolidate reads every turn, and asks for a summary for
         each new day and each who spoke in it, and one for all days and for each such person; forget reads every turn.
Differs: the paper's code draws a number against R; here what falls below `threshold` goes, so that one day always
         gives one answer; S is not stopped at 3, nor age at 30 days. A turn is kept alone, a portrait drawn from its
         person's turns; overviews and portraits do not fade, and are recalled when alike, not put into every prompt.

Kinds: turn; summary (of a day), overview (of all days); insight (what a day shows of a speaker), profile (all of it).
Days are UTC's. Each scope has its own. A turn is linked to the summary of its day, and what is linked was summed up.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import ClassVar

from remanence.errors import BadConfig
from remanence.lm.base import Base as LM
from remanence.lm.rules import Rules
from remanence.records import Event, Filter, Hit, Op, Query, Record, Scope
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.ranked import hits
from remanence.text.parts.segment import turns
from remanence.text.parts.sessions import line, renewed, sources

DAY = timedelta(days=1)
UNITS = ("turn", "summary", "overview", "profile")  # what is recalled unless kinds are asked for
FADES = ("turn", "summary")
WHOLE = {"summary": "overview", "insight": "profile"}  # what days are summed up as
Key = tuple[str, Scope, str, date | None]  # kind, whose memory, speaker, day: one record of each holds at a time


@dataclass
class MemoryBank(Base):
    asks: ClassVar[bool] = True

    lm: LM = field(default_factory=Rules)
    threshold: float = 0.05  # what is left of a memory when it goes: an unrecalled one after 3 days
    days: float = 1.0  # in which t is counted: 1 is the code's; 7 makes everything last seven times as long
    words: int = 80  # of a summary

    def __post_init__(self) -> None:
        if not 0 <= self.threshold < 1:
            raise BadConfig(f"threshold must be in [0, 1), got {self.threshold}")
        if not self.days > 0:
            raise BadConfig(f"days must be more than 0, got {self.days}")

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        return turns(events)

    def read(self, query: Query, store: Store) -> list[Hit]:
        allowed = query.filter if query.filter.kinds else replace(query.filter, kinds=UNITS)
        found = store.find_vectors(store.embedder.embed([query.text])[0], allowed, query.k)
        return hits(found, store, "dense")

    def recalled(self, hits: Sequence[Hit], now: datetime) -> list[Op]:
        """One recall makes it one stronger, and t starts again."""
        fresh = [(hit.record, max(now, hit.record.last_read or now)) for hit in hits]
        return [Op("strengthen", r.id, value=r.strength + 1, at=at, read=True, why="recalled") for r, at in fresh]

    def forget(self, store: Store, now: datetime) -> list[Op]:
        faded = ((r, self.retention(r, now)) for r in store.records(Filter(kinds=FADES)))
        return [Op("expire", r.id, why=f"retention {left:.3f}") for r, left in faded if left < self.threshold]

    def retention(self, record: Record, now: datetime) -> float:
        """R = exp(-t / S): how much is left of a memory, 1 when it was just made or recalled."""
        t = max(now - (record.last_read or record.valid_from), timedelta(0)) / DAY
        return math.exp(-t / (record.strength * self.days))

    def consolidate(self, store: Store, now: datetime) -> list[Op]:
        """Sum up the days that are over and have turns not yet summed up, then all days of whom that concerns."""
        held = {_key(record): record for record in store.records(Filter(kinds=(*WHOLE, *WHOLE.values())))}
        assistants = {turn.id for turn in store.records(Filter(kinds=("turn",), channels=("assistant", "tool")))}
        over = [turn for turn in store.records(Filter(kinds=("turn",))) if turn.valid_from.date() < now.date()]
        over.sort(key=lambda turn: (astuple(turn.scope), turn.valid_from))
        ops: list[Op] = []
        days: list[Record] = []
        for _, said in groupby(over, key=lambda turn: (turn.scope, turn.valid_from.date())):
            turns = list(said)
            new = [turn for turn in turns if not any(link.relation == "summary" for link in turn.links)]
            if not new or (summary := self._sum("summary", turns)) is None:
                continue
            ops += [Op("link", turn.id, other=summary.id, relation="summary") for turn in turns]
            people = dict.fromkeys(turn.speaker for turn in new if turn.id not in assistants)
            own = ([t for t in turns if t.speaker == who and t.id not in assistants] for who in people)
            days += [summary, *(day for said in own if (day := self._sum("insight", said)))]
        made = days + self._wholes(days, held)
        return [op for record in made for op in renewed(record, held.get(_key(record)))] + ops

    def _wholes(self, made: Iterable[Record], held: dict[Key, Record]) -> list[Record]:
        """The overviews and portraits that these new days belong to, from all their days."""
        days: dict[tuple[object, ...], list[Record]] = {}
        for record in (held | {_key(record): record for record in made}).values():
            days.setdefault((record.kind, record.scope, record.speaker), []).append(record)
        changed = dict.fromkeys((record.kind, record.scope, record.speaker) for record in made)
        sums = (self._sum(WHOLE[kind], sorted(days[kind, *rest], key=_begun)) for kind, *rest in changed)
        return [record for record in sums if record]

    def _sum(self, kind: str, parts: Sequence[Record]) -> Record | None:
        """What these records say, citing all that they cite; None when the model finds nothing to say."""
        last = parts[-1]
        person = kind in ("insight", "profile")
        about = (last.speaker or last.scope.user) if person else ""
        text = self.lm.summary([_line(part, person) for part in parts], about=about, words=self.words)
        if not text.strip():
            return None
        speaker = last.speaker if person else ""
        return Record(kind, text, last.valid_from, sources=sources(parts), speaker=speaker, scope=last.scope)


def _begun(record: Record) -> datetime:
    return record.valid_from


def _key(record: Record) -> Key:
    day = record.valid_from.date() if record.kind in ("summary", "insight") else None
    return record.kind, record.scope, record.speaker, day


def _line(part: Record, person: bool) -> str:
    """One turn or day as the model is shown it: who said it, unless all are one person's, or when it was."""
    if part.kind != "turn":
        return f"{part.valid_from:%Y-%m-%d}: {part.text}"
    return part.text if person else line(part)
