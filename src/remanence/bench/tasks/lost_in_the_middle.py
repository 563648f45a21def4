"""One pair among many, one passage among many, told first, last or in the middle.

Source:  Liu et al. 2023, "Lost in the Middle: How Language Models Use Long Contexts" (arXiv 2307.03172).
Idea:    a model reads worse what stands in the middle of its context. A memory has no middle: what it recalls should
         not depend on when it was told, and `position` shows whether that is so.
Data:    kv-retrieval-75_keys.jsonl.gz, kv-retrieval-140_keys.jsonl.gz and nq-open-oracle.jsonl.gz of
         nelson-liu/lost-in-the-middle, MIT.
Differs: of the documents, only the 2,655 gold ones, and all of them in one memory: one of 2,655 instead of one of 10,
         20 or 30; answers are looked for in what is recalled, and no language model reads it.

Of the pairs, a world is a sample and an event a pair as a line of JSON; the gold is moved to the first, a quarter, the
middle, three quarters and the last place, a sample each in turn. Of the documents there is one world, told in the order
of the file, and the questions asked are evenly spread over it; `position` is the nearest of the same five.

    recall@1, recall@5  1 when the pair or the passage is among the first 1 or 5 distinct events cited
    value@1             of pairs: the value, all of it, stands in the first text recalled
    answer@5            of documents: one of the answers stands in the first five texts recalled
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from remanence.bench.base import Found, Observe, Probe, Score, Step, World
from remanence.bench.data import find
from remanence.bench.metrics import recall, says
from remanence.bench.tasks.base import Base
from remanence.errors import BadConfig
from remanence.records import Event

SOURCE = "https://github.com/nelson-liu/lost-in-the-middle"
FILES = {
    "kv75": ("kv-retrieval-75_keys.jsonl.gz", "eb6d61fc3473349f2b86df76757c6ab659cc929d907d24caf1c69928e03f6203"),
    "kv140": ("kv-retrieval-140_keys.jsonl.gz", "66d54aae7e38779da482895ccd538faaf5309f144e54f30dc530a95091581fa1"),
    "documents": ("nq-open-oracle.jsonl.gz", "6a7f72b846f663a133ef952244e5a4e43f06bcf190afe34e8fbe687ce0d1653e"),
}
POSITIONS = ("1 first", "2 quarter", "3 middle", "4 three quarters", "5 last")
DEPTHS = (1, 5)
START = datetime(2023, 7, 6, tzinfo=UTC)
BATCH = 1000


@dataclass
class LostInTheMiddle(Base):
    """`sets` names kv75, kv140 and documents, with commas between."""

    metrics: ClassVar[Mapping[str, str]] = {
        **{f"recall@{k}": f"1 when the pair or passage is among the first {k}" for k in DEPTHS},
        "value@1": "of pairs, 1 when the first text holds the value",
        "answer@5": "of documents, 1 when one of the first 5 texts holds an answer",
    }
    forms: ClassVar[tuple[str, ...]] = ("text", "embed")

    sets: str = "kv75,kv140,documents"
    samples: int = 50  # of pairs, of each set; there are 500
    questions: int = 500  # of documents; there are 2655
    checked: bool = True  # False takes any file of these names, and then it is not this benchmark

    def __post_init__(self) -> None:
        if unknown := [name for name in self.sets.split(",") if name not in FILES]:
            raise BadConfig(f"sets are {', '.join(FILES)} with commas between, got {', '.join(unknown)!r}")
        if self.samples < 1 or self.questions < 1:
            raise BadConfig(f"samples and questions must be at least 1, got {self.samples} and {self.questions}")

    def worlds(self, seed: int) -> Iterator[World]:
        for name in self.sets.split(","):
            file, sha256 = FILES[name]
            path = find(self.data, file, sha256 if self.checked else "", SOURCE)
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                rows = [json.loads(line) for line in lines]
            if name == "documents":
                yield self._documents(rows)
            else:
                for i, row in enumerate(rows[: self.samples]):
                    yield _pairs(row, name, i)

    def grade(self, world: World, probe: Probe, found: Found) -> dict[str, Score]:
        scores = {f"recall@{k}": Score(recall(found.ranked, probe.gold, k)) for k in DEPTHS}
        metric, k = ("answer@5", 5) if probe.tags["set"] == "documents" else ("value@1", 1)
        return scores | {metric: Score(says(found.texts, probe.answers, k))}

    def _documents(self, rows: list[dict[str, Any]]) -> World:
        texts = dict.fromkeys(_passage(row) for row in rows)  # some passages answer several questions
        events = {text: _told(text, place) for place, text in enumerate(texts)}
        told = list(events.values())
        steps: list[Step] = [Observe(told[i : i + BATCH]) for i in range(0, len(told), BATCH)]
        place_of = {event.id: place for place, event in enumerate(told)}
        asked = min(self.questions, len(rows))
        for row in (rows[i * len(rows) // asked] for i in range(asked)):
            gold = events[_passage(row)].id
            tags = {"set": "documents", "position": position(place_of[gold], len(told))}
            answers = tuple(map(str, row["answers"]))
            steps.append(Probe(row["question"], (gold,), answers, k=5, now=START + timedelta(days=1), tags=tags))
        return World("documents", steps)


def position(place: int, of: int) -> str:
    """The nearest of the five positions; place counts from 0."""
    return POSITIONS[(8 * place + of - 1) // (2 * (of - 1)) if of > 1 else 0]


def _pairs(row: dict[str, Any], name: str, number: int) -> World:
    """The sample with its gold moved to the position whose turn it is."""
    key, value = row["key"], row["value"]
    others = [(k, v) for k, v in row["ordered_kv_records"] if k != key]
    which = number % len(POSITIONS)
    others.insert(which * len(others) // (len(POSITIONS) - 1), (key, value))
    events = [_told(f"{json.dumps(k)}: {json.dumps(v)}", place) for place, (k, v) in enumerate(others)]
    gold = next(event.id for event, pair in zip(events, others, strict=True) if pair[0] == key)
    tags = {"set": name, "position": POSITIONS[which]}
    probe = Probe(f"What is the value of {json.dumps(key)}?", (gold,), (value,), k=5, now=START + timedelta(days=1),
                  tags=tags)  # fmt: skip
    return World(f"{name} {number}", [Observe(events), probe])


def _passage(row: dict[str, Any]) -> str:
    (document,) = row["ctxs"]
    return f"{document['title']}\n{document['text']}"


def _told(text: str, place: int) -> Event:
    return Event(text, START + timedelta(seconds=place))
