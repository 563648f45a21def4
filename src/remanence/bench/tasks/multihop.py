"""Questions that need two to four passages at once: what associative memories are for.

Source:  Trivedi et al. 2022, MuSiQue (arXiv 2108.00573); Yang et al. 2018, HotpotQA (arXiv 1809.09600); Ho et al. 2020,
         2WikiMultihopQA (arXiv 2011.01060).
Idea:    all passages of a set's questions are pooled into one memory; each question knows its supporting passages.
Data:    200 questions of each set as MIGRES distributes them (musique.json, hotpot.json, wikihop.json).
Differs: answers are not graded, only support. 36 of the 2Wiki rows have no passages and are left out.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from remanence.bench.base import Advance, Found, Observe, Probe, Score, Step, World
from remanence.bench.data import find
from remanence.bench.metrics import all_found, recall
from remanence.bench.tasks.base import Base
from remanence.records import Event

FILES = {
    "musique": ("musique.json", "bbc98ab676941cf3a481cb3361cfab334cd2a24c74ed42473e4d5c14cf7577d4"),
    "hotpot": ("hotpot.json", "62f71ce08a74d35dd2de1713f57d15f68bbb499168a7d640f956332b7b19215e"),
    "2wiki": ("wikihop.json", "65dc34d5b9f275457b2c6524443916730f0d6a3a59281d828b38028d0fbf0e3b"),
}
SOURCE = "https://github.com/AdelWang/MIGRES"
DEPTHS = (2, 5, 10)
AT = datetime(2020, 1, 1, tzinfo=UTC)
Passage = tuple[str, str]  # title, text


@dataclass
class MultiHop(Base):
    """One world a set. `sets` names them, with commas between."""

    metrics: ClassVar[Mapping[str, str]] = {
        **{f"recall@{k}": f"share of the supporting passages among the first {k}" for k in DEPTHS},
        "all@5": "1 when every supporting passage is among the first 5",
    }

    sets: str = "musique,hotpot,2wiki"

    def worlds(self, seed: int) -> Iterator[World]:
        for name in self.sets.split(","):
            yield self._world(name)

    def grade(self, world: World, probe: Probe, found: Found) -> dict[str, Score]:
        ranked = found.ranked
        return {
            **{f"recall@{k}": Score(recall(ranked, probe.gold, k)) for k in DEPTHS},
            "all@5": Score(all_found(ranked, probe.gold, 5)),
        }

    def _world(self, name: str) -> World:
        file, sha256 = FILES[name]
        rows = [json.loads(line) for line in find(self.data, file, sha256, SOURCE).read_text("utf-8").splitlines()]
        events: dict[Passage, Event] = {}
        probes: list[Step] = []
        for row in rows:
            passages, support = _read(row)
            for passage in passages:
                if passage not in events:
                    text = f"{passage[0]}\n{passage[1]}"
                    events[passage] = Event(text, AT + timedelta(seconds=len(events)), session=passage[0])
            gold = tuple(dict.fromkeys(events[passage].id for passage in support))
            if gold:
                tags = {"set": name, "hops": str(len(gold))}
                probes.append(Probe(row["question"], gold, (str(row["answer"]),), k=max(DEPTHS), tags=tags))
        end = AT + timedelta(days=1)
        return World(name, [Observe(list(events.values())), Advance(end), *probes])


def _read(row: dict[str, Any]) -> tuple[list[Passage], list[Passage]]:
    """All passages of a question, and those that support its answer."""
    if "paragraphs" in row:
        passages = [(p["title"], p["paragraph_text"]) for p in row["paragraphs"]]
        return passages, [passages[i] for i, p in enumerate(row["paragraphs"]) if p["is_supporting"]]
    passages = [
        (title, "".join(sentences)) for title, sentences in row.get("context", ()) if "".join(sentences).strip()
    ]
    titles = {title for title, _ in row["supporting_facts"]}
    return passages, [passage for passage in passages if passage[0] in titles]
