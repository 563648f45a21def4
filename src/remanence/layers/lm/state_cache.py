"""The states of a model's layers, where `generate` expects a cache."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache

from remanence.errors import BadInput
from remanence.layers.contract.state import State


class StateCache(Cache):
    """One state a layer; `seen` tokens were read into them. Nothing of it grows, unless a state does."""

    def __init__(self, states: tuple[State, ...], seen: int = 0) -> None:
        super().__init__(layers=[])
        self.states, self.seen = states, seen

    def get_seq_length(self, *args: Any, **kwargs: Any) -> int:
        return self.seen

    def get_max_length(self, *args: Any, **kwargs: Any) -> int:
        return -1

    def reorder_cache(self, beam_idx: Tensor) -> None:
        self.states = tuple(state.index_select(beam_idx) for state in self.states)

    def batch_repeat_interleave(self, repeats: int) -> None:
        batch = next(x.shape[0] for state in self.states for _, x in state.tensors())
        self.reorder_cache(torch.arange(batch).repeat_interleave(repeats))

    def batch_select_indices(self, indices: Tensor) -> None:
        self.reorder_cache(indices)

    def crop(self, tokens_to_remove: int) -> None:
        raise BadInput("a state cannot be taken back: what was read into it is mixed with what came before")

    @property
    def nbytes(self) -> int:
        return sum(state.nbytes for state in self.states)

    @property
    def is_compileable(self) -> bool:
        return False
