"""Abstracts that support or refute a scientific claim: how well meaning is matched, with no time and nobody speaking.

Source:  Wadden et al. 2020, "Fact or Fiction: Verifying Scientific Claims" (arXiv 2004.14974).
Idea:    the 300 claims of the validation part with the abstracts they cite, as BEIR uses them (arXiv 2104.08663).
Data:    scifact of allenai, CC BY-NC 2.0: corpus_train.csv and claims_validation.csv.
Differs: a document is its title and its abstract joined by a full stop; a cited document outside the corpus is dropped.
"""

import ast
import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import ClassVar

from remanence.bench.base import Found, Observe, Probe, Score, Step, World
from remanence.bench.data import find
from remanence.bench.metrics import ndcg, recall, reciprocal_rank
from remanence.bench.tasks.base import Base
from remanence.records import Event

CORPUS = "f4a79c38ef6abf2ebb23612d155e77b4add75cc94f218e9a5d70a454fe3190b4"
CLAIMS = "801dbb1bc00b65ce768f8f78ca207c8fd5ff5ef87aaf7c1330f883eb395e8d76"
SOURCE = "https://huggingface.co/datasets/allenai/scifact"
STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
DEPTHS = (1, 10, 50)
AT = datetime(2020, 1, 1, tzinfo=UTC)
BATCH = 1000


@dataclass
class SciFact(Base):
    """One world: the whole corpus, then every claim."""

    metrics: ClassVar[Mapping[str, str]] = {
        "ndcg@10": "normalised discounted cumulative gain of the first 10 documents",
        **{f"recall@{k}": f"share of the cited documents among the first {k}" for k in DEPTHS},
        "mrr": "one over the place of the first cited document",
    }
    forms: ClassVar[tuple[str, ...]] = ("text", "embed")

    def worlds(self, seed: int) -> Iterator[World]:
        documents = self._documents
        events = list(documents.values())
        steps: list[Step] = [Observe(events[i : i + BATCH]) for i in range(0, len(events), BATCH)]
        for claim, cited in self._claims:
            gold = tuple(documents[id].id for id in dict.fromkeys(cited) if id in documents)
            steps.append(Probe(claim, gold, k=max(DEPTHS), now=AT + timedelta(days=1)))
        yield World("scifact", steps)

    def grade(self, world: World, probe: Probe, found: Found) -> dict[str, Score]:
        ranked = found.ranked
        return {
            "ndcg@10": Score(ndcg(ranked, probe.gold, 10)),
            **{f"recall@{k}": Score(recall(ranked, probe.gold, k)) for k in DEPTHS},
            "mrr": Score(reciprocal_rank(ranked, probe.gold)),
        }

    def size(self) -> int:
        return len(self._claims)

    @cached_property
    def _documents(self) -> dict[str, Event]:
        rows = _rows(self.data, "corpus_train.csv", CORPUS)
        texts = {row["doc_id"]: f"{row['title'].rstrip('.')}. {' '.join(sentences(row['abstract']))}" for row in rows}
        return {id: Event(text, AT, session=id, channel="import") for id, text in texts.items()}

    @cached_property
    def _claims(self) -> list[tuple[str, list[str]]]:
        rows = {row["id"]: row for row in _rows(self.data, "claims_validation.csv", CLAIMS)}  # one a piece of evidence
        return [(row["claim"], re.findall(r"\d+", row["cited_doc_ids"])) for row in rows.values()]


def sentences(array: str) -> list[str]:
    """The strings of a numpy array as numpy prints it: quoted one way or the other, one after the other."""
    return [str(ast.literal_eval(literal.replace("\n", "\\n"))).strip() for literal in STRING.findall(array)]


def _rows(folder: str, name: str, sha256: str) -> Iterator[dict[str, str]]:
    csv.field_size_limit(10_000_000)
    with find(folder, name, sha256, SOURCE).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
