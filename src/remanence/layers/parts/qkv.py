"""Queries, keys and values of a token mixer: projected, seen through a short convolution, cut into heads.

Shapes: B batch, T tokens, D width, H heads, K key width, V value width.
"""

from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.parts.short_conv import ShortConv

Convs = tuple[Tensor, Tensor, Tensor]


class QKV(nn.Module):
    """`key_width` and `value_width` are those of one head. With conv=0 every token stands for itself.

    Each head has keys and values for as many `stores` as asked, one store after the other: k, v [B, stores H, T, ...].
    """

    def __init__(
        self, width: int, heads: int, key_width: int, value_width: int, conv: int = 4, stores: int = 1
    ) -> None:
        super().__init__()
        if heads < 1 or conv < 0:
            raise BadConfig(f"heads must be at least 1 and conv at least 0, got {heads} and {conv}")
        self.heads, self.stores, self.head_widths = heads, stores, (key_width, key_width, value_width)
        widths = (heads * key_width, stores * heads * key_width, stores * heads * value_width)
        self.project = nn.ModuleList(nn.Linear(width, out, bias=False) for out in widths)
        self.conv = nn.ModuleList(ShortConv(out, conv) for out in widths if conv)

    @property
    def convs(self) -> list[ShortConv]:
        return [conv for conv in self.conv if isinstance(conv, ShortConv)]

    def init_state(self, batch: int) -> Convs:
        """What the convolutions saw last, each [B, W - 1, ·]; empty without them."""
        none = next(self.parameters()).new_zeros(batch, 0)
        q, k, v = [conv.init_state(batch) for conv in self.convs] or [none] * 3
        return q, k, v

    def forward(self, x: Tensor, before: Convs) -> tuple[Tensor, Tensor, Tensor, Convs]:
        """x [B, T, D] -> q, k [B, H, T, K], v [B, H, T, V], and what the convolutions saw last."""
        out = [project(x) for project in self.project]
        after = before
        if self.convs:
            seen = [conv(y, b) for conv, y, b in zip(self.convs, out, before, strict=True)]
            out, after = [y for y, _ in seen], (seen[0][1], seen[1][1], seen[2][1])
        q, k, v = (y.unflatten(2, (-1, w)).transpose(1, 2) for y, w in zip(out, self.head_widths, strict=True))
        return q, k, v, after


class Out(nn.Module):
    """Heads put together again: each normalised, then projected."""

    def __init__(self, width: int, heads: int, value_width: int) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(value_width)
        self.project = nn.Linear(heads * value_width, width, bias=False)

    def forward(self, y: Tensor) -> Tensor:
        """[B, H, T, V] -> [B, T, D]."""
        out: Tensor = self.project(self.norm(y).transpose(1, 2).flatten(2))
        return out


def head_width(width: int, heads: int) -> int:
    """An even share of the width."""
    if width % heads:
        raise BadConfig(f"heads must divide the width, got {heads} heads for a width of {width}")
    return width // heads


def unmasked(x: Tensor, mask: Tensor | None) -> Tensor:
    """x [B, H, T, ...] with 0 where `mask` [B, T] is False."""
    return x if mask is None else x * mask.view(mask.shape[0], 1, mask.shape[1], *[1] * (x.dim() - 3))
