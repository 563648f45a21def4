"""The k best of all pairs of halves, and the way back to the halves that were chosen.

The k best pairs are among the k best halves of either side, so only those are paired. Searching has no gradient but
that of the scores found, which goes to the chosen halves alone, and no second one. A half of one head is searched at a
time, in one place, so that what is looked through stays in the cache: new memory costs more than the products.

Shapes: N queries, H heads, n halves of a side, W width of a half.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

FEW = 128  # columns; up to so many are ranked sooner by topk


class BestPairs(Function):
    """Of q [N, H, 2, W] and halves [H, 2, n, W]: scores and ids [H, k, N] of the best pairs; (i, j) has id i n + j."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, halves: Tensor, k: int) -> tuple[Tensor, Tensor]:
        i, j = candidates(k, q.device)
        found, scores = [], q.new_empty(halves.shape[2], len(q))
        for head, sides in enumerate(halves):
            (a, at_a), (b, at_b) = (
                _best_halves(torch.mm(y, q[:, head, s].mT, out=scores), k) for s, y in enumerate(sides)
            )
            score, which = (a.index_select(0, i) + b.index_select(0, j)).topk(k, 0)
            found.append((score, at_a.gather(0, i[which]) * len(sides[0]) + at_b.gather(0, j[which])))
        best_scores, ids = (torch.stack(y) for y in zip(*found, strict=True))
        ctx.save_for_backward(q, halves, ids)
        ctx.mark_non_differentiable(ids)
        return best_scores, ids

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor, Tensor, None]:
        q, halves, ids = ctx.saved_tensors
        n, to_q, to_halves = halves.shape[2], torch.empty_like(q), torch.empty_like(halves)
        each = grad.new_empty(n, len(q))
        for head, sides in enumerate(halves):
            for s, at in enumerate((ids[head] // n, ids[head] % n)):
                each.zero_().scatter_add_(0, at, grad[head])
                torch.mm(each.mT, sides[s], out=to_q[:, head, s])
                torch.mm(each, q[:, head, s], out=to_halves[head, s])
        return to_q, to_halves, None


def candidates(k: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Ranks i, j of halves that may pair to one of the k best: (i + 1) (j + 1) - 1 other pairs are as good."""
    rank = torch.arange(1, k + 1, device=device)
    i, j = (rank[:, None] * rank <= k).nonzero(as_tuple=True)
    return i, j


def best(scores: Tensor, k: int) -> Tensor:
    """Where the k greatest of each column of scores [n, N] are, greatest first: [k, N], as by topk, and sooner.

    The lowest bits of a number give way to its place, so that the greatest of a column says where it stood. Columns in
    which two of the k + 1 greatest differ in those bits alone, about one in a thousand, are ranked by topk.
    """
    if scores.shape[1] <= FEW:
        return scores.topk(k, 0).indices
    exact = scores if scores.dtype == torch.float64 else scores.float()
    whole = torch.int64 if exact.dtype == torch.float64 else torch.int32
    low = (1 << (len(exact) - 1).bit_length()) - 1
    place = torch.arange(len(exact), dtype=whole, device=exact.device)[:, None]
    left = (exact.view(whole) & ~low).bitwise_or_(place).view(exact.dtype)
    found = []
    for _ in range(k + 1):
        found.append(left.amax(0, keepdim=True).view(whole))
        left.scatter_(0, (found[-1] & low).long(), -math.inf)
    marks = torch.cat(found)
    at = (marks[:k] & low).long()
    marks &= ~low
    near = (marks[1:] == marks[:-1]).any(0).nonzero()[:, 0]
    return at.index_copy_(1, near, scores.index_select(1, near).topk(k, 0).indices)


def _best_halves(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    at = best(scores, k)
    return scores.gather(0, at), at
