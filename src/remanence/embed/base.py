"""The contract of an embedder: texts in, unit vectors out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Base(ABC):
    """`id` names the vector space: a store re-embeds what it holds when this changes. `dim` is a multiple of 8."""

    id: str
    dim: int

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> Vectors:
        """[n, dim] float32, rows of length 1; a text without a single known token gives a row of zeros."""
