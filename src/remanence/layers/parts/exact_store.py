"""A datastore that compares a query with everything it holds: what approximate indexes are measured against.

Idea:    the inner product with every key, the k greatest of them. Keys are gone through a block at a time and the best
         so far are kept, so that no score of all queries with all keys need be held at once.
Cost:    O(Q N D) time for Q queries and N entries; N (D + V) numbers, and Q times a block of scores.

Shapes: B rows, Q queries, N entries, D width of a key, V of a value.
"""

import torch
from torch import Tensor

from remanence.errors import BadConfig, BadInput
from remanence.layers.contract.datastore import Found

BLOCK = 4096  # entries


class ExactStore:
    """A `Datastore`. Of more than `size` entries a row, the oldest go."""

    def __init__(self, rows: int, width: int, value_width: int | None = None, size: int | None = None) -> None:
        if size is not None and size < 1:
            raise BadConfig(f"size must be at least 1 entry, got {size}")
        self.size = size
        self.keys, self.values = torch.zeros(rows, 0, width), torch.zeros(rows, 0, value_width or width)
        self.real = torch.zeros(rows, 0, dtype=torch.bool)

    @torch.no_grad()
    def add(self, keys: Tensor, values: Tensor) -> None:
        for held, new in ((self.keys, keys), (self.values, values)):
            if (len(new), new.shape[1], new.shape[2]) != (len(held), keys.shape[1], held.shape[2]):
                raise BadInput(f"expected [{len(held)}, {keys.shape[1]}, {held.shape[2]}], got {list(new.shape)}")
        start = -self.size if self.size else 0
        new = torch.ones(keys.shape[:2], dtype=torch.bool, device=keys.device)
        self.keys = torch.cat([self.keys.to(keys), keys], 1)[:, start:]
        self.values = torch.cat([self.values.to(values), values], 1)[:, start:]
        self.real = torch.cat([self.real.to(new), new], 1)[:, start:]

    @torch.no_grad()
    def search(self, queries: Tensor, k: int) -> Found:
        return nearest(queries, self.keys, self.values, self.real[:, None], k)

    def reset(self, rows: Tensor | None = None) -> None:
        """Where all rows are forgotten, their place is given back."""
        stay = torch.zeros_like(self.real[:, :1]) if rows is None else ~rows[:, None]
        self.real = self.real & stay
        first = self.real.shape[1] if not bool(self.real.any()) else int(self.real.any(0).int().argmax())
        self.keys, self.values, self.real = (x[:, first:] for x in (self.keys, self.values, self.real))

    def __len__(self) -> int:
        return int(self.real.sum(1).max()) if self.real.numel() else 0


def nearest(queries: Tensor, keys: Tensor, values: Tensor, looks: Tensor, k: int, block: int = BLOCK) -> Found:
    """queries [B, Q, D], keys [B, N, D], values [B, N, V]; only where `looks` [B, Q or 1, N] is True."""
    if k < 1:
        raise BadConfig(f"k must be at least 1, got {k}")
    shape = (*queries.shape[:2], k)
    best, at = queries.new_full(shape, float("-inf")), torch.zeros(shape, dtype=torch.long, device=queries.device)
    for start in range(0, keys.shape[1], block):
        scores = queries @ keys[:, start : start + block].mT
        scores = scores.masked_fill(~looks[..., start : start + block], float("-inf"))
        here = torch.arange(start, start + scores.shape[-1], device=at.device).expand_as(scores)
        best, chosen = torch.cat([best, scores], -1).topk(k, -1)
        at = torch.cat([at, here], -1).gather(-1, chosen)
    valid = best > float("-inf")
    if not keys.shape[1]:
        empty = queries.new_zeros(*shape, 1)
        return Found(empty.expand(*shape, keys.shape[2]), empty.expand(*shape, values.shape[2]), best, valid)
    row = torch.arange(len(keys), device=keys.device)[:, None, None]
    return Found(keys[row, at], values[row, at], best, valid)
