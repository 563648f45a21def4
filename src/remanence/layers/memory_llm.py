"""A pool of hidden states at every layer: each segment puts in a few of its own, and as many of the old go at random.

Source:  "MEMORYLLM: Towards Self-Updatable Large Language Models", Wang, Gao, Chen, Jiang, Li, Yang, Yin, Li, Li, Yin,
         Shang, McAuley 2024 (arXiv 2402.04624).
Idea:    who goes is drawn, so nothing has a last day: of what one update wrote, (1 - K/N)^t is left t updates later on
         average, at a size that never changes.
Cost:    attention to N states more a layer; L N D numbers of state.
Differs: one pass reads and writes, where the authors' code runs a text through the model once with the last K states
         to write it, and again to read. The pool is learned at first, theirs is filled with copies of what the first
         text wrote; theirs marks the K new states with a learned vector. Draws follow from how many updates a row has
         had, so that a text in pieces is the same as in one.

    layer l attends to [θ_l; h_l]     θ_l <- [K fewer of θ_l, in order; last K of what left layer l]

Shapes: B batch, N states of a pool, K written by a segment, D width, L layers.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from remanence.errors import BadConfig
from remanence.layers.contract.segment import Context, SegmentMemory, SegmentOut
from remanence.layers.contract.state import State

PRIMES = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)  # odd and near 2^32: xxHash's


@dataclass(frozen=True)
class Pools(State):
    layers: tuple[Tensor, ...]  # L times [B, N, D], oldest first
    updates: Tensor  # [B], whole numbers: how often a row was written


class MemoryLLM(SegmentMemory[Pools]):
    """`slots` is N, `new` is K; a segment shorter than K writes all its tokens."""

    def __init__(self, width: int, depth: int, slots: int = 32, new: int = 8) -> None:
        super().__init__(width, depth)
        if not 1 <= new <= slots:
            raise BadConfig(f"new must be from 1 to slots = {slots}, got {new}")
        self.slots, self.new = slots, new
        self.first = nn.ParameterList(torch.randn(slots, width) * 0.02 for _ in range(depth))

    def init_state(self, batch: int) -> Pools:
        updates = torch.zeros(batch, dtype=torch.long, device=self.like.device)
        return Pools(tuple(pool.expand(batch, -1, -1) for pool in self.first), updates)

    def read(self, segment: Tensor, state: Pools) -> Context:
        return Context(past=state.layers)

    def write(self, out: SegmentOut, state: Pools) -> Pools:
        pools = []
        for i, pool in enumerate(state.layers):
            new = out.unread(i + 1)[:, -self.new :]
            stay = staying(state.updates, i, self.slots, self.slots - new.shape[1])
            kept = pool.gather(1, stay[..., None].expand(-1, -1, self.width))
            pools.append(torch.cat([kept, new], 1))
        return Pools(tuple(pools), state.updates + 1)


def staying(updates: Tensor, layer: int, slots: int, n: int) -> Tensor:
    """updates [B] -> which n of the slots stay [B, n], in order: those whose hash is greatest."""
    slot = torch.arange(slots, device=updates.device)
    mixed = (updates[:, None] + 1) * PRIMES[0] + (layer + 1) * PRIMES[1] + slot * PRIMES[2]
    for _ in range(3):  # whole numbers wrap around; each round spreads every bit over all
        mixed = (mixed ^ (mixed >> 29)) * PRIMES[1]
        mixed = (mixed ^ (mixed >> 32)) * PRIMES[2]
    return mixed.argsort(1, descending=True)[:, :n].sort(1).values
