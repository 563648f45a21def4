"""Attention over what is read: one softmax over keys that are rotated already.

Shapes: B batch, Q query heads, H key-value heads, T queries, R tokens read, D width.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Scores:
    """How a model makes attention of products: their scale, and what some models do besides."""

    scaling: float | None = None
    softcap: float | None = None  # Gemma 2: tanh(s / softcap) * softcap
    sink: Tensor | None = None  # gpt-oss: [Q], a learned logit that takes attention and gives nothing

    def scale(self, width: int) -> float:
        """What products of queries and keys of this width are multiplied by."""
        return width**-0.5 if self.scaling is None else self.scaling


@dataclass(frozen=True, slots=True)
class Read:
    """What queries see: first `far` columns of sinks and far past, then the near past and the queries' own tokens.

    `mask` is True where a query may look; None where it may look everywhere, or, if `causal`, at all before it.
    """

    query: Tensor  # [B, Q, T, D]
    keys: Tensor  # [B, H, R, D]
    values: Tensor  # [B, H, R, D]
    scores: Scores
    mask: Tensor | None = None  # [B or 1, Q or 1, T, R]
    causal: bool = False
    far: int = 0


def attend(read: Read) -> Tensor:
    """[B, Q, T, D]."""
    q, k, v = read.query, read.keys, read.values
    b, heads, t, d = q.shape
    group = heads // k.shape[1]
    if read.scores.softcap is not None or read.scores.sink is not None:
        return weights(read)[..., : k.shape[2]] @ v.repeat_interleave(group, 1)
    scale = read.scores.scaling
    if t == 1 and (read.mask is None or read.mask.shape[1] == 1):
        # One query: the heads of a group stand in the place of queries, so that keys are not repeated for each of them.
        folded = q.view(b, k.shape[1], group, d)
        if k.stride(3) != 1:
            return _by_column(folded, k, v, read.mask, read.scores.scale(d)).view(b, heads, 1, -1)
        return F.scaled_dot_product_attention(folded, k, v, attn_mask=read.mask, scale=scale).view(b, heads, 1, -1)
    if k.stride(3) != 1:
        k = k.contiguous()  # a copy is little beside the products of many queries
    mask, causal = read.mask, read.causal and read.mask is None and t > 1
    if causal and k.shape[2] > t:  # `is_causal` counts from the first key, not to the last
        mask, causal = causal_mask(t, k.shape[2], q.device), False
    return F.scaled_dot_product_attention(q, k, v, mask, is_causal=causal, scale=scale, enable_gqa=group > 1)


def _by_column(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """[B, H, T, D] for keys that lie by column (see Tokens): two products, each reading what it needs once."""
    s = torch.bmm((q * scale).flatten(0, 1), k.flatten(0, 1).transpose(1, 2))
    if mask is not None:
        s = s.view(*q.shape[:3], -1).masked_fill(~mask, float("-inf")).flatten(0, 1)
    return torch.bmm(s.softmax(-1), v.flatten(0, 1)).view(*q.shape[:3], -1)


def weights(read: Read) -> Tensor:
    """[B, Q, T, R], with a last column for the sink where there is one: the softmax, spelled out."""
    group = read.query.shape[1] // read.keys.shape[1]
    s = read.query @ read.keys.repeat_interleave(group, 1).transpose(2, 3)
    s = s * read.scores.scale(read.query.shape[3])
    if read.scores.softcap is not None:
        s = torch.tanh(s / read.scores.softcap) * read.scores.softcap
    mask = causal_mask(s.shape[2], s.shape[3], s.device) if read.causal and read.mask is None else read.mask
    if mask is not None:
        s = s.masked_fill(~mask, float("-inf"))
    if read.scores.sink is None:
        return s.softmax(-1, dtype=torch.float32).to(read.values.dtype)
    s = torch.cat([s, read.scores.sink.view(1, -1, 1, 1).expand(s.shape[0], -1, s.shape[2], 1).to(s.dtype)], -1)
    return (s - s.amax(-1, keepdim=True)).softmax(-1)  # in the model's own precision, as gpt-oss has it


def causal_mask(t: int, n: int, device: torch.device) -> Tensor:
    """[1, 1, t, n]: the last t of n tokens look at all before them and at themselves."""
    return torch.ones(t, n, dtype=torch.bool, device=device).tril(n - t)[None, None]
