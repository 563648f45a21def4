"""Keys and values of all tokens read, or of the last of them: the state of cells that attend.

Shapes: B batch, T tokens, D width, H heads, N tokens seen, K width of a head.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from remanence.layers.contract.cell import Form
from remanence.layers.contract.state import State
from remanence.layers.parts.qkv import QKV, Convs

S = TypeVar("S", bound=State)


@dataclass(frozen=True)
class Seen(State):
    """Grows with every token; `real` is False at padding and before a row began anew."""

    k: Tensor  # [B, H, N, K]
    v: Tensor  # [B, H, N, K]
    real: Tensor  # [B, N]
    convs: Convs


def unseen(qkv: QKV, head: int, batch: int) -> Seen:
    """Nothing yet, for heads so wide."""
    none = next(qkv.parameters()).new_zeros(batch, qkv.heads, 0, head)
    return Seen(none, none, torch.zeros(batch, 0, dtype=torch.bool, device=none.device), qkv.init_state(batch))


def anew(seen: Seen, rows: Tensor, qkv: QKV) -> Seen:
    """With these rows [B] as if they had seen nothing; what they saw is passed over."""
    fresh = replace(seen, convs=qkv.init_state(len(rows)))
    return replace(fresh.where(rows, seen), real=seen.real & ~rows[:, None])


def in_pieces(
    read: Callable[[Tensor, S, Tensor], tuple[Tensor, S]], x: Tensor, state: S, mask: Tensor | None, form: Form
) -> tuple[Tensor, S]:
    """x [B, T, D] read at once, or token by token where the form is recurrent. `read` is told which tokens are real."""
    real = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if mask is None else mask
    size = 1 if form == "recurrent" else x.shape[1]
    out = []
    for piece, new in zip(x.split(size, 1), real.split(size, 1), strict=True):
        y, state = read(piece, state, new)
        out.append(y)
    return torch.cat(out, 1), state
