"""The arithmetic of one probe. `ranked` are ids, best first and each once; `gold` are the ids wanted."""

import math
import re
from collections.abc import Collection, Sequence

WORD = re.compile(r"\w+")


def recall(ranked: Sequence[str], gold: Collection[str], k: int) -> float:
    """The share of the gold that is among the first k."""
    _some(gold)
    return len(set(gold).intersection(ranked[:k])) / len(set(gold))


def all_found(ranked: Sequence[str], gold: Collection[str], k: int) -> float:
    """1 when all of the gold is among the first k, else 0."""
    _some(gold)
    return float(set(gold) <= set(ranked[:k]))


def reciprocal_rank(ranked: Sequence[str], gold: Collection[str]) -> float:
    """One over the place of the first gold, 0 when there is none."""
    _some(gold)
    return next((1 / place for place, id in enumerate(ranked, 1) if id in gold), 0.0)


def ndcg(ranked: Sequence[str], gold: Collection[str], k: int) -> float:
    """Normalised discounted cumulative gain of the first k, every gold worth the same."""
    _some(gold)
    gain = sum(1 / math.log2(place + 1) for place, id in enumerate(ranked[:k], 1) if id in gold)
    return gain / sum(1 / math.log2(place + 1) for place in range(1, min(k, len(set(gold))) + 1))


def says(texts: Sequence[str], answers: Collection[str], k: int) -> float:
    """1 when one of the answers stands, as whole words and whatever the case, in one of the first k texts, else 0."""
    return float(first_saying(texts[:k], answers) > 0)


def first_saying(texts: Sequence[str], answers: Collection[str]) -> int:
    """The place, from 1, of the first text that one of the answers stands in; 0 when there is none."""
    wanted = [f" {words} " for answer in answers if (words := _plain(answer))]
    return next((i for i, text in enumerate(texts, 1) if any(w in f" {_plain(text)} " for w in wanted)), 0)


def overlap(said: str, answers: Collection[str]) -> float:
    """Token F1 with the nearest of the answers: twice the shared words over all words of both."""
    return max((_f1(WORD.findall(said.lower()), WORD.findall(answer.lower())) for answer in answers), default=0.0)


def _f1(said: list[str], wanted: list[str]) -> float:
    shared = sum(min(said.count(word), wanted.count(word)) for word in set(said))
    return 2 * shared / (len(said) + len(wanted)) if shared else 0.0


def _plain(text: str) -> str:
    return " ".join(WORD.findall(text.lower()))


def _some(gold: Collection[str]) -> None:
    assert gold, "a probe without gold has no recall: leave the metric out"
