"""Chains shown only as neighbouring pairs: which of two belongs to the chain of the one asked about?

Source:  "MEMO: A Deep Network for Flexible Combination of Episodic Memories", Banino et al. 2020 (arXiv 2001.10913),
         paired associative inference.
Idea:    A and B were seen together, B and C were; that A goes with C was never shown. It takes putting two memories
         together, at `length` 4 and 5 three and four of them.
Data:    `chains` of `length` fresh tokens; all pairs of neighbours in random order, each of two tokens; then
         [ASK cue match lure], match and lure in random order. The lure stands where the match does, in another chain.
         The answer is the match. `hops` apart at most; the farthest is asked as often as the nearest.
"""

from dataclasses import dataclass

import torch

from remanence.bench.lessons.base import UNASKED, Base, Examples
from remanence.errors import BadConfig

ASK, ITEMS = 0, 1


@dataclass
class PairedInference(Base):
    chains: int = 4
    length: int = 3
    items: int = 64  # kinds of token a chain may be made of

    def __post_init__(self) -> None:
        if self.chains < 2 or self.length < 2:
            raise BadConfig(f"chains and length must be at least 2, got {self.chains} and {self.length}")
        if self.chains * self.length > self.items:
            raise BadConfig(f"{self.chains} chains of {self.length} need as many items, got {self.items}")

    @property
    def vocab_size(self) -> int:
        return ITEMS + self.items

    @property
    def chance(self) -> float:
        return 0.5

    def examples(self, n: int, generator: torch.Generator) -> Examples:
        c, m = self.chains, self.length
        chains = torch.rand(n, self.items, generator=generator).topk(c * m, 1).indices.view(n, c, m) + ITEMS
        pairs = torch.stack([chains[:, :, :-1], chains[:, :, 1:]], -1).view(n, c * (m - 1), 2)
        order = torch.rand(n, c * (m - 1), generator=generator).argsort(1)
        told = pairs.gather(1, order[..., None].expand(-1, -1, 2)).flatten(1)
        hops = torch.randint(1, m, (n,), generator=generator)
        start = (torch.rand(n, generator=generator) * (m - hops)).long()
        two = torch.rand(n, c, generator=generator).topk(2, 1).indices  # the chain asked about, and the lure's
        row = torch.arange(n)
        cue, match, lure = (
            chains[row, of, at] for of, at in ((two[:, 0], start), (two[:, 0], start + hops), (two[:, 1], start + hops))
        )
        swap = torch.rand(n, generator=generator) < 0.5
        first, second = torch.where(swap, lure, match), torch.where(swap, match, lure)
        asked = torch.stack([torch.full_like(cue, ASK), cue, first, second], 1)
        ids = torch.cat([told, asked], 1)
        labels = torch.full_like(ids, UNASKED)
        labels[:, -1] = match
        return Examples(ids, labels)
