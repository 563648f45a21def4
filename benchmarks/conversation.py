"""Conversation-like events to time memories with: seeded, the same on every machine, any number of them.

Words are drawn by Zipf's law from the words of Python's own help texts, most frequent first, followed by made-up ones
for the long tail of names; a third of a sentence's words are of its session's topic. 12 to 28 words a sentence, 20
sentences a session, 100 users who take turns session by session, so that a filter on one user keeps 1 %.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pydoc_data.topics import topics

import numpy as np

WORDS, TOPICS, TOPIC_WORDS = 30_000, 500, 40
USERS, SESSION = 100, 20
SHORTEST, LONGEST = 12, 28
CHUNK = 1000
START = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Said:
    """One event, as plain values that any engine can take."""

    number: int
    text: str
    user: str
    session: str
    speaker: str
    at: datetime


@cache
def vocabulary() -> tuple[str, ...]:
    """Most frequent first."""
    counts = Counter(re.findall(r"[a-z]{2,}", " ".join(topics.values()).lower()))
    real = [word for word, _ in counts.most_common()]
    syllables = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
    rng = np.random.default_rng(0)
    made = dict.fromkeys("".join(syllables[i] for i in rng.integers(0, len(syllables), 4)) for _ in range(WORDS))
    return tuple(dict.fromkeys([*real, *made]))[:WORDS]


def conversation(n: int, seed: int = 0, first: int = 0) -> Iterator[Said]:
    """Events number `first` to n; the first thousand of a million are the thousand of a thousand."""
    for chunk in range(first // CHUNK, -(-n // CHUNK)):
        for said in _chunk(chunk, seed):
            if first <= said.number < n:
                yield said


def questions(n: int, count: int, seed: int = 0) -> list[Said]:
    """Eight consecutive words of `count` events among the first n, with what is known of those events."""
    rng = np.random.default_rng([seed, 2])
    asked = []
    for number in sorted(rng.integers(0, n, count).tolist()):
        (said,) = conversation(number + 1, seed, number)
        words = said.text.split()
        start = int(rng.integers(0, len(words) - 8))
        text = " ".join(words[start : start + 8])
        asked.append(Said(said.number, text, said.user, said.session, said.speaker, said.at))
    return [asked[i] for i in rng.permutation(count).tolist()]


def _chunk(chunk: int, seed: int) -> Iterator[Said]:
    words, weights = vocabulary(), _zipf()
    rng = np.random.default_rng([seed, 1, chunk])
    lengths = rng.integers(SHORTEST, LONGEST + 1, CHUNK)
    drawn = np.searchsorted(weights, rng.random(int(lengths.sum())))
    about = rng.random(len(drawn)) < 1 / 3
    offsets = np.minimum(rng.zipf(1.3, len(drawn)) - 1, TOPIC_WORDS - 1)
    end = 0
    for i, length in enumerate(lengths.tolist()):
        number, begin = chunk * CHUNK + i, end
        end = begin + length
        session = number // SESSION
        topic = session * 7919 % TOPICS
        chosen = [
            words[(200 + topic * TOPIC_WORDS + int(offsets[j])) % WORDS if about[j] else int(drawn[j])]
            for j in range(begin, end)
        ]
        yield Said(
            number,
            " ".join(chosen).capitalize() + ".",
            f"user-{session % USERS}",
            f"session-{session}",
            ("Ana", "Ben")[number % 2],
            START + timedelta(minutes=5 * number),
        )


@cache
def _zipf() -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    weights = 1 / np.arange(1, len(vocabulary()) + 1) ** 1.07
    return np.cumsum(weights) / weights.sum()
