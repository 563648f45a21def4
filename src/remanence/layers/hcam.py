"""Chunks of the past with a summary each: a token first picks chunks by their summaries, then attends inside those.

Source:  "Towards mental time travel: a hierarchical memory for reinforcement learning agents", Lampinen, Chan, Banino,
         Hill 2021 (arXiv 2105.14039).
Idea:    what happened is kept in full detail and looked at in detail only where it seems to matter, so attention is
         not spread over a whole past; it is as when one goes back to a day and lives through it again.
Cost:    N + k C places looked at by a token, in a past of N C; N C D numbers of state a layer.
Differs: a chunk is a segment. The authors' code takes the softmax over the k chosen alone, adds the place in the chunk
         to what is stored, has biases in its attention, and lets no gradient into stored chunks; here it goes as far
         as the runner's `bptt` lets it. The paper's own text was not at hand.

With chunks X_1 .. X_N of what came to layer l, normalised, and s_i the mean of X_i, a token x reads before layer l:

    r = softmax_i(W_q x · W_k s_i / √D)     x <- x + Σ_{i in the k with the greatest r} r_i Attention(x, X_i)

Shapes: B batch, T tokens, N chunks, C tokens of a chunk, D width, H heads, K width of a head, L layers.
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


@dataclass(frozen=True)
class Chunks(State):
    """C is the length of the longest; shorter ones are filled up with 0."""

    layers: tuple[Tensor, ...]  # L times [B, N, C, D], oldest first
    tokens: Tensor  # [B, N], how many each has

    @property
    def real(self) -> Tensor:
        """[B, N, C]."""
        return torch.arange(self.layers[0].shape[2], device=self.tokens.device) < self.tokens[..., None]


class Recall(nn.Module):
    """Both steps of one layer."""

    def __init__(self, width: int, heads: int, k: int) -> None:
        super().__init__()
        self.top = k
        self.norm, self.chunk_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.q, self.k = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.inside = CrossAttention(width, heads)

    def relevance(self, x: Tensor, chunks: Tensor, real: Tensor) -> Tensor:
        """x [B, T, D], chunks [B, N, C, D], both normalised -> r [B, T, N]."""
        held = real[..., None]
        summary = (chunks * held).sum(2) / held.sum(2)
        r: Tensor = (self.q(x) @ self.k(summary).mT * x.shape[-1] ** -0.5).softmax(-1)
        return r

    def forward(self, x: Tensor, chunks: Tensor, real: Tensor) -> Tensor:
        """What is read [B, T, D]."""
        x, chunks = self.norm(x), self.chunk_norm(chunks)
        r, chosen = self.relevance(x, chunks, real).topk(min(self.top, chunks.shape[1]), -1)  # [B, T, k]
        row = torch.arange(len(x), device=x.device)[:, None, None]
        split = self.inside.split
        q, k, v = split(self.inside.q(x)), split(self.inside.k(chunks)), split(self.inside.v(chunks))
        looks = torch.einsum("bthd,btnchd->btnhc", q, k[row, chosen]) * self.inside.head**-0.5
        looks = looks.masked_fill(~real[row, chosen][:, :, :, None], float("-inf")).softmax(-1)
        y = torch.einsum("btn,btnhc,btnchd->bthd", r, looks, v[row, chosen])
        out: Tensor = self.inside.out(y.flatten(2))
        return out


class HCAM(SegmentMemory[Chunks]):
    """At most `chunks` are held; the oldest go first."""

    def __init__(self, width: int, depth: int, k: int = 4, heads: int = 1, chunks: int = 256) -> None:
        super().__init__(width, depth)
        if k < 1 or chunks < 1:
            raise BadConfig(f"k and chunks must be at least 1, got {k} and {chunks}")
        self.chunks = chunks
        self.layers = nn.ModuleList(Recall(width, heads, k) for _ in range(depth))

    @property
    def recalls(self) -> Iterable[Recall]:
        return (layer for layer in self.layers if isinstance(layer, Recall))

    def init_state(self, batch: int) -> Chunks:
        none = self.like.new_zeros(batch, 0, 0, self.width)
        return Chunks((none,) * self.depth, none.new_zeros(batch, 0).long())

    def read(self, segment: Tensor, state: Chunks) -> Context:
        if not state.tokens.shape[1]:
            return Context()
        reads, real = list(zip(self.recalls, state.layers, strict=True)), state.real

        def enter(i: int, x: Tensor) -> Tensor:
            layer, chunks = reads[i]
            read: Tensor = x + layer(x, chunks, real)
            return read

        return Context(enter=enter)

    def write(self, out: SegmentOut, state: Chunks) -> Chunks:
        layers = tuple(_after(old, out.unread(i))[:, -self.chunks :] for i, old in enumerate(state.layers))
        tokens = F.pad(state.tokens, (0, 1), value=out.unread(0).shape[1])
        return Chunks(layers, tokens[:, -self.chunks :])


def _after(old: Tensor, new: Tensor) -> Tensor:
    """One more chunk: old [B, N, C, D], new [B, T, D]."""
    longest = max(old.shape[2], new.shape[1])
    old, new = (F.pad(x, (0, 0, 0, longest - x.shape[-2])) for x in (old, new[:, None]))
    return torch.cat([old, new], 1)
