"""Memory tokens: a few vectors read before each segment, and written after it, by the model itself.

Source:  "Recurrent Memory Transformer", Bulatov, Kuratov, Burtsev 2022 (arXiv 2207.06881).
Idea:    attention already knows how to read and write tokens, so memory is tokens: what the model makes of those after
         a segment is what it is given before the next. All layers take part and nothing else is changed.
Cost:    2 M tokens more a segment; M D numbers of state.
Differs: w, which tells the tokens that write from those that read: the decoder's positions are relative. The norm is
         the memory's own, where the authors take what their model's last norm leaves. The curriculum (one segment more
         at a time) is the teacher's.

    segment t:  model([m_t; x_t; m_t + w]) -> the norm of what leaves at the last M places is m_{t+1}
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.segment import Context, SegmentMemory, SegmentOut
from remanence.layers.contract.state import State


@dataclass(frozen=True)
class Memory(State):
    m: Tensor  # [B, M, D]


class RMT(SegmentMemory[Memory]):
    def __init__(self, width: int, depth: int, tokens: int = 8) -> None:
        super().__init__(width, depth)
        if tokens < 1:
            raise BadConfig(f"tokens must be at least 1, got {tokens}")
        self.first = nn.Parameter(torch.randn(tokens, width))  # as large as what the norm leaves
        self.place = nn.Parameter(torch.randn(tokens, width))  # w
        self.norm = nn.LayerNorm(width)  # otherwise what is carried grows with every segment

    def init_state(self, batch: int) -> Memory:
        return Memory(self.first.expand(batch, -1, -1))

    def read(self, segment: Tensor, state: Memory) -> Context:
        return Context(prefix=state.m, suffix=state.m + self.place)

    def write(self, out: SegmentOut, state: Memory) -> Memory:
        return Memory(self.norm(out.after(self.depth)))
