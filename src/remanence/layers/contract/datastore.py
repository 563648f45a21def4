"""What is searched and not learned: keys and values, by row of the batch."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Found:
    """The k nearest of each query, best first; where `valid` is False there were no more."""

    keys: Tensor  # [B, Q, k, D]
    values: Tensor  # [B, Q, k, V]
    scores: Tensor  # [B, Q, k], the greater the nearer
    valid: Tensor  # [B, Q, k]


class Datastore(Protocol):
    """Rows of the batch never see one another's."""

    def add(self, keys: Tensor, values: Tensor) -> None:
        """keys [B, N, D], values [B, N, V]."""

    def search(self, queries: Tensor, k: int) -> Found:
        """queries [B, Q, D]."""

    def reset(self, rows: Tensor | None = None) -> None:
        """Forget everything, or that of these rows [B] (True where)."""

    def __len__(self) -> int:
        """Of the fullest row."""
