"""What stands in a rotary module's place while a memory is attached: it turns nothing, and takes no time to.

Shapes: B batch, T tokens, D the width that is rotated.
"""

import torch
from torch import Tensor, nn


class StillRotary(nn.Module):
    """Answers cosines of 1 and sines of 0, as wide as those of the module it stands for, which is asked once."""

    def __init__(self, rotary: nn.Module) -> None:
        super().__init__()
        self.rotary = rotary
        self.known: dict[tuple[object, ...], tuple[Tensor, Tensor]] = {}

    def forward(self, x: Tensor, position_ids: Tensor, layer_type: str | None = None) -> tuple[Tensor, Tensor]:
        """[B, T, D] twice, for positions [B, T]; the layer's type counts in models that rotate by it."""
        key = (layer_type, x.dtype, x.device)
        if key not in self.known:
            kind = () if layer_type is None else (layer_type,)
            cos, sin = self.rotary.forward(x[:1, :1], position_ids[..., :1, :1], *kind)
            self.known[key] = torch.ones_like(cos), torch.zeros_like(sin)
        one, zero = self.known[key]
        if position_ids.shape == one.shape[:-1]:
            return one, zero
        return one.expand(*position_ids.shape, -1), zero.expand(*position_ids.shape, -1)
