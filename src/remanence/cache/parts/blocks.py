"""The far past in blocks of equal length, and a bound on what a query could find in each.

Idea:    for a block with element-wise maximum M and minimum m of its keys, no key k in it has a product with q above
         Σ_d max(q_d M_d, q_d m_d); the blocks with the highest bounds are looked at. (Tang et al. 2024,
         arXiv 2406.10774, on keys before rotation here.)
Cost:    2 D numbers a block and head, in half precision rounded outwards: of keys in single precision 1 / (2 block) of
         the cache. Scoring reads them, on a CPU the half that counts.

Shapes: B batch, H key-value heads, T queries, N blocks, D width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from remanence.cache.parts.half import half
from remanence.cache.parts.held import Held
from remanence.cache.parts.tokens import Tokens, by_column

LARGEST = torch.finfo(torch.float16).max
MANY = 1024  # blocks; fewer stay in a core's cache, and one product over all is as fast


def grow(bounds: Tokens | None, held: Held, start: int, end: int, block: int) -> Tokens:
    """`bounds` [B, H, N, 2 D] for every whole block of tokens start..end; those known are kept."""
    known = 0 if bounds is None else len(bounds)
    n = max(0, end - start) // block
    if bounds is not None and n <= known:
        return bounds
    keys = held.k.span(start + known * block, start + n * block).unflatten(2, (n - known, block))
    most, least = keys.amax(3), keys.amin(3)
    if keys.dtype == torch.float32:
        most, least = (half(x.clamp(-LARGEST, LARGEST), up=up).half() for x, up in ((most, True), (least, False)))
    new = torch.cat([most, least], -1)
    bounds = Tokens.like(new, by_column) if bounds is None else bounds
    bounds.append(new)
    return bounds


def bound(query: Tensor, bounds: Tensor) -> Tensor:
    """[B, H, N]: for the mean query of each head's group [B, Q, T, D], the most it could find in each block.

    In half precision it is that of a query whose numbers add up to 1 at most, so that no sum leaves the range.
    """
    q = query.unflatten(1, (bounds.shape[1], -1)).mean((2, 3))  # [B, H, D]
    if bounds.dtype == torch.float16:
        q = F.normalize(q.float(), p=1, dim=-1)
    q = q.to(bounds.dtype)
    if bounds.shape[2] >= MANY and bounds.stride(2) == 1 and bounds.device.type == "cpu":
        return _by_column(q, bounds)
    q = torch.cat([q.clamp(min=0), q.clamp(max=0)], -1)  # what is positive meets the maxima, the rest the minima
    products = torch.bmm(q.flatten(0, 1)[:, None], bounds.flatten(0, 1).transpose(1, 2))
    return products.view(*q.shape[:2], -1)  # one pass over the bounds, as fast as they can be read


def _by_column(q: Tensor, bounds: Tensor) -> Tensor:
    """The same for bounds that lie by column: of each channel one column is read, its maxima or its minima.

    A column goes on to the end of the room that Tokens made, as only whole rows of memory are summed without a copy.
    """
    b, h, n, both = bounds.shape
    room, d = bounds.stride(3), both // 2
    columns = bounds.as_strided((b * h * both, room), (room, 1))
    first = torch.arange(b * h).view(b, h, 1) * both + torch.arange(d)
    ids = torch.where(q < 0, first + d, first).flatten(0, 1)
    found = F.embedding_bag(ids, columns, per_sample_weights=q.flatten(0, 1), mode="sum")
    return found[:, :n].view(b, h, n)


def tokens_of(blocks: Tensor, start: int, block: int) -> Tensor:
    """[B, H, R * block] for block numbers [B, H, R]: their tokens, ascending if they are."""
    within = torch.arange(block, device=blocks.device)
    return (start + blocks[..., None] * block + within).flatten(-2)
