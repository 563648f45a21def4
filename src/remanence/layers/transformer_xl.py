"""The states of the last segment, kept for the next to look back at: the baseline of the segment memories.

Source:  "Transformer-XL: Attentive Language Models Beyond a Fixed-Length Context", Dai et al. 2019 (arXiv 1901.02860).
Idea:    each layer attends to what entered it during the tokens before, so that what is seen reaches back `tokens` a
         layer; older states are dropped, and with them all that was not passed on.
Cost:    attention over `tokens` more a layer; L M D numbers of state.
Differs: rotary positions instead of the paper's relative ones, which the model around it decides; whether gradients
         stop at the cached states, as the paper's do, is the runner's `bptt` (detach).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from remanence.errors import BadConfig
from remanence.layers.contract.segment import Context, SegmentMemory, SegmentOut
from remanence.layers.contract.state import State


@dataclass(frozen=True)
class Past(State):
    """What entered each layer, of the last tokens: L times [B, M, D], shorter at first."""

    layers: tuple[Tensor, ...]


class TransformerXL(SegmentMemory[Past]):
    def __init__(self, width: int, depth: int, tokens: int = 64) -> None:
        super().__init__(width, depth)
        if tokens < 1:
            raise BadConfig(f"tokens must be at least 1, got {tokens}")
        self.tokens = tokens
        self.register_buffer("kind", torch.zeros(0), persistent=False)  # it has no parameters; this knows its device

    def init_state(self, batch: int) -> Past:
        none = self.like.new_zeros(batch, 0, self.width)
        return Past((none,) * self.depth)

    def read(self, segment: Tensor, state: Past) -> Context:
        return Context(past=state.layers)

    def write(self, out: SegmentOut, state: Past) -> Past:
        joined = (torch.cat([old, out.segment(i)], 1) for i, old in enumerate(state.layers))
        return Past(tuple(x[:, max(0, x.shape[1] - self.tokens) :] for x in joined))
