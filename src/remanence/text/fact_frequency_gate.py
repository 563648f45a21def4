"""Looks into memory only for what the model will not know by itself: facts that are rarely written down.

Source:  "Retrieval Helps or Hurts? A Deeper Dive into the Efficacy of Retrieval Augmentation to Language Models",
         Maekawa, Iso, Gurajada, Bhutani 2024 (arXiv 2402.13492).
Idea:    a model recalls a fact in the measure in which its subject and relation occur together in the world's text;
         below that, retrieval helps, above it, retrieval can only hurt. So a question about a frequent pair gets no
         memories, and the model answers from what it learned.
Cost:    that of the method it wraps, or nothing; one call to the model to see what the question asks.
Differs: the frequencies are a table the user gives (`frequency_table` counts one from texts), Wikipedia's in the paper;
         without one every question is looked up. The threshold is the user's: the paper fits it to a model.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from remanence.errors import BadConfig
from remanence.lm.base import Base as LM
from remanence.records import Event, Hit, Op, Query
from remanence.registry import build
from remanence.store.base import Base as Store
from remanence.text.base import Base
from remanence.text.parts.phrases import phrase

Pair = tuple[str, str]  # subject as parts.phrases compares it, relation as the model names it


@dataclass
class FactFrequencyGate(Base):
    """Wraps a method that derives turns, by name. `table` is a file that `save_table` wrote."""

    derives: ClassVar[str] = "turns"

    lm: LM
    method: str = "hybrid"
    table: str = ""
    threshold: int = 100  # a pair seen so often or more is left to the model

    def __post_init__(self) -> None:
        self.inner: Base = build("text", self.method, {"lm": self.lm})
        self.counts = load_table(Path(self.table)) if self.table else Counter[Pair]()

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        return self.inner.write(events, store)

    def read(self, query: Query, store: Store) -> list[Hit]:
        return [] if self.frequency(query.text) >= self.threshold else self.inner.read(query, store)

    def frequency(self, question: str) -> int:
        """How often the table has the rarest pair the question asks of; 0 when it asks of none that can be seen."""
        if not self.counts:
            return 0
        pairs = [(phrase(t.subject), t.relation) for t in self.lm.triples(question) if t.subject and t.relation]
        return min((self.counts[pair] for pair in pairs), default=0)


def frequency_table(lm: LM, texts: Iterable[str]) -> Counter[Pair]:
    """How often each subject and relation stand together in some texts."""
    return Counter((phrase(t.subject), t.relation) for text in texts for t in lm.triples(text))


def save_table(counts: Counter[Pair], path: Path) -> None:
    path.write_text("".join(json.dumps([*pair, n]) + "\n" for pair, n in counts.most_common()), encoding="utf-8")


def load_table(path: Path) -> Counter[Pair]:
    """One JSON list a line: subject, relation, count."""
    counts: Counter[Pair] = Counter()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadConfig(f"no frequency table at {path}: {error}") from None
    for number, line in enumerate(lines, 1):
        try:
            subject, relation, n = json.loads(line)
            counts[phrase(subject), relation] += int(n)
        except (ValueError, TypeError, AttributeError):
            raise BadConfig(f"{path}, line {number}: expected [subject, relation, count], got {line[:60]!r}") from None
    return counts
