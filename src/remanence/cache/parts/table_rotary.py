"""What stands in a rotary module's place while keys are held rotated: its own cosines and sines, computed once each.

Shapes: B batch, T tokens, N tokens of the table, D the width that is rotated.
"""

import torch
from torch import Tensor, nn

from remanence.cache.parts.rope import TABLE


class TableRotary(nn.Module):
    """The module it stands for is asked for what is not in the table: places from TABLE on, and those of a GPU, which
    would have to be waited for."""

    def __init__(self, rotary: nn.Module) -> None:
        super().__init__()
        self.rotary = rotary
        self.tables: dict[tuple[object, ...], tuple[Tensor, Tensor]] = {}  # [1, N, D] twice

    def forward(self, x: Tensor, position_ids: Tensor, layer_type: str | None = None) -> tuple[Tensor, Tensor]:
        """[B, T, D] twice, for positions [B, T]; the layer's type counts in models that rotate by it."""
        kind = () if layer_type is None else (layer_type,)
        if x.device.type != "cpu" or position_ids.dim() != 2 or not position_ids.numel():
            cos, sin = self.rotary.forward(x, position_ids, *kind)
            return cos, sin
        last = int(position_ids.max()) if position_ids.numel() > 1 else int(position_ids)
        if last >= TABLE:
            cos, sin = self.rotary.forward(x, position_ids, *kind)
            return cos, sin
        cos, sin = self._table(x, last, kind)
        if position_ids.numel() == 1:
            return cos[:, last : last + 1], sin[:, last : last + 1]
        return cos[0, position_ids], sin[0, position_ids]

    def _table(self, x: Tensor, last: int, kind: tuple[str, ...]) -> tuple[Tensor, Tensor]:
        key = (x.dtype, *kind)
        known = self.tables.get(key)
        if known is None or known[0].shape[1] <= last:
            size = min(TABLE, max(2048, 1 << last.bit_length()))
            cos, sin = self.rotary.forward(x[:1, :1], torch.arange(size, device=x.device)[None], *kind)
            known = self.tables[key] = cos, sin
        return known
