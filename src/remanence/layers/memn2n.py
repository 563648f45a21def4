"""A question asked of a memory several times over, each answer added to the question before it is asked again.

Source:  "End-To-End Memory Networks", Sukhbaatar, Szlam, Weston, Fergus 2015 (arXiv 1503.08895).
Idea:    what is needed to answer may be found only with what was found first: B with the question, C with B. Each hop
         is one look at all items; all is learned from the answers alone.
Cost:    O(T N D) time a hop over N items, and O(N D²) for their embeddings; D numbers of state an item.
Differs: an item is a token seen through a short convolution, where the paper adds up the words of a sentence, weighted
         by their place; there is no encoding of when an item was read. Every token is a question.

    u_1 = B x     p_i = softmax_i(u_n·A_n x_i)     o = Σ_i p_i C_n x_i     u_{n+1} = u_n + o     y = W u_{hops+1}

Adjacent: A_{n+1} = C_n and B = A_1, the paper's first way to tie weights.

Shapes: B batch, T tokens, N items, W tokens of an item, D width.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.parts.items import OverItems, shares


class MemN2N(OverItems):
    """With `adjacent` False every hop has an A and a C of its own."""

    def __init__(self, width: int, hops: int = 3, adjacent: bool = True, conv: int = 4) -> None:  # 3: the paper's
        super().__init__(width, width, conv)
        if hops < 1:
            raise BadConfig(f"hops must be at least 1, got {hops}")
        self.adjacent = adjacent
        self.mix = nn.Parameter(torch.cat([torch.randn(conv - 1, width) * conv**-0.5, torch.ones(1, width)]))
        self.embed = nn.ModuleList(
            nn.Linear(width, width, bias=False) for _ in range(hops + 1 if adjacent else 2 * hops)
        )
        self.question = self.embed[0] if adjacent else nn.Linear(width, width, bias=False)  # B
        self.out = nn.Linear(width, width, bias=False)

    def items(self, windows: Tensor) -> Tensor:
        return (windows * self.mix).sum(2)

    def ask(self, windows: Tensor, held: Tensor, looks: Tensor) -> Tensor:
        seen = [embed(held) for embed in self.embed]
        u = self.question(self.items(windows))
        for a, c in pairwise(seen) if self.adjacent else zip(seen[::2], seen[1::2], strict=True):
            u = u + shares(u @ a.mT, looks) @ c
        y: Tensor = self.out(u)
        return y
