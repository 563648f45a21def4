"""The tokens that count are found in a few dimensions, and attended to in all.

Source:  "Loki: Low-rank Keys for Efficient Sparse Attention", Singhania, Singh, He, Feizi, Bhatele 2024
         (arXiv 2406.02542).
Idea:    keys of a head lie near a space of few dimensions. Along the first d of their principal axes P the products
         (q P) (k P)^T already rank tokens as q k^T does; the highest are read exactly.
Cost:    dims * D numbers a token to search, held beside the keys; reads sinks + local + `tokens`.
Differs: the axes are of the first keys of the text itself, not of another text, and of keys before rotation (the paper
         tries both); a fixed number of tokens, not a share; the query heads that share keys choose together, and so do
         queries of a prompt that are read together.

Shapes: B batch, H key-value heads, Q query heads, T queries, N tokens, D width, d dimensions searched.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from remanence.cache.base import Base, Far
from remanence.cache.parts.asked import without_padding
from remanence.cache.parts.held import PADDING, Held
from remanence.cache.parts.tokens import Tokens
from remanence.errors import BadConfig


@dataclass
class Loki(Base):
    tokens: int = 1024  # of the far past, read for each key-value head
    dims: float = 0.25  # of the width, searched (the paper's)
    calibration: int = 512  # tokens, the first of the far past, whose keys tell the axes; until then all dimensions are
    axes: Tensor | None = field(default=None, init=False, repr=False, compare=False)  # [B, H, D, d]
    low: Tokens | None = field(default=None, init=False, repr=False, compare=False)  # [B, H, N, d], of the far past

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.dims <= 1:
            raise BadConfig(f"dims must be in (0, 1], got {self.dims}")
        if self.tokens < 1 or self.calibration < 2:
            raise BadConfig(f"tokens >= 1 and calibration >= 2 must hold, got {self.tokens} and {self.calibration}")

    @property
    def budget(self) -> int:
        return self.tokens

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        q = query.unflatten(1, (held.k.data.shape[1], -1)).mean((2, 3))[:, :, None]  # [B, H, 1, D]
        k = held.k.span(start, end) if end - start < self.calibration else self._low(held, start, end)
        q = q if self.axes is None else q @ self.axes
        ids = torch.arange(start, end, device=q.device).expand(1, k.shape[1], -1)
        scores = without_padding(q @ k.transpose(2, 3), held, ids)[:, :, 0]
        return Far(scores.topk(min(self.tokens, end - start), -1).indices.sort(-1).values + start, end, whole=True)

    def _low(self, held: Held, start: int, end: int) -> Tensor:
        """[B, H, end - start, d]: the keys along the axes."""
        if self.axes is None or self.low is None:
            first = slice(start, start + self.calibration)
            real = (held.places()[..., first] != PADDING)[..., None]
            self.axes = principal(held.k.span(first.start, first.stop), real, self.dims)
            self.low = Tokens.like(held.k.span(0, 0) @ self.axes)
        known = len(self.low)
        if start + known < end:
            self.low.append(held.k.span(start + known, end) @ self.axes)
        return self.low.span(0, end - start)


def principal(keys: Tensor, real: Tensor, dims: float) -> Tensor:
    """[B, H, D, d]: the directions in which keys [B, H, N, D] differ most, those where real [B or 1, H or 1, N, 1].

    What keys have in common adds the same to every product with a query, so it ranks nothing and is taken out.
    """
    x = keys.float() * real
    x = (x - x.sum(2, keepdim=True) / real.sum(2, keepdim=True).clamp(min=1)) * real
    axes: Tensor = torch.linalg.eigh(x.transpose(2, 3) @ x).eigenvectors  # [B, H, D, D], the last differ most
    return axes[..., -max(1, round(dims * keys.shape[3])) :].to(keys.dtype)
