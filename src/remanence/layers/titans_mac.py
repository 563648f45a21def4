"""Memory as context: a segment attends to what a long-term memory answers to it, and what it makes of that is written.

Source:  "Titans: Learning to Memorize at Test Time", Behrouz, Zhong, Mirrokni 2024 (arXiv 2501.00663), MAC.
Idea:    attention sees what is remembered beside what is said, and so decides what of either is worth remembering.
Cost:    O(T (P + 2 S)) attention, and the memory's cost twice; its state, and the tokens of an open segment.
Differs: a token sees the answers to itself and to those before it in the segment, and the gate uses the memory as it
         is after that token: with all answers, and the memory after the whole segment, it would see later tokens.

With M as the segments before left it, for every token x of a segment:

    h = M(W_q x)     y = Attention([p; h; x])     M <- y, written token by token     o = norm y ⊙ σ(norm M(y))

p are learned tokens, the same for every segment: what the task is, and not what was said.

Shapes: B batch, H heads, T tokens, S tokens of a segment, P persistent tokens, D width, K head.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import vmap

from remanence.errors import BadConfig
from remanence.layers.contract.state import State
from remanence.layers.parts.associative import Written
from remanence.layers.parts.qkv import QKV, Convs, Out, head_width
from remanence.layers.parts.segmented import SegmentedCell, looks_back
from remanence.layers.titans import Titans


@dataclass(frozen=True)
class Context(State):
    memory: Written
    convs: Convs


class TitansMAC(SegmentedCell[Context]):
    """`expansion` and `grad_chunk` are those of the memory."""

    def __init__(
        self, width: int, heads: int = 1, segment: int = 16, persistent: int = 4, expansion: int = 0,
        grad_chunk: int = 16, conv: int = 4,
    ) -> None:  # fmt: skip
        super().__init__(width, segment)
        if segment % grad_chunk:
            raise BadConfig(f"grad_chunk must divide the segment, got {grad_chunk} for a segment of {segment}")
        self.memory = Titans(width, heads, expansion, grad_chunk, conv)
        self.persistent = nn.Parameter(torch.randn(persistent, width))
        self.query, self.answer = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        head = head_width(width, heads)
        self.qkv, self.out = QKV(width, heads, head, head, conv), Out(width, heads, head)
        self.norm, self.gate_norm = nn.RMSNorm(width), nn.RMSNorm(width)

    def first(self, batch: int) -> Context:
        return Context(self.memory.init_state(batch), self.qkv.init_state(batch))

    def segment(self, x: Tensor, real: Tensor, memory: Context) -> tuple[Tensor, Context]:
        q, k, v, convs = self.qkv(x, memory.convs)
        before = torch.cat([self.persistent.expand(len(x), -1, -1), self.remembered(x, memory.memory)], 1)
        older_k, older_v = (self._heads(project(before)) for project in list(self.qkv.project)[1:])
        looks = looks_back(real)  # the same tokens, and the answers to them
        always = looks.new_ones(len(x), 1, x.shape[1], len(self.persistent))
        y = F.scaled_dot_product_attention(
            q, torch.cat([older_k, k], 2), torch.cat([older_v, v], 2), attn_mask=torch.cat([always, looks, looks], -1)
        )
        y = self.out(y)
        gate, written = self.memory(y, memory.memory, mask=real)
        return self.norm(y) * self.gate_norm(gate).sigmoid(), Context(written, convs)

    def remembered(self, x: Tensor, state: Written) -> Tensor:
        """h [B, T, D]; nothing is written."""
        q = F.normalize(F.silu(self._heads(self.query(x))), dim=-1)
        weights = tuple(self.memory.rule.weights(w) for w in state.u)
        h = vmap(vmap(vmap(self.memory.memory.read, in_dims=(None, 0))))(weights, q)
        answer: Tensor = self.answer(h.transpose(1, 2).flatten(2))
        return answer

    def _heads(self, x: Tensor) -> Tensor:
        """[B, T, D] -> [B, H, T, K]."""
        heads: Tensor = x.unflatten(2, (self.qkv.heads, -1)).transpose(1, 2)
        return heads
