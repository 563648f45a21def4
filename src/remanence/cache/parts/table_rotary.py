"""What stands in a rotary module's place while keys are held rotated: its own cosines and sines, computed once each.

Tokens stand where they come in the text, whatever positions the model is given, as when it is we who rotate.

Shapes: B batch, T tokens, N tokens of the table, D the width that is rotated.
"""

import torch
from torch import Tensor, nn

from remanence.cache.parts.rope import TABLE, table_size


class TableRotary(nn.Module):
    """`start` is where the next tokens stand. From TABLE on, the module it stands for is asked every time."""

    def __init__(self, rotary: nn.Module) -> None:
        super().__init__()
        self.rotary, self.start = rotary, 0
        self.tables: dict[tuple[object, ...], tuple[Tensor, Tensor]] = {}  # [1, N, D] twice

    def forward(self, x: Tensor, position_ids: Tensor, layer_type: str | None = None) -> tuple[Tensor, Tensor]:
        """[B, T, D] twice, for positions [B, T]; the layer's type counts in models that rotate by it."""
        kind = () if layer_type is None else (layer_type,)
        b, t = position_ids.shape[-2:]
        start, end = self.start, self.start + t
        if end <= TABLE:
            cos, sin = (table[:, start:end] for table in self._table(x, end, kind))
        else:
            cos, sin = self._fresh(x, start, end, kind)
        return (cos, sin) if b == 1 else (cos.expand(b, -1, -1), sin.expand(b, -1, -1))

    def _table(self, x: Tensor, end: int, kind: tuple[str, ...]) -> tuple[Tensor, Tensor]:
        key = (x.dtype, x.device, *kind)
        known = self.tables.get(key)
        if known is None or known[0].shape[1] < end:
            known = self.tables[key] = self._fresh(x, 0, table_size(end), kind)
        return known

    def _fresh(self, x: Tensor, start: int, end: int, kind: tuple[str, ...]) -> tuple[Tensor, Tensor]:
        cos, sin = self.rotary.forward(x[:1, :1], torch.arange(start, end, device=x.device)[None], *kind)
        return cos, sin
