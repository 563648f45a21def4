"""From which token each query asks for to what is read: all that any query of a key-value head asks for.

Shapes: B batch, H key-value heads, Q query heads, T queries, N candidates, R tokens read, D width.
"""

import torch
from torch import Tensor

from remanence.cache.base import Far
from remanence.cache.parts.held import PADDING, Held


def asked(wanted: Tensor, tokens: Tensor, until: int) -> Far:
    """`wanted` [B, Q, T, N] of the candidates that `tokens` [B or 1, H, N] numbers, ascending: each query its own."""
    heads = tokens.shape[1]
    by_any = wanted.unflatten(1, (heads, -1)).any(3).any(2)  # [B, H, N]
    first = by_any.byte().sort(dim=-1, descending=True, stable=True).indices[..., : int(by_any.sum(-1).max())]
    ids = tokens.expand(len(first), -1, -1).gather(2, first).masked_fill(~by_any.gather(2, first), -1)
    at = first.repeat_interleave(wanted.shape[1] // heads, 1)[:, :, None].expand(-1, -1, wanted.shape[2], -1)
    return Far(ids, until, wanted.gather(3, at))


def nearest(scores: Tensor, k: int) -> Tensor:
    """[B, Q, T, N], True for the k greatest scores of each query; never for one of -inf."""
    best = scores.topk(min(k, scores.shape[-1]), -1)
    return torch.zeros_like(scores, dtype=torch.bool).scatter_(-1, best.indices, best.values > -torch.inf)


def products(query: Tensor, keys: Tensor) -> Tensor:
    """[B, Q, T, N] of queries [B, Q, T, D] with the keys of their heads [B, H, N, D]."""
    b, q, t, _ = query.shape
    grouped = query.unflatten(1, (keys.shape[1], -1)).flatten(2, 3)
    scores: Tensor = grouped @ keys.transpose(2, 3)
    return scores.view(b, q, t, -1)


def without_padding(scores: Tensor, held: Held, tokens: Tensor) -> Tensor:
    """`scores` [B, Q, T, N] of the candidates that `tokens` [B or 1, H, N] numbers, -inf where these are padding."""
    if not held.padded:
        return scores
    b, heads = len(scores), tokens.shape[1]
    places = held.places().expand(b, heads, -1).gather(2, tokens.expand(b, -1, -1))
    padding = (places == PADDING).repeat_interleave(scores.shape[1] // heads, 1)
    return scores.masked_fill(padding[:, :, None], -torch.inf)
