"""Memory around a model that reads in segments: asked before each, told after each.

A memory adds to what a model reads: tokens before and after the segment, states each layer may look back at, or a
change to what enters a layer. The model knows nothing of it; `SegmentRunner` puts the two together.

Shapes: B batch, T tokens of a segment, P tokens put before, S tokens put after, D width, L layers.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils.checkpoint import checkpoint

from remanence.errors import BadConfig
from remanence.layers.base import Base
from remanence.layers.contract.state import State

Depth = Literal["full", "detach", "replay"] | int
S = TypeVar("S", bound=State)


class Backbone(Protocol):
    """A stack of layers whose attention can look back at states handed to it."""

    width: int
    depth: int

    def embed(self, ids: Tensor) -> Tensor:
        """ids [B, T] -> [B, T, D]."""

    def layer(self, i: int, x: Tensor, past: Tensor | None) -> Tensor:
        """Layer i on x [B, T, D], causal; every token may also look at past [B, M, D], states as they enter layer i."""

    def head(self, x: Tensor) -> Tensor:
        """What the last layer leaves [B, T, D] -> logits [B, T, V]."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a memory adds to one segment."""

    prefix: Tensor | None = None  # [B, P, D]
    suffix: Tensor | None = None  # [B, S, D]
    past: tuple[Tensor | None, ...] = ()  # for each layer [B, M, D], or nothing at all
    enter: Callable[[int, Tensor], Tensor] | None = None  # (layer, what enters it) -> what enters it instead


@dataclass(frozen=True, slots=True)
class SegmentOut:
    """What a model made of one segment."""

    left: tuple[Tensor, ...]  # the embeddings, then what left each of the L layers: L + 1 times [B, P + T + S, D]
    hidden: tuple[Tensor, ...]  # the same after the memory's `enter`: what each layer took in, and what left the last
    prefix: int
    suffix: int

    def segment(self, i: int) -> Tensor:
        """Level i of the segment itself [B, T, D]."""
        return self.hidden[i][:, self.prefix : self.hidden[i].shape[1] - self.suffix]

    def unread(self, i: int) -> Tensor:
        """The same before the memory was read into it: what left the layer before."""
        return self.left[i][:, self.prefix : self.left[i].shape[1] - self.suffix]

    def after(self, i: int) -> Tensor:
        """Level i of the tokens put after it [B, S, D]."""
        return self.hidden[i][:, self.hidden[i].shape[1] - self.suffix :]


class SegmentMemory(Base, Generic[S]):
    """Made from the width and the number of layers of the model it goes around."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__(width)
        self.depth = depth

    @abstractmethod
    def init_state(self, batch: int) -> S:
        """What is remembered before the first segment."""

    @abstractmethod
    def read(self, segment: Tensor, state: S) -> Context:
        """What the model is given besides this segment [B, T, D] of embeddings."""

    @abstractmethod
    def write(self, out: SegmentOut, state: S) -> S:
        """What is remembered after it."""


@dataclass(frozen=True)
class SegmentRunner(Generic[S]):
    """`bptt`: how far gradients go back through the state.

    full     through every segment
    k        through the last k segments before each
    detach   through none
    replay   as full, but what a segment computed is not kept: each is run again, last first, from the state before it
             (memory replay backpropagation, Wu et al. 2020, arXiv 2010.06891)
    """

    backbone: Backbone
    memory: SegmentMemory[S]
    segment_len: int
    bptt: Depth = "full"

    def __post_init__(self) -> None:
        if self.segment_len < 1:
            raise BadConfig(f"segment_len must be at least 1 token, got {self.segment_len}")
        if isinstance(self.bptt, int) and self.bptt < 1:
            raise BadConfig(f"bptt must be full, detach, replay or a number of segments from 1, got {self.bptt}")

    def __call__(self, ids: Tensor, state: S | None = None) -> tuple[Tensor, S]:
        """ids [B, N] -> logits [B, N, V] and the state after the last segment."""
        state = self.memory.init_state(len(ids)) if state is None else state
        out = []
        for i, segment in enumerate(ids.split(self.segment_len, 1)):
            if self.bptt == "detach" or (isinstance(self.bptt, int) and i % self.bptt == 0):
                state = state.detach()
            logits, state = self._replayed(segment, state) if self.bptt == "replay" else self.segment(segment, state)
            out.append(logits)
        return torch.cat(out, 1), state

    def segment(self, ids: Tensor, state: S) -> tuple[Tensor, S]:
        """One segment [B, T] -> its logits [B, T, V] and the state after it."""
        x = self.backbone.embed(ids)
        context = self.memory.read(x, state)
        prefix, suffix = (0 if part is None else part.shape[1] for part in (context.prefix, context.suffix))
        x = torch.cat([part for part in (context.prefix, x, context.suffix) if part is not None], 1)
        left, hidden = [x], []
        for i in range(self.backbone.depth):
            x = x if context.enter is None else context.enter(i, x)
            hidden.append(x)
            x = self.backbone.layer(i, x, context.past[i] if context.past else None)
            left.append(x)
        out = SegmentOut(tuple(left), (*hidden, x), prefix, suffix)
        return self.backbone.head(out.segment(len(hidden))), self.memory.write(out, state)

    def _replayed(self, ids: Tensor, state: S) -> tuple[Tensor, S]:
        """The same with only the state before it kept for the way back."""
        leaves, shape = pytree.tree_flatten(state)

        def run(*leaves: Any) -> tuple[Any, ...]:
            logits, after = self.segment(ids, pytree.tree_unflatten(list(leaves), shape))
            return (logits, *pytree.tree_flatten(after)[0])

        logits, *after = checkpoint(run, *leaves, use_reentrant=False)
        return logits, pytree.tree_unflatten(after, shape)
