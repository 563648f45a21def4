"""Positions as turns: pairs of channels rotated by an angle that grows with the position, each at its own speed.

Source:  "RoFormer: Enhanced Transformer with Rotary Position Embedding", Su et al. 2021 (arXiv 2104.09864).
Idea:    q_m·k_n then depends on m - n alone, so positions may be counted from anywhere.
"""

import torch
from torch import Tensor

BASE = 10_000.0  # the paper's


def rotary(x: Tensor, start: int = 0) -> Tensor:
    """x [B, H, T, D] at positions start, start + 1, ...; D even. Channel i is paired with i + D / 2."""
    half = x.shape[-1] // 2
    speed = BASE ** (-torch.arange(half, device=x.device, dtype=x.dtype) / half)
    angle = torch.arange(start, start + x.shape[2], device=x.device, dtype=x.dtype)[:, None] * speed
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()], -1)
