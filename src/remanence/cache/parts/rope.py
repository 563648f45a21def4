"""Rotation on read: a model's own rotary embedding, at whatever positions what is read is given.

Idea:    keys are kept unrotated, so a token first seen at position a million can be read at position 40, exactly. The
         angles come from the model's own module and the rotation from its own function, whatever their conventions, or
         from ours where that is the same bit for bit.
Cost:    cosines of the first TABLE positions are kept, of others computed when asked for.
Differs: frequencies that change with the length of the text (dynamic, longrope) are those of texts within the original
         window; positions beyond it raise.

Shapes: B batch, H heads, N tokens, D width.
"""

import copy
import inspect
import sys
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from remanence.errors import BadConfig

TABLE = 16_384
CHANGING = ("dynamic", "longrope")


@dataclass
class Rope:
    """`attention` is any attention module of the model: its file holds the function that rotates. Each call is for one
    module, as what rotates may differ from layer to layer."""

    rotary: nn.Module
    attention: nn.Module
    tables: dict[tuple[object, ...], tuple[Tensor, Tensor]] = field(default_factory=dict)
    still: set[int] = field(default_factory=set)  # layers that do not rotate
    widths: dict[tuple[int, int], int] = field(default_factory=dict)
    same: dict[tuple[int, torch.dtype], bool] = field(default_factory=dict)  # where `halves` rotates as the model does
    last: dict[object, tuple[tuple[object, ...], Tensor, Tensor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.apply = sys.modules[type(self.attention).__module__].apply_rotary_pos_emb
        self.by_layer = "layer_type" in inspect.signature(self.rotary.forward).parameters
        config: Any = getattr(self.rotary, "config", None)
        rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
        self.limit: int | None = None
        if isinstance(rope, dict) and rope.get("rope_type", rope.get("type")) in CHANGING:
            self.rotary = copy.deepcopy(self.rotary)  # a long text changes the frequencies of the model's own
            window = getattr(config, "original_max_position_embeddings", None)
            self.limit = rope.get("original_max_position_embeddings") or window or config.max_position_embeddings

    def rotate(self, module: nn.Module, x: Tensor, start: int) -> Tensor:
        """x [B, H, N, D] at positions start, start + 1, ..."""
        if module.layer_idx in self.still:
            return x
        return self._apply(x, *self._span(module, x, start, start + x.shape[2]))

    def both(self, module: nn.Module, q: Tensor, k: Tensor, start: int) -> tuple[Tensor, Tensor]:
        """q and k at the same positions start, start + 1, ..."""
        if module.layer_idx in self.still:
            return q, k
        heads = q.shape[1]
        both = self._apply(torch.cat([q, k], 1), *self._span(module, q, start, start + q.shape[2]))
        return both[:, :heads], both[:, heads:]

    def rotate_at(self, module: nn.Module, x: Tensor, positions: Tensor, end: int) -> Tensor:
        """x [B, H, N, D] at positions [B or 1, H or 1, N], all of them below `end`."""
        if module.layer_idx in self.still:
            return x
        b, h, n, d = x.shape
        if positions.shape[1] == 1:
            return self._apply(x, *self._rows(module, x, positions[:, 0], end))
        rows = self._rows(module, x, positions.expand(b, h, n).reshape(b * h, n), end)
        return self._apply(x.reshape(b * h, 1, n, d), *rows).reshape(b, h, n, d)

    def _apply(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Cosines and sines are [B, 1, N, width]: the same for all heads."""
        d = self._width(x.shape[-1], cos)
        if d < x.shape[-1]:  # a part of the width is rotated
            return torch.cat([self._apply(x[..., :d], cos, sin), x[..., d:]], -1)
        if self._by_halves(cos):
            return halves(x, cos, sin)
        rotated: Tensor = self.apply(x[:, :0], x, cos[:, 0], sin[:, 0])[1]
        return rotated

    def _by_halves(self, like: Tensor) -> bool:
        """Whether the model's function does, bit for bit, what `halves` does in a third of the time."""
        d = like.shape[-1]
        key = (d, like.dtype)
        if key not in self.same:
            x, cos, sin = torch.rand(3, 1, 1, 2, d, generator=torch.Generator().manual_seed(0)).to(like)
            fits = self._width(2 * d, like) == d
            self.same[key] = fits and self.apply(x, x, cos[:, 0], sin[:, 0])[1].equal(halves(x, cos, signed(sin)))
        return self.same[key]

    def _width(self, full: int, cos: Tensor) -> int:
        """How much of the width is rotated: as wide as the cosines, or twice that where they are of half (gpt-oss)."""
        key = (full, cos.shape[-1])
        if key not in self.widths:
            d = cos.shape[-1]
            x = cos.new_zeros(1, 1, 1, d)
            try:
                self.apply(x, x, cos[:1, 0, :1], cos[:1, 0, :1])
            except RuntimeError:
                d *= 2
            self.widths[key] = min(d, full)
        return self.widths[key]

    def _span(self, module: nn.Module, like: Tensor, start: int, end: int) -> tuple[Tensor, Tensor]:
        kind, span = self._kind(module), (like.dtype, like.device, start, end)
        last = self.last.get(kind)  # layers ask for the same span in turn
        if last is not None and last[0] == span:
            return last[1], last[2]
        if end <= TABLE:
            cos, sin = (table[:, :, start:end] for table in self._table(module, like, end))
        else:
            cos, sin = self._fresh(module, like, torch.arange(start, end, device=like.device)[None])
        self.last[kind] = (span, cos, sin)
        return cos, sin

    def _rows(self, module: nn.Module, like: Tensor, positions: Tensor, end: int) -> tuple[Tensor, Tensor]:
        if end <= TABLE:
            cos, sin = self._table(module, like, end)
            return cos[0, 0, positions][:, None], sin[0, 0, positions][:, None]
        return self._fresh(module, like, positions)

    def _table(self, module: nn.Module, like: Tensor, end: int) -> tuple[Tensor, Tensor]:
        key = (self._kind(module), like.dtype, like.device)
        known = self.tables.get(key)
        if known is None or known[0].shape[2] < end:
            size = table_size(end)
            if self.limit is not None:
                size = max(end, min(size, self.limit))
            known = self._fresh(module, like, torch.arange(size, device=like.device)[None])
            self.tables[key] = known
        return known

    def _fresh(self, module: nn.Module, like: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 1, N, width] twice."""
        if self.limit is not None and positions.numel() and int(positions.max()) >= self.limit:
            raise BadConfig(
                f"this model's rotary frequencies change beyond {self.limit} tokens, and {int(positions.max()) + 1} "
                "would be read; read fewer (sinks, local, the far budget), with positions='compact'"
            )
        kind = (self._kind(module),) if self.by_layer else ()
        cos, sin = (x[:, None] for x in self.rotary.forward(like, positions, *kind))
        return cos, signed(sin) if self._by_halves(cos) else sin

    def _kind(self, module: nn.Module) -> object:
        if not self.by_layer:
            return None
        return getattr(module, "layer_type", None) or getattr(module, "attention_type", None)


def table_size(end: int) -> int:
    """Positions to compute at once, where those up to `end` are asked for."""
    return min(TABLE, max(2048, 1 << (end - 1).bit_length()))


def halves(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x [B, H, N, D] turned as in most models: the first half of the width is paired with the second."""
    return (x * cos).add_(x.roll(x.shape[-1] // 2, -1).mul_(sin))


def signed(sin: Tensor) -> Tensor:
    """As `halves` takes them: the first half comes with the other sign."""
    half = sin.shape[-1] // 2
    return torch.cat([-sin[..., :half], sin[..., half:]], -1)
