"""Runs of tokens of unequal length, other ones in each row: which of them fit, which lie beside them, their tokens.

Shapes: B batch, H key-value heads, E segments, R tokens chosen.
"""

import torch
from torch import Tensor


def fitting(order: Tensor, sizes: Tensor, room: Tensor) -> Tensor:
    """[B, H, E], True for the first in this order whose sizes stay within room [B] together; never for size 0."""
    size = sizes.expand_as(order).gather(2, order)
    fits = (size.cumsum(2) <= room[:, None, None]) & (size > 0)
    return torch.zeros_like(fits).scatter(2, order, fits)


def neighbours(chosen: Tensor, rank: Tensor, reach: int) -> tuple[Tensor, Tensor]:
    """Which of [B, H, E] lie up to `reach` beside a chosen one, and their order: best first, next then last."""
    none = rank.shape[2] * 2 * reach
    rank = torch.where(chosen, rank * 2 * reach, none)
    turn = torch.full_like(rank, none)
    for step in range(1, min(reach, rank.shape[2] - 1) + 1):
        turn[:, :, step:] = torch.minimum(turn[:, :, step:], rank[:, :, :-step] + 2 * step - 2)
        turn[:, :, :-step] = torch.minimum(turn[:, :, :-step], rank[:, :, step:] + 2 * step - 1)
    return (turn < none) & ~chosen, turn.argsort(2)


def tokens_in(starts: Tensor, sizes: Tensor) -> Tensor:
    """[B, H, R]: all tokens of segments [B, H, E] in their order, then -1."""
    ends = sizes.cumsum(2)
    place = torch.arange(int(ends[..., -1].max()), device=starts.device).expand(*starts.shape[:2], -1).contiguous()
    of = torch.searchsorted(ends, place, right=True).clamp(max=starts.shape[2] - 1)
    ids = (starts - ends + sizes).gather(2, of) + place
    return ids.masked_fill(place >= ends[..., -1:], -1)
