"""A cache filled by hand: keys and values that were computed elsewhere, as if the model had read them here.

Shapes: H key-value heads, N tokens held, P tokens the model is to think it has read, D width.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from remanence.cache.parts.tokens import Tokens
from remanence.errors import BadConfig

if TYPE_CHECKING:
    from remanence.cache.parts.held import Held
    from remanence.cache.parts.memory_cache import MemoryCache


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens that one layer holds, and where each was seen."""

    k: Tensor  # [1, H, N, D], not rotated
    v: Tensor  # [1, H, N, D]
    where: Tensor  # [1, 1 or H, N]

    @classmethod
    def of(cls, held: Held, ids: Tensor | None = None, start: int = 0) -> Piece:
        """The tokens of ids [1, 1 or H, N], or all that is held; moved to begin at `start`."""
        _free(held)
        places = held.places() + start
        if ids is None:
            return cls(held.k.span(0, len(held)), held.v.span(0, len(held)), places)
        heads = max(places.shape[1], ids.shape[1])
        where = places.expand(1, heads, -1).gather(2, ids.expand(1, heads, -1))
        return cls(held.k.take(ids), held.v.take(ids), where)


def joined(pieces: Iterable[Piece]) -> Piece:
    """One after the other."""
    all_ = list(pieces)
    return Piece(*(torch.cat([getattr(piece, name) for piece in all_], 2) for name in ("k", "v", "where")))


def fill(cache: MemoryCache, pieces: Iterable[Piece], ids: Tensor) -> MemoryCache:
    """An empty cache, made to hold a piece a layer; what is read next comes after the text of ids [1, P]."""
    seen = ids.shape[1]
    for layer, piece in zip(cache.memory_layers, pieces, strict=True):
        layer.lazy_initialization(piece.k, piece.v)
        held = layer.held
        assert held is not None
        _free(held)
        held.append(piece.k, piece.v, None)
        held.seen = seen
        if not torch.equal(piece.where, torch.arange(seen, device=ids.device)[None, None]):  # else they are in order
            held.note(piece.where)
    cache.memory_layers[0].heard.note(ids)
    return cache


def rotate(cache: MemoryCache) -> None:
    """Turn all keys to their places now, so that what has gaps is not turned anew for each token that is generated."""
    for layer in cache.memory_layers:
        held, attached = layer.held, layer.attached
        assert held is not None and attached is not None
        if held.where is not None:
            module = attached.attentions[layer.index]
            keys = attached.rope.rotate_at(module, held.k.span(0, len(held)), held.places(), held.seen)
            held.rotated, held.gap = Tokens.like(keys), held.seen - len(held)
            held.rotated.append(keys)


def _free(held: Held) -> None:
    if held.holds_rotated:
        raise BadConfig(
            "what is put together from pieces has keys that carry no position, and this policy holds them rotated to "
            "where they were seen; give it positions='compact', or take one that reads parts of the past"
        )
