"""Triples written and read through calls that a model, or anybody, can spell out.

Source:  "RET-LLM: Towards a General Read-Write Memory for Large Language Models", Modarressi, Imani, Fayyaz, Schütze
         2023 (arXiv 2305.14322).
Idea:    what is said is kept as <t1, relation, t2>; a question leaves some of the three open, and every triple that has
         the others answers it. What is not stored word for word is looked for by its average embedding.
Cost:    write one question (`triples`) a turn and one embedding a triple; read at most two questions, three searches,
         and the parts of up to 2 * `candidates` triples embedded.
Differs: no model is tuned to write the calls: the model handed in gives triples, and a question becomes a call by them
         or by whom it names. The paper puts the nearest stored term in the place of one that is not stored, by hashing;
         here, where no triple has all the parts, those answer in which each is `near` (our number), best mean first.
         Where the paper's model answers by itself, turns follow, by their vectors; the latest exact match comes first.

    [MEM_WRITE{Ana>>lives in>>Lisbon}]      in a text: kept as it stands
    [MEM_READ{Ana>>lives in>>}]             as a question: which t2?
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from remanence.lm.base import Base as LM
from remanence.lm.rules import Rules
from remanence.records import Event, Hit, Op, Query, Record, add
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.asked import Asked, asked
from remanence.text.parts.kinds import only
from remanence.text.parts.phrases import phrase
from remanence.text.parts.ranked import hits
from remanence.text.parts.segment import turns
from remanence.text.parts.terms import WORD, terms
from remanence.text.parts.triples import triple, triples

CALL = re.compile(r"\[MEM_(WRITE|READ)\{([^{}>]*)>>([^{}>]*)>>([^{}>]*)\}\]")
OPEN = re.compile(r"\W*(who|whom|what|which|where|when|how|why|somebody|something|somewhere)?\b\W*", re.IGNORECASE)
ASKS = re.compile(r"\s*(who|what)\b", re.IGNORECASE)  # what may stand for the subject of a statement
OWNED = re.compile(
    r"\s*(?:who|what|when|where)(?:['’]s| is| are| was| were) (?:the (?P<what>[\w -]+?) of (?:the )?(?P<of>[^?]+)"
    r"|(?P<owner>[^?]+?)['’]s (?P<owned>[\w -]+?)(?: called| named)?)\s*\??\s*",
    re.IGNORECASE,
)
NAMES = re.compile(r"(?<=\s)[A-Z]\w+(?:\s[A-Z]\w+)*")  # capitals, but for the first: who may be meant beside speakers
SAYS_LITTLE = ("mentions", "is", "is a")  # relations too wide to ask for
SMALL = re.compile(r"( (in|at|to|of|for|with|on|from|by|a|an|the))+$")
EXACT, FUZZY = 2.0, 1.0  # above any cosine: what the memory holds comes before what is only alike
Slots = tuple[str, str, str]  # t1, relation, t2; "" is open


def written(verb: str, slots: Slots) -> str:
    """A call as text; `verb` is "WRITE" or "READ"."""
    return f"[MEM_{verb}{{{'>>'.join(slots)}}}]"


def calls(text: str) -> list[tuple[str, Slots, int, int]]:
    """The calls in a text: the verb, what it says, and where it stands. A WRITE says all three, a READ one or two."""
    found: list[tuple[str, Slots, int, int]] = []
    for match in CALL.finditer(text):
        slots = match[2].strip(), match[3].strip(), match[4].strip()
        if all(slots) if match[1] == "WRITE" else 0 < sum(map(bool, slots)) < 3:
            found.append((match[1], slots, match.start(), match.end()))
    return found


@dataclass
class RetLLM(Base):
    asks: ClassVar[bool] = True

    lm: LM = field(default_factory=Rules)
    near: float = 0.6  # the cosine from which a part is taken for the one asked for
    candidates: int = 50  # triples asked of words and of vectors each

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        return turns(events) + [add(record) for event in events for record in self._triples(event)]

    def read(self, query: Query, store: Store) -> list[Hit]:
        about = asked(query.text, store.names("speaker"), query.now)
        slots = self._call(about)
        found = self._held(slots, query, store) if slots else []
        cited = {source.event for hit in found for source in hit.sources}
        vector = store.embedder.embed([about.bare])[0]
        near = store.find_vectors(vector, only(query.filter, "turn"), query.k + len(cited))
        rest = [hit for hit in hits(near, store, "dense") if hit.sources[0].event not in cited]
        return (found + rest)[: query.k]

    def _triples(self, event: Event) -> list[Record]:
        """Those the text writes by a call; where it makes no call, those the model finds."""
        spelt = [triple(event, *call[1:]) for call in calls(event.text) if call[0] == "WRITE"]
        return spelt or triples(self.lm, [event])

    def _call(self, about: Asked) -> Slots | None:
        """What the question asks of the memory: as it says itself, as the model says, or of whom it names."""
        for verb, slots, _, _ in calls(about.text):
            if verb == "READ":
                return slots
        for text in dict.fromkeys((about.text, ASKS.sub("Somebody", about.text).rstrip("? ") + ".")):
            for found in self.lm.triples(text):
                parts = ["" if OPEN.fullmatch(part) else part for part in (found.subject, found.relation, found.object)]
                if 0 < sum(map(bool, parts)) < 3 and _plain(parts[1]) not in SAYS_LITTLE:
                    return parts[0], parts[1], parts[2]
        if owned := OWNED.fullmatch(about.text):
            return owned["of"] or owned["owner"], owned["what"] or owned["owned"], ""
        who = about.who[0] if len(about.who) == 1 else next(iter(NAMES.findall(about.text)), "")
        rest = [word for word in terms(about.bare) if word not in who.casefold().split()]
        return (who, " ".join(rest), "") if who and rest else None

    def _held(self, slots: Slots, query: Query, store: Store) -> list[Hit]:
        """The triples that have these parts, the latest first; if none has, those whose parts are close, best first."""
        known = [i for i, part in enumerate(slots) if part]
        parts = store.embedder.embed([_plain(slots[i]) for i in known])  # [known, dim]
        mean = parts.mean(axis=0)
        allowed = only(query.filter, "triple")
        by_vector = store.find_vectors(mean / (np.linalg.norm(mean) or 1.0), allowed, self.candidates)
        by_words = store.find_words(WORD.findall(" ".join(map(_plain, slots)).lower()), allowed, self.candidates)
        records = list(store.read(np.union1d(by_vector.rows, by_words.rows).tolist()).values())
        exact = [r for r in records if all(_same(_parts(r)[i], slots[i]) for i in known)]
        exact.sort(key=lambda record: record.valid_from)
        if exact:
            step = 1 / len(exact)
            return [Hit(r, EXACT + i * step, {"exact": EXACT, "later": i * step}) for i, r in enumerate(exact)][::-1]
        if not records:
            return []
        close = np.array(  # [known, records]
            [
                store.embedder.embed([_plain(_parts(r)[i]) for r in records]) @ part
                for i, part in zip(known, parts, strict=True)
            ]
        )
        mean = close.mean(axis=0)
        return [
            Hit(records[i], FUZZY + float(mean[i]), {"fuzzy": FUZZY, "parts": float(mean[i])})
            for i in np.argsort(-mean, kind="stable").tolist()
            if close[:, i].min() >= self.near
        ]


def _parts(triple: Record) -> Slots:
    return str(triple.meta["subject"]), str(triple.meta["relation"]), str(triple.meta["object"])


def _plain(part: str) -> str:
    return part.replace("_", " ")


def _same(one: str, other: str) -> bool:
    """Equal but for case, article, plural or a verb's s, and a preposition at the end: "live" is "lives_in"."""
    return phrase(SMALL.sub("", _plain(one).casefold())) == phrase(SMALL.sub("", _plain(other).casefold()))
