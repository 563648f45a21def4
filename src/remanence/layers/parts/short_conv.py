"""A causal convolution over the last few tokens, each channel for itself: what lets a token see the one before it.

Shapes: B batch, T tokens, D width, W tokens seen.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ShortConv(nn.Module):
    """y_t = Σ_i w_i x_{t-W+1+i}; tokens before the first are 0. No bias, so that padding of 0 is no token."""

    def __init__(self, width: int, size: int = 4) -> None:
        super().__init__()
        self.size = size
        self.weight = nn.Parameter(torch.empty(width, 1, size))
        nn.init.uniform_(self.weight, -(size**-0.5), size**-0.5)

    def init_state(self, batch: int) -> Tensor:
        """[B, W - 1, D]."""
        return self.weight.new_zeros(batch, self.size - 1, self.weight.shape[0])

    def forward(self, x: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, T, D] and the W - 1 tokens before it -> y [B, T, D] and the last W - 1 of all."""
        x = torch.cat([before, x], 1)
        image = x.mT[:, :, None]  # one high, channels last: so the convolution copies nothing
        y = F.conv2d(image, self.weight[:, :, None], groups=self.weight.shape[0])[:, :, 0].mT
        return y, x[:, x.shape[1] - self.size + 1 :]
