"""A world of keys and values lost in noise, for models small enough to train in a test.

A context begins with BOS; its pairs, a key and then its value, stand at random places between noise tokens that mean
nothing. No key stands twice, so a question, a key said again after the context, has one right answer: the value that
followed it. `scripts/train_recall.py` makes the model; how far it can still answer is what the tests of `cache` ask.

Source:  "Zoology: Measuring and Improving Recall in Efficient Language Models", Arora et al. 2023 (arXiv 2312.04927),
         whose associative recall has no noise; the noise makes it a search for needles.

Shapes: B rows, T tokens, P pairs, Q questions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int64]

BOS = 0
KEYS = range(1, 33)
VALUES = range(33, 65)
NOISE = range(65, 97)
VOCABULARY = 97  # tokens
UNGRADED = -100  # the target of a token that nothing foretells; what cross entropy in PyTorch leaves out


@dataclass(frozen=True, slots=True)
class Contexts:
    """Rows to read, and what they hold, in order of place."""

    tokens: Tokens  # [B, T]
    keys: Tokens  # [B, P]
    values: Tokens  # [B, P]

    def asked(self, pair: int) -> tuple[Tokens, Tokens]:
        """Each row with the key of its pair number `pair` said again [B, T + 1], and the right answers [B]."""
        return np.hstack([self.tokens, self.keys[:, pair : pair + 1]]), self.values[:, pair]


def contexts(rng: np.random.Generator, rows: int, length: int, pairs: int) -> Contexts:
    """Contexts of `length` tokens, BOS among them, with `pairs` pairs each."""
    if not 0 < pairs <= min(len(KEYS), (length - 1) // 2):
        raise ValueError(f"pairs must be in [1, {min(len(KEYS), (length - 1) // 2)}] in {length} tokens, got {pairs}")
    tokens = rng.integers(NOISE.start, NOISE.stop, (rows, length))
    tokens[:, 0] = BOS
    keys = distinct(rng, rows, len(KEYS), pairs) + KEYS.start
    values = rng.integers(VALUES.start, VALUES.stop, (rows, pairs))
    # Places of single tokens among what is left when each pair counts as one: pairs never overlap, at any distance.
    places = np.sort(distinct(rng, rows, length - 1 - pairs, pairs)) + np.arange(pairs) + 1
    np.put_along_axis(tokens, places, keys, 1)
    np.put_along_axis(tokens, places + 1, values, 1)
    return Contexts(tokens, keys, values)


def lessons(rng: np.random.Generator, rows: int, length: int, pairs: int) -> tuple[Tokens, Tokens]:
    """Contexts followed by every key and its value in random order [B, length], and the target of each token."""
    world = contexts(rng, rows, length - 2 * pairs, pairs)
    order = distinct(rng, rows, pairs, pairs)
    answers = np.stack([np.take_along_axis(side, order, 1) for side in (world.keys, world.values)], 2)  # [B, P, 2]
    tokens = np.hstack([world.tokens, answers.reshape(rows, -1)])
    targets = np.full_like(tokens, UNGRADED)
    targets[:, length - 2 * pairs :: 2] = answers[:, :, 1]
    return tokens, targets


def cycles(rng: np.random.Generator, rows: int, length: int, period: int) -> tuple[Tokens, Tokens]:
    """BOS and then `period` different tokens over and over [B, length]; after the first round each is foretold."""
    once = distinct(rng, rows, VOCABULARY - 1, period) + 1
    tokens = np.hstack([np.full((rows, 1), BOS), once[:, np.arange(length - 1) % period]])
    targets = np.full_like(tokens, UNGRADED)
    targets[:, period + 1 : -1] = tokens[:, period + 2 :]
    return tokens, targets


def distinct(rng: np.random.Generator, rows: int, of: int, count: int) -> Tokens:
    """In each row `count` different numbers below `of`, in random order [B, count]."""
    return rng.random((rows, of)).argsort(1)[:, :count]
