"""Which of two segments of a book came first.

Source:  Pink et al. 2024, "Assessing Episodic Memory in LLMs with Sequence Order Recall Tasks" (arXiv 2410.08133).
Idea:    the key is free, and the text was told in order. Two things are needed: that both segments are recalled when
         they are quoted together, and that the memory itself knows which of them was there earlier.
Data:    the nine books of bridge-ai-neuro/SORT, from Project Gutenberg, metadata CC0.
Differs: pairs are drawn anew, by the seed: the paper's own are not with the books. Excerpts have 10,000 words and
         segments 20, of the paper's 250 to 20,000 and 20 or 50. A sentence ends with any full stop, that of "Mrs." too.
         No language model is asked.

A book is a world: an excerpt that begins with a sentence, told in events of whole sentences and at least `words`
words, a minute apart. A segment is `quoted` words of an event from the beginning of one of its sentences; an event
that has none is told but never asked for. A pair is asked twice.

    order   asked for both at once, two texts: 1 when both events are among the first 2 cited, for then their dates
            tell; otherwise 1/2, the chance of a guess. The paper's accuracy, for a reader who makes no mistakes.
    both    the same without the guess
    then    the same question as of the middle between the two: 1 when the earlier is among the first 2 and the later is
            not. The memory's own times decide, not the key's.

`distance` counts words from the beginning of the one event to that of the other, in the paper's bins for long excerpts:
up to 1,000, up to a quarter of the excerpt, up to half of it, up to 0.8 of it.
"""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from remanence.bench.base import Found, Observe, Probe, Score, Step, World
from remanence.bench.data import find
from remanence.bench.metrics import all_found
from remanence.bench.tasks.base import Base
from remanence.errors import BadConfig
from remanence.records import Event

SOURCE = "https://github.com/bridge-ai-neuro/SORT"
BOOKS = {
    "69087-0.txt": "2a70d43101c6595836701fe1999044d3ff1019e32018f4c05ce2395a40c97b5f",
    "72578-0.txt": "a2a403fbe84128c65ce95272cf05978513b0af7586d84b9cc679e9cef813e3f0",
    "72600-0.txt": "7c7399c3f0e281f4197e3e7ad12f2d9473ed60533899e1fb1a30536532dd1907",
    "72869-0.txt": "36d93aae00ac53bc3b1ddaa6c8fb18dcfb2bcf8f18f72303b1f40b8521fc5289",
    "72958-0.txt": "3b1c9899975a07c4dc0ffc410caa2e10b58887737eaa207446be76e505dffffb",
    "72963-0.txt": "d8208a79079fa7b796954db9561e36ceca5d209cd0abe4c2d91966f69880a12b",
    "72972-0.txt": "0328277bae6f4a0461dca5a15b434f7694580665cee9be70753471fefa1de918",
    "73017-0.txt": "373a50766de9ad710a6dc4d2259f43dd05c00b5434507e059dc6e4a998efbd09",
    "73042-0.txt": "41c1aee3c6638c3bca885747418a4b329d08b77b50eb6b5f011cea4d53897bf8",
}
BODY = re.compile(r"\*\*\* ?START OF[^\n]*\*\*\*\n(.*)\n\*\*\* ?END OF", re.DOTALL)
ENDS = re.compile(r"[.!?][\"'”’)_\]]*$")
MARKS = (1000, 1 / 4, 1 / 2, 0.8)  # words, then shares of the excerpt
BINS = ("1 to 1000 words", "2 to a quarter", "3 to a half", "4 to four fifths")
START = datetime(2024, 10, 10, tzinfo=UTC)
Piece = tuple[int, Event, list[str]]  # the word of the excerpt it begins with, the event, the segments it offers
Pair = tuple[Piece, Piece]


@dataclass
class Sort(Base):
    """One world a book."""

    metrics: ClassVar[Mapping[str, str]] = {
        "order": "both of the pair recalled, so that their dates tell; 1/2 when not",
        "both": "both of the pair among the first 2 events",
        "then": "as of the middle between them, the earlier and not the later is among the first 2",
    }

    books: int = 9  # the first of them
    excerpt: int = 10_000  # words, the paper's; a shorter book is told whole
    words: int = 50  # of an event at least
    quoted: int = 20  # words of a segment, the paper's
    pairs: int = 10  # of each bin of each book; the paper has 100
    checked: bool = True  # False takes any books of these names, and then it is not this benchmark

    def __post_init__(self) -> None:
        if not 1 <= self.books <= len(BOOKS):
            raise BadConfig(f"books must be from 1 to {len(BOOKS)}, got {self.books}")
        if not 1 <= self.quoted <= self.words <= self.excerpt:
            raise BadConfig(
                f"quoted, words and excerpt must rise from 1, got {self.quoted}, {self.words} and {self.excerpt}"
            )

    def worlds(self, seed: int) -> Iterator[World]:
        for name in list(BOOKS)[: self.books]:
            path = find(self.data, name, BOOKS[name] if self.checked else "", SOURCE)
            if not (body := BODY.search(path.read_text(encoding="utf-8-sig"))):
                raise BadConfig(f"{path} is no book of Project Gutenberg: its text has no marked start and end")
            yield self._world(name, body[1].split(), random.Random(f"{seed} {name}"))

    def grade(self, world: World, probe: Probe, found: Found) -> dict[str, Score]:
        if probe.tags["asked"] == "then":
            earlier, later = probe.gold
            first = found.ranked[:2]
            return {"then": Score(float(earlier in first and later not in first))}
        both = all_found(found.ranked, probe.gold, 2)
        return {"order": Score((1 + both) / 2), "both": Score(both)}

    def size(self) -> int | None:
        return None if self.books > 1 else 2 * len(BINS) * self.pairs

    def _world(self, name: str, words: list[str], draw: random.Random) -> World:
        starts = [0, *(i + 1 for i, word in enumerate(words[:-1]) if ENDS.search(word))]
        begin = draw.choice([i for i in starts if i + self.excerpt <= len(words)] or [0])
        told = words[begin : begin + self.excerpt]
        pieces = self._pieces(told, [i - begin for i in starts if begin <= i < begin + len(told)])
        steps: list[Step] = [Observe([event for _, event, _ in pieces])]
        for pair, tag in self._drawn(pieces, len(told), draw):
            steps += self._asked(pair, name, tag, draw)
        return World(name, steps)

    def _pieces(self, told: list[str], starts: list[int]) -> list[Piece]:
        """Events of whole sentences, and what can be quoted of each."""
        pieces: list[Piece] = []
        begin = 0
        ends = [i for i in starts if i] + [len(told)]
        for end in ends:
            if end - begin >= self.words or end == len(told):
                at = START + timedelta(minutes=len(pieces))
                quotes = [" ".join(told[i : i + self.quoted]) for i in starts if begin <= i <= end - self.quoted]
                pieces.append((begin, Event(" ".join(told[begin:end]), at, channel="import"), quotes))
                begin = end
        return pieces

    def _drawn(self, pieces: list[Piece], length: int, draw: random.Random) -> Iterator[tuple[Pair, str]]:
        """As many pairs of each bin as are wanted, or as there are."""
        of: dict[str, list[Pair]] = {name: [] for name in BINS}
        able = [piece for piece in pieces if piece[2]]
        for i, one in enumerate(able):
            for two in able[i + 1 :]:
                if name := _bin(two[0] - one[0], length):
                    of[name].append((one, two))
        for name, pairs in of.items():
            for pair in draw.sample(pairs, min(self.pairs, len(pairs))):
                yield pair, name

    def _asked(self, pair: Pair, book: str, distance: str, draw: random.Random) -> Iterator[Probe]:
        (_, earlier, _), (_, later, _) = pair
        quotes = [draw.choice(quotes) for _, _, quotes in pair]
        draw.shuffle(quotes)  # the order of the question tells nothing
        question = f"Which came first, “{quotes[0]}” or “{quotes[1]}”?"
        middle = earlier.at + (later.at - earlier.at) / 2
        end, gold = START + timedelta(days=365), (earlier.id, later.id)
        tags = {"distance": distance, "book": book}
        yield Probe(question, gold, k=2, now=end, tags=tags | {"asked": "both"})
        yield Probe(question, gold, k=2, now=middle, which={"as_of": middle}, tags=tags | {"asked": "then"})


def _bin(distance: int, length: int) -> str:
    """The bin of so many words in an excerpt of so many; "" beyond the last."""
    for name, mark in zip(BINS, MARKS, strict=True):
        if distance <= (mark if mark > 1 else mark * length):
            return name
    return ""
