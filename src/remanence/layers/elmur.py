"""Slots of its own for every layer, of which each segment rewrites one: the one not written for longest.

Source:  "ELMUR: External Layer Memory with Update/Rewrite for Long-Horizon RL", Cherepanov, Kovalev, Panov 2025
         (arXiv 2510.07151).
Idea:    all other slots stay as they are, so something is carried over many segments unchanged; a slot with nothing in
         it is replaced, later the oldest is blended, so that old content fades by 1 - λ each time its turn comes.
Cost:    T M attention a layer for reading and for writing; L M D numbers of state.
Differs: around a decoder: the read comes before the layer's self-attention, and norms before what they normalise, as in
         the decoder; no mixture of experts. All layers write at the same time, so they share their times of writing.

Before layer l tokens x read its slots m, after it slots read what left it, h; slot j is the one written longest ago:

    x <- x + CrossAttention(norm x, m, b(t - p))       u = m + CrossAttention(norm m, norm h, b'(t - p))
    u <- u + W2 gelu(W1 norm u)                        p_j <- t
    m_j <- u_j if nothing was written there, otherwise λ u_j + (1 - λ) m_j

t is the place of a token and p the time at which a slot was written, -1 at first; b and b' are learned for each
distance up to `reach`.

Shapes: B batch, T tokens, M slots, D width, H heads, L layers.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.segment import Context, SegmentMemory, SegmentOut
from remanence.layers.contract.state import State
from remanence.layers.parts.cross_attention import CrossAttention

EMPTY = -1  # the time of a slot that was never written


@dataclass(frozen=True)
class Timed(State):
    layers: tuple[Tensor, ...]  # L times [B, M, D]
    written: Tensor  # [B, M], p
    time: Tensor  # [B], tokens read


class Tracks(nn.Module):
    """From slots to tokens and back, at one layer."""

    def __init__(self, width: int, heads: int, reach: int) -> None:
        super().__init__()
        self.read_norm, self.slot_norm, self.token_norm, self.norm = (nn.LayerNorm(width) for _ in range(4))
        self.to_tokens, self.to_slots = CrossAttention(width, heads), CrossAttention(width, heads)
        self.bias_read, self.bias_write = (nn.Parameter(torch.zeros(heads, reach)) for _ in range(2))
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def read(self, x: Tensor, m: Tensor, distance: Tensor) -> Tensor:
        """distance [B, T, M]."""
        bias = self.bias_read[:, distance].transpose(0, 1)
        read: Tensor = x + self.to_tokens(self.read_norm(x), m, bias)
        return read

    def updated(self, h: Tensor, m: Tensor, distance: Tensor) -> Tensor:
        """What each slot would become."""
        bias = self.bias_write[:, distance.mT].transpose(0, 1)
        u: Tensor = m + self.to_slots(self.slot_norm(m), self.token_norm(h), bias)
        updated: Tensor = u + self.down(F.gelu(self.up(self.norm(u))))
        return updated


class ELMUR(SegmentMemory[Timed]):
    def __init__(
        self, width: int, depth: int, slots: int = 8, blend: float = 0.5, heads: int = 1, reach: int = 256
    ) -> None:
        super().__init__(width, depth)
        if slots < 1 or reach < 1 or not 0 < blend <= 1:
            raise BadConfig(f"slots and reach must be at least 1, blend in (0, 1], got {slots}, {reach} and {blend}")
        self.slots, self.blend, self.reach = slots, blend, reach
        self.first = nn.ParameterList(torch.randn(slots, width) * 0.02 for _ in range(depth))
        self.layers = nn.ModuleList(Tracks(width, heads, reach) for _ in range(depth))

    @property
    def tracks(self) -> Iterable[Tracks]:
        return (layer for layer in self.layers if isinstance(layer, Tracks))

    def init_state(self, batch: int) -> Timed:
        time = torch.zeros(batch, dtype=torch.long, device=self.like.device)
        written = torch.full_like(time[:, None].expand(-1, self.slots), EMPTY)
        return Timed(tuple(m.expand(batch, -1, -1) for m in self.first), written, time)

    def distance(self, state: Timed, tokens: int) -> Tensor:
        """[B, T, M], from 0 to reach - 1."""
        place = state.time[:, None] + torch.arange(tokens, device=state.time.device)
        return (place[:, :, None] - state.written[:, None]).clamp(max=self.reach - 1)

    def read(self, segment: Tensor, state: Timed) -> Context:
        distance, reads = self.distance(state, segment.shape[1]), list(zip(self.tracks, state.layers, strict=True))

        def enter(i: int, x: Tensor) -> Tensor:
            layer, m = reads[i]
            return layer.read(x, m, distance)

        return Context(enter=enter)

    def write(self, out: SegmentOut, state: Timed) -> Timed:
        tokens = out.segment(0).shape[1]
        oldest = state.written.argmin(1)[:, None]  # [B, 1], the first empty one while there is one
        empty = state.written.gather(1, oldest) == EMPTY
        share = torch.where(empty, 1.0, self.blend).to(self.like)
        share = share.new_zeros(state.written.shape).scatter(1, oldest, share)[..., None]  # [B, M, 1], 0 elsewhere
        distance = self.distance(state, tokens)
        layers = []
        for i, (layer, m) in enumerate(zip(self.tracks, state.layers, strict=True)):
            layers.append(share * layer.updated(out.unread(i + 1), m, distance) + (1 - share) * m)
        time = state.time + tokens
        return Timed(tuple(layers), state.written.scatter(1, oldest, time[:, None] - 1), time)
