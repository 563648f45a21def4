"""The recipe that LongMemEval's authors found best: rounds, found by their facts, narrowed by the time asked about.

Source:  Wu et al. 2025, "LongMemEval: Benchmarking Chat Assistants on Long-Term Interactive Memory" (arXiv 2410.10813),
         section 5, and the released code.
Idea:    what is recalled is a round, a turn and what was replied; it is searched by its text together with the facts
         it tells; where a question names a time, rounds said then, or telling what happened then, come first.
Cost:    write one embedding a round and one question (`facts`) a turn, none for an assistant's; read two scans of
         vectors at most, no model calls.
Differs: the time asked about is found by a grammar (parts/english), not by a model; the dates of events are those the
         facts name, and are looked at in the `candidates` nearest rounds. The reply is searched too: the code searches
         the user's turn. Between people a round is a turn and one reply. A round has at most `longest` characters.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import ClassVar

from remanence.lm.base import Base as LM
from remanence.lm.rules import Rules
from remanence.records import Event, Filter, Hit, Op, Query, Record, Source, add, utc
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.english.when import Span, spans
from remanence.text.parts.ranked import hits
from remanence.text.parts.segment import spans as pieces_of

FIRST, LAST = datetime(100, 1, 1, tzinfo=UTC), datetime(9900, 1, 1, tzinfo=UTC)  # room for a margin on either side
INSIDE = 2.0  # more than two cosines can differ by: all that lies inside the period comes first
ASSISTANT = "assistant"
Period = tuple[datetime, datetime]  # end exclusive
Told = list[list[str]]  # the facts of one turn, each with its date or ""
Piece = tuple[Event, Source]  # a turn, or a part of one that is too long


@dataclass
class LongMemEval(Base):
    asks: ClassVar[bool] = True

    lm: LM = field(default_factory=Rules)
    longest: int = 8000  # characters of a round; about 2000 tokens
    candidates: int = 100  # rounds looked at for the dates of the events they tell of
    margin_days: float = 2.0  # allowed around the period; the code's number

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        ops: list[Op] = []
        for _, said in groupby(sorted(events, key=_talk), key=_talk):  # stable: in order of `at` inside each
            turns = list(said)
            ops += self._rounds(turns, _open(turns[0], store), store)
        return ops

    def read(self, query: Query, store: Store) -> list[Hit]:
        vector = store.embedder.embed([query.text])[0]
        periods = [self._widened(span) for span in spans(query.text, query.now)]
        near = store.find_vectors(vector, query.filter, max(query.k, self.candidates if periods else 0))
        found = {hit.id: hit for hit in hits(near, store, "dense")}
        for period in periods:
            if (allowed := _narrowed(query.filter, period)) is not None:
                found |= {hit.id: hit for hit in hits(store.find_vectors(vector, allowed, query.k), store, "dense")}
        best = [_timed(hit, periods) for hit in found.values()]
        return sorted(best, key=lambda hit: -hit.score)[: query.k]

    def _widened(self, span: Span) -> Period:
        """When what the span speaks of may have happened, with the margin on either side."""
        (start, end), margin = span.period, timedelta(days=self.margin_days)
        return max(start, FIRST) - margin, min(end, LAST) + margin

    def _rounds(self, turns: Sequence[Event], held: Sequence[Record], store: Store) -> list[Op]:
        """Cut the end of a session into rounds anew: those held that may still grow, with the turns that came."""
        known: dict[Source, Told] = {}
        for old in held:
            known.update(zip(old.sources, old.meta["facts"], strict=True))
        pieces: list[Piece] = [(store.event(source.event), source) for source in known]
        pieces += [(turn, Source(turn.id, a, b)) for turn in turns for a, b in pieces_of(turn.text, self.longest)]
        pieces.sort(key=lambda piece: piece[0].at)
        rounds: list[list[Piece]] = []
        for piece in pieces:
            if rounds and self._goes_on(rounds[-1], piece):
                rounds[-1].append(piece)
            else:
                rounds.append([piece])
        made = [self._record(round, known) for round in rounds]
        ops = [add(new) for new in made if new.id not in {old.id for old in held}]
        home = {source: new.id for new in made for source in new.sources}
        grown = [old for old in held if old.id not in {new.id for new in made}]
        return ops + [Op("merge", old.id, other=home[old.sources[0]], why="the round went on") for old in grown]

    def _goes_on(self, round: Sequence[Piece], piece: Piece) -> bool:
        """An assistant goes on until somebody speaks; a person's reply ends a round; so does what would be too long."""
        first, new = _side(round[0][0]), _side(piece[0])
        if sum(s.end - s.start for _, s in (*round, piece)) > self.longest or first == ASSISTANT:
            return False
        return new == ASSISTANT or (len(round) == 1 and "" not in (first, new) and first != new)

    def _record(self, round: Sequence[Piece], known: dict[Source, Told]) -> Record:
        told = [known[source] if source in known else self._told(event, source) for event, source in round]
        first = round[0][0]
        who = ["", *(f"{event.speaker or event.role or event.channel}: " for event, _ in round[1:])]
        lines = [name + event.text[s.start : s.end] for name, (event, s) in zip(who, round, strict=True)]
        facts = [text for turn in told for text, _ in turn]
        return Record(
            "round",
            "\n".join(lines),
            round[-1][0].at,  # a round is known when its last turn is
            sources=tuple(source for _, source in round),
            key="\n".join([*facts, *lines]) if facts else "",
            speaker=first.speaker,
            session=first.session,
            scope=first.scope,
            meta={"facts": told},
        )

    def _told(self, event: Event, source: Source) -> Told:
        if _side(event) == ASSISTANT:
            return []
        facts = self.lm.facts(event.text[source.start : source.end], speaker=event.speaker, at=event.at)
        return [[fact.text, fact.at.isoformat() if fact.at else ""] for fact in facts]


def _side(event: Event) -> str:
    """Who speaks, as far as rounds go: all that is not a person is the assistant's side."""
    if event.channel in ("assistant", "tool") or event.role.lower() in ("assistant", "tool"):
        return ASSISTANT
    return event.speaker or event.role


def _talk(event: Event) -> tuple[str, ...]:
    return *astuple(event.scope), event.session


def _open(turn: Event, store: Store) -> list[Record]:
    """The last round of its session before this turn, and all that came later: what new turns may change."""
    mine = Filter(kinds=("round",), sessions=(turn.session,), scope=turn.scope)
    last = store.newest(replace(mine, as_of=turn.at), 1).rows.tolist()
    later = store.records(replace(mine, between=(turn.at + timedelta(microseconds=1), LAST)))
    return [*store.read(last).values(), *later]


def _narrowed(allowed: Filter, period: Period) -> Filter | None:
    """The filter with this period too; None when nothing is left."""
    start, end = allowed.between or period
    start, end = max(start, period[0]), min(end, period[1])
    return replace(allowed, between=(start, end)) if start < end else None


def _timed(hit: Hit, periods: Sequence[Period]) -> Hit:
    """Lift a round that was said in one of the periods, or tells of something that happened then."""
    times = [hit.at, *(utc(date) for told in hit.record.meta["facts"] for _, date in told if date)]
    if not any(start <= time < end for time in times for start, end in periods):
        return hit
    return Hit(hit.record, hit.score + INSIDE, {**hit.why, "time": INSIDE})
