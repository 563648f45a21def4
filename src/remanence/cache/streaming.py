"""Attention sinks and a window: the first tokens and the newest, and nothing between.

Source:  "Efficient Streaming Language Models with Attention Sinks", Xiao, Tian, Chen, Han, Lewis 2023
         (arXiv 2309.17453).
Idea:    softmax must put its weight somewhere, and models learn to put what they do not need on the first tokens; a
         window without them breaks, with four of them it runs on forever. The baseline every other policy must beat.
Cost:    reads sinks + local tokens, and a few; holds those, and up to `chunk` more until they are let go of.
Differs: tokens are let go of a chunk at a time, not one by one; of generated tokens the window reads up to
         `stride` - 1 more.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from remanence.cache.base import Base, Far
from remanence.cache.parts.held import Held


@dataclass
class Streaming(Base):
    stride: int = field(default=8, kw_only=True)  # generated tokens by which the window grows before it is cut back

    @property
    def forgets(self) -> bool:
        return True

    @property
    def budget(self) -> int:
        return 0

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        return Far.span(end, end, query.device)

    def added(self, held: Held) -> None:
        n = len(held)
        if n > self.sinks + self.local + self.chunk:
            kept = [*range(self.sinks), *range(n - self.local, n)]
            held.keep(torch.tensor(kept, device=held.k.data.device)[None, None])
