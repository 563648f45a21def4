"""Words hashed to random directions and added up: the embedder of the tests.

Source:  Weinberger et al. 2009 (arXiv 0902.2206), the hashing trick with signs.
Idea:    a word's hash gives eight signed positions; a text is the sum over its words.
Cost:    O(words); no table, no model. Knows no meaning: texts are close when they share words.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from remanence.embed.base import Base, Vectors

WORD = re.compile(r"\w+")
POSITIONS = 8


@dataclass
class Hashing(Base):
    dim: int = 64

    def __post_init__(self) -> None:
        self.id = f"hashing-{self.dim}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(out, texts, strict=True):
            for word in WORD.findall(text.lower()):
                raw = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=2 * POSITIONS).digest()
                where = np.frombuffer(raw, dtype=np.uint16)
                np.add.at(row, where % self.dim, np.where(where & 0x8000, 1.0, -1.0))
        length = np.linalg.norm(out, axis=1, keepdims=True)
        np.divide(out, length, out=out, where=length > 0)
        return out
