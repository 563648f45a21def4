"""What hung on a fact that ended: it falls with it, may fall, or stays true.

Idea:    "Since I live in Porto, I take tram 22" is false once its speaker has left, though nothing denies it. What
         hangs on a fact names its object, and says so, or is at least of the present.

Of what the same person said by then and what names the object of the ended fact ("Porto", when Ana has left it)
    falls      what says that it hangs on it: "since I live in Porto", "here in Porto"
    doubtful   what is of the present: "I take the tram to Porto's old market"
    stays      what is of the past, denied, for ever, or of several at once: "I ran a marathon in Porto", "I love Porto"
"""

import re
from collections.abc import Iterable, Iterator

from remanence.lm.rule.relations import core, single
from remanence.lm.rule.sentences import sentences
from remanence.records import Filter, Record
from remanence.store.base import Base as Store
from remanence.text.parts.slots import said
from remanence.text.parts.terms import terms, words

REASON = r"\b(?:because|since|as|given that|thanks to|here in|over here in|now that|living in)\b[^.;!?]*?"
RESULT = r"[^.;!?]*?\b(?:so|means|which is why|that['’]s why|therefore|hence)\b"
LASTS = ("from", "born_in", "born_on", "hometown", "nationality", "name")
PAST = re.compile(
    r"\b(was|were|had|did|ran|went|met|grew|born|used to|ago|once|back then|first|last|remember\w*|(?!need)\w{3,}ed)\b"
)


class ByWord:
    """Records that a write brings, by the words they say: the store does not find them yet."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.found: dict[str, list[Record]] = {}
        for record in records:
            self.add(record)

    def add(self, record: Record) -> None:
        for word in set(words(record.text)):
            self.found.setdefault(word, []).append(record)


def naming(old: Record, new: Record, kind: str, store: Store, n: int, coming: ByWord) -> list[Record]:
    """The last n records of a kind that name the old fact's object, as things stood when the new one began, and all
    that come with this write and may name it."""
    thing = terms(said(old)[2])
    if not thing:
        return []
    allowed = Filter(kinds=(kind,), scope=old.scope, as_of=new.valid_from)
    held = store.read(store.find_all_words(thing, allowed, n).tolist())
    return [*held.values(), *coming.found.get(thing[0], ())]


def hanging(old: Record, new: Record, found: Iterable[Record]) -> Iterator[tuple[Record, bool]]:
    """Those of the found that hung on the old fact when the new one ended it, and whether they fall with it."""
    subject, _, thing = said(old)
    named = terms(thing)
    for record in found if named else ():
        about = said(record)[0] in ("", subject) or record.speaker == old.speaker
        told_by_then = record.valid_from <= new.valid_from and record.sources[0].event != new.sources[0].event
        if about and record.scope == old.scope and told_by_then and not _lasts(record):
            lines = [line for line in _lines(record.text) if set(named) <= set(terms(line))]
            if any(_says_why(line, thing) for line in lines):
                yield record, True
            elif any(not PAST.search(line) for line in lines) and not _several(record):
                yield record, False


def _lines(text: str) -> list[str]:
    return [text[start:end].lower() for start, end in sentences(text)]


def _says_why(line: str, thing: str) -> bool:
    """Whether it names the thing as its reason: "because I live in Porto", "I live in Porto, so ..."."""
    name = re.escape(thing.lower())
    return not PAST.search(line) and bool(re.search(rf"{REASON}\b{name}\b|\b{name}\b{RESULT}", line))


def _several(fact: Record) -> bool:
    """Whether its relation holds many things at once, so that the end of one says nothing of the others."""
    relation = said(fact)[1]
    return bool(relation) and not single(relation)


def _lasts(fact: Record) -> bool:
    """Whether it stays true whatever ends, because it is denied or for ever."""
    mark, relation = core(said(fact)[1])
    return bool(mark) or relation in LASTS
