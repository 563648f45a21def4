"""The sentences that say what the others say.

Source:  Mihalcea and Tarau 2004, TextRank; Erkan and Radev 2004 (arXiv 1109.2128), LexRank; Carbonell and Goldstein
         1998, maximal marginal relevance.
Idea:    sentences point to those they share words with, a random walk ranks them; taken one by one, each must be new
         against those taken; what they are about, and an earlier summary, pull the walk towards them.
Cost:    O(n^2) in the sentences, of which at most 800 enter: those nearest to the centroid.
Differs: cosine of word counts damped by how many sentences have the word; earlier sentences weigh a little more.
"""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from remanence.lm.rule.sentences import sentences, states
from remanence.lm.rule.words import content

MOST = 800  # sentences in the walk
DAMPING = 0.85
NOVELTY = 0.6  # how much likeness to what is taken costs


def summary(texts: Sequence[str], about: str, previous: str, words: int) -> str:
    """At most `words` words, whole sentences in the order they were given; a single one is cut if it must be."""
    if words < 1:
        return ""
    kept = [previous[a:b] for a, b in sentences(previous)]
    told = [text[a:b] for text in texts for a, b in sentences(text)]
    said = [s for s in told if states(s)] or told
    said = list(dict.fromkeys(" ".join(s.split()) for s in [*kept, *said]))
    if not said:
        return ""
    x = _vectors(said)
    if len(said) > MOST:
        near = np.sort(np.argsort(-(x @ x.sum(0)), kind="stable")[:MOST])
        said, x = [said[i] for i in near], x[near]
    alike = x @ x.T
    chosen = _chosen(said, alike, _ranks(alike, _pull(said, about, set(kept))), words)
    if not chosen:
        best = said[int(np.argmax(_ranks(alike, _pull(said, about, set(kept)))))]
        return cut(best, words)
    return " ".join(said[i] if said[i][-1:] in ".!?。！？" else said[i] + "." for i in sorted(chosen))


def cut(text: str, words: int) -> str:
    """The first sentences of the text that have at most `words` words; the beginning of the first if none fits."""
    kept = ""
    for _, end in sentences(text):
        if len(text[:end].split()) > words:
            break
        kept = text[:end]
    return kept or " ".join(text.split()[:words])


def _vectors(said: list[str]) -> NDArray[np.float64]:
    """Unit rows over the words that two sentences or more share; a row of zeros shares none."""
    bags = [Counter(content(s)) for s in said]
    spread = Counter(word for bag in bags for word in bag)
    shared = sorted(word for word, n in spread.items() if n > 1)[:20_000]
    column = {word: i for i, word in enumerate(shared)}
    x = np.zeros((len(said), len(shared)))
    for row, bag in zip(x, bags, strict=True):
        for word, n in bag.items():
            if word in column:
                row[column[word]] = n * math.log(1 + len(said) / spread[word])
    length = np.linalg.norm(x, axis=1, keepdims=True)
    np.divide(x, length, out=x, where=length > 0)
    return x


def _pull(said: list[str], about: str, kept: set[str]) -> NDArray[np.float64]:
    """Where the walk restarts: evenly, less later, more at what is asked about and what was kept before."""
    wanted = set(content(about))
    pull = np.array([1.0 + 0.3 / (1 + i) for i in range(len(said))])
    for i, sentence in enumerate(said):
        has = content(sentence)
        if wanted:
            pull[i] *= 1 + 4 * len(wanted & set(has)) / len(wanted)
        pull[i] *= (1.5 if sentence in kept else 1.0) * min(1.0, 0.2 + len(has) / 6)
    return np.asarray(pull / pull.sum())


def _ranks(alike: NDArray[np.float64], pull: NDArray[np.float64]) -> NDArray[np.float64]:
    out = alike - np.diag(np.diag(alike))
    total = out.sum(1, keepdims=True)
    out = np.divide(out, total, out=np.broadcast_to(pull, out.shape).copy(), where=total > 0)
    rank = pull
    for _ in range(30):
        rank = (1 - DAMPING) * pull + DAMPING * (rank @ out)
    return np.asarray(rank * pull / pull.max())


def _chosen(said: list[str], alike: NDArray[np.float64], rank: NDArray[np.float64], words: int) -> list[int]:
    room = words
    taken: list[int] = []
    left = list(range(len(said)))
    rank = rank / (rank.max() or 1.0)
    while left:
        worth = [rank[i] - NOVELTY * max((alike[i, j] for j in taken), default=0.0) for i in left]
        i = left.pop(int(np.argmax(worth)))
        length = len(said[i].split())
        if taken and max(alike[i, j] for j in taken) > 0.95:
            continue
        if length <= room:
            taken.append(i)
            room -= length
        if room < 3:
            break
    return taken
