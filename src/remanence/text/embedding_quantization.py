"""Dense retrieval over vectors kept in fewer bits and fewer dimensions.

Source:  "Optimization of embeddings storage for RAG systems using quantization and dimensionality reduction
         techniques", Huerga-Pérez et al. 2025 (arXiv 2505.00105).
Idea:    most bits of an embedding decide nothing: float8 keeps a quarter of float32 at almost no loss, and principal
         components halve it again; what is left over by a coarse code is settled by rescoring a shortlist.
Cost:    write one embedding; read O(turns * dimensions kept), all codes in memory: `bytes_per_vector` each.
Differs: the codes stand beside the store's own vectors (which rescore); the paper keeps only the codes. Components are
         fitted on the first `fit` vectors, as texts come, and anew when the store is opened.

    float8: sign, 4 exponent bits, 3 mantissa bits (e4m3), nearest; int8: 255 steps between the extremes of a vector
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from remanence.errors import BadConfig, one_of
from remanence.records import Event, Filter, Hit, Op, Query
from remanence.store.base import Base as Store
from remanence.store.base import Ranked, Rows
from remanence.text.base import Base
from remanence.text.parts.asked import vector_of
from remanence.text.parts.kinds import only_turns
from remanence.text.parts.ranked import hits
from remanence.text.parts.segment import turns

Floats = NDArray[np.float32]
Codes = NDArray[Any]  # uint8, int8 or floats, by the kind of code
BITS = {"float32": 32, "float16": 16, "float8": 8, "int8": 8, "binary": 1}
EIGHTHS = np.arange(8) / 8
POSITIVE = np.concatenate([EIGHTHS[1:] * 2.0**-6, *((1 + EIGHTHS) * 2.0 ** (e - 7) for e in range(1, 16))])[:-1]
E4M3 = np.concatenate([-POSITIVE[::-1], [0.0], POSITIVE]).astype(np.float32)  # the code left out is no number


def code(vectors: Floats, kind: str) -> Codes:
    """[n, dim] as this kind keeps it; `decode` gives the nearest floats back."""
    if kind == "float8":
        scaled = vectors * 256  # unit vectors hold small numbers: move them to where e4m3 is finest
        right = np.clip(np.searchsorted(E4M3, scaled), 1, len(E4M3) - 1)
        nearest: Codes = np.where(scaled - E4M3[right - 1] <= E4M3[right] - scaled, right - 1, right)
        return nearest.astype(np.uint8)
    if kind == "int8":
        widest = np.abs(vectors).max(axis=1, keepdims=True)
        steps: Codes = np.rint(vectors * np.divide(127, widest, out=np.zeros_like(widest), where=widest > 0))
        return steps.astype(np.int8)
    codes: Codes = np.packbits(vectors > 0, axis=1) if kind == "binary" else vectors.astype(kind)
    return codes


def decode(codes: NDArray[Any], kind: str, dim: int) -> Floats:
    """Floats that rank as the codes do, not always at the length they had."""
    if kind == "float8":
        floats: Floats = E4M3[codes] / 256
        return floats
    if kind == "binary":
        return np.unpackbits(codes, axis=1, count=dim).astype(np.float32) * 2 - 1
    return codes.astype(np.float32)


@dataclass
class EmbeddingQuantization(Base):
    derives: ClassVar[str] = "turns"

    code: str = "float8"  # paper's choice
    kept: float = 1.0  # share of the dimensions, by principal components; below 1 they are fitted
    rescore: int = 0  # of the best by code so many are ranked by their full vectors
    fit: int = 20_000

    _epoch: str = field(default="-", init=False, repr=False, compare=False)
    _rows: Rows = field(default_factory=lambda: np.empty(0, dtype=np.int64), init=False, repr=False, compare=False)
    _codes: Codes = field(default_factory=lambda: np.empty((0, 0)), init=False, repr=False, compare=False)
    _basis: Floats = field(default_factory=lambda: np.eye(0, dtype=np.float32), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.code not in BITS:
            raise BadConfig(one_of("code", self.code, BITS))
        if not 0 < self.kept <= 1:
            raise BadConfig(f"kept must be in (0, 1], got {self.kept}")

    def bytes_per_vector(self, dim: int) -> float:
        """What one vector of `dim` numbers takes; int8 keeps its scale too, when it must be given back at length."""
        return max(1, round(dim * self.kept)) * BITS[self.code] / 8

    def write(self, events: Sequence[Event], store: Store) -> list[Op]:
        return turns(events)

    def read(self, query: Query, store: Store) -> list[Hit]:
        self._catch_up(store)
        if not len(self._rows):
            return []
        vector = vector_of(query, store)
        allowed = np.flatnonzero(store.allowed(self._rows, only_turns(query.filter, store)))
        codes = self._codes[allowed]
        floats = decode(codes, self.code, self._basis.shape[1])
        length = np.linalg.norm(floats, axis=1)
        scores = np.divide(floats @ (vector @ self._basis), length, out=np.zeros_like(length), where=length > 0)
        best = np.argsort(-scores, kind="stable")[: max(query.k, self.rescore)]
        rows, scores = self._rows[allowed[best]], scores[best]
        if self.rescore:
            scores = store.vectors(rows) @ vector
            best = np.argsort(-scores, kind="stable")
            rows, scores = rows[best], scores[best]
        return hits(Ranked(rows[: query.k], scores[: query.k].astype(np.float32)), store, self.code)

    def _catch_up(self, store: Store) -> None:
        """Code the vectors that came since the last look; from the start when the store changed under us."""
        if store.epoch != self._epoch:
            self._epoch, self._rows = store.epoch, np.empty(0, dtype=np.int64)
            self._basis = np.eye(store.embedder.dim, dtype=np.float32)
        last = int(self._rows[-1]) if len(self._rows) else 0
        fresh = [record.id for record in store.records(Filter(kinds=("turn",)), made_since=last)]
        if not fresh:
            return
        rows = store.rows_of(fresh)
        vectors = store.vectors(rows)
        if not last:
            self._basis = principal(vectors[: self.fit], max(1, round(vectors.shape[1] * self.kept)))
        codes = code(vectors @ self._basis, self.code)
        self._codes = np.concatenate([self._codes, codes]) if last else codes
        self._rows = np.concatenate([self._rows, rows])


def principal(vectors: Floats, n: int) -> Floats:
    """[dim, n]: the n directions that hold most of the vectors' squared length; all of them changes nothing."""
    if n >= vectors.shape[1]:
        return np.eye(vectors.shape[1], dtype=np.float32)
    values, directions = np.linalg.eigh(vectors.T @ vectors)
    basis: Floats = directions[:, np.argsort(-values)[:n]].astype(np.float32)
    return basis
