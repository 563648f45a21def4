"""Attention sinks and a window: the first tokens and the newest, and nothing between.

Source:  "Efficient Streaming Language Models with Attention Sinks", Xiao, Tian, Chen, Han, Lewis 2023
         (arXiv 2309.17453).
Idea:    softmax must put its weight somewhere, and models learn to put what they do not need on the first tokens; a
         window without them breaks, with four of them it runs on forever. The baseline every other policy must beat.
Cost:    holds and reads sinks + local tokens, and up to `stride` - 1 more.
Differs: tokens are let go of `stride` at a time, not one by one, and after a piece that was read, not within it.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from remanence.cache.parts.held import Held
from remanence.cache.parts.keep import Forgetful


@dataclass
class Streaming(Forgetful):
    stride: int = field(default=8, kw_only=True)  # tokens by which the window grows before it is cut back

    @property
    def budget(self) -> int:
        return 0

    def kept(self, held: Held) -> Tensor:
        ids = torch.arange(self.most, device=held.k.data.device)
        ids[self.sinks :] += len(held) - self.most
        return ids[None, None]
