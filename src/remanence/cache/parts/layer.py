"""One layer of a memory cache: takes in new keys and values, and answers queries from what its policy reads.

It is a `CacheLayerMixin`, so transformers carries it through `generate`, beams and all; but it hands back only the new
keys, tagged with itself, and the attention function (attention.py) asks it for the rest.

Shapes: B batch, Q query heads, T new tokens, D width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from transformers.cache_utils import CacheLayerMixin

from remanence.cache.parts.attend import Scores
from remanence.cache.parts.heard import Heard
from remanence.cache.parts.held import Held
from remanence.cache.parts.reading import New, Reading, Ready
from remanence.errors import BadInput, NotAttached

if TYPE_CHECKING:
    from remanence.cache.base import Base
    from remanence.cache.parts.attach import Attached
    from remanence.cache.parts.rope import Rope

TAG = "_remanence_layer"


class MemoryLayer(CacheLayerMixin):
    """`policy` decides, `held` holds."""

    is_compileable = False
    is_sliding = False

    def __init__(self, policy: Base, index: int, heard: Heard) -> None:
        super().__init__()
        self.policy, self.index, self.heard = policy, index, heard
        self.held: Held | None = None
        self.attached: Attached | None = None
        self.ready: Ready | None = None
        self.padding = 0  # tokens at the start that are padding in some row

    # What transformers asks of a layer

    @property
    def is_croppable(self) -> bool:  # type: ignore[override]
        return not self.policy.forgets

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor | None = None) -> None:
        values = key_states if value_states is None else value_states
        self.dtype, self.device = key_states.dtype, key_states.device
        k, v = self.policy.store(key_states, "keys"), self.policy.store(values, "values")
        self.held = Held(k, v, self.heard, self.index, holds_rotated=self.policy.holds_rotated)
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        if self.attached is None or not self.attached.active:
            raise NotAttached(
                "this memory is read by a model only inside `with policy(model):`; outside of it old tokens would be "
                "dropped without a word"
            )
        if self.held is None:
            self.lazy_initialization(key_states, value_states)
        setattr(key_states, TAG, self)
        return key_states, value_states

    def get_seq_length(self, *args: Any, **kwargs: Any) -> int:
        return 0 if self.held is None else self.held.seen

    def get_mask_sizes(self, query_length: int | Tensor, *args: Any, **kwargs: Any) -> tuple[int, int]:
        new = query_length.shape[0] if isinstance(query_length, Tensor) else query_length  # before 5.3: positions
        return self.get_seq_length() + new, 0

    def get_max_length(self) -> int:
        return -1

    def get_max_cache_shape(self) -> int:  # its name before 5.0
        return -1

    def crop(self, tokens: int) -> None:
        """Take back the last -tokens; a positive number says how many to leave, as it did before 5.23."""
        if self.held is None:
            return
        left = max(0, self.held.seen + tokens) if tokens <= 0 else min(tokens, self.held.seen)
        if left == self.held.seen:
            return
        if self.policy.forgets:
            raise BadInput(f"{type(self.policy).__name__} lets go of tokens, so reading cannot be taken back (crop)")
        self.held.crop(left)
        self.policy.crop(self.held)
        self.ready = None
        if self.index == 0:
            self.heard.crop(left)

    def reset(self) -> None:
        self.held, self.ready, self.is_initialized = None, None, False
        self.policy = self.policy.fresh()
        self._pad(-self.padding)
        if self.index == 0:
            self.heard.crop(0)

    def reorder_cache(self, beam_idx: Tensor) -> None:
        if self.held is None:
            return
        self.held.rows(beam_idx)
        self.policy.rows(beam_idx)
        self.ready = None
        if self.index == 0:
            self.heard.rows(beam_idx)

    def batch_repeat_interleave(self, repeats: int) -> None:
        if self.held is not None:
            self.reorder_cache(torch.arange(self.held.k.data.shape[0]).repeat_interleave(repeats))

    def batch_select_indices(self, indices: Tensor) -> None:
        self.reorder_cache(indices)

    # What the attention function asks

    def answer(self, new: New, rope: Rope, module: nn.Module, scores: Scores) -> Tensor:
        """Take in new tokens and answer their queries, in pieces of `chunk` unless everything is read: [B, Q, T, D]."""
        assert self.held is not None
        if new.real is not None and len(self.held) == self.padding:
            self._pad(new.padding())
        step = self.policy.chunk
        if len(new) <= step or self.policy.covers(len(self.held) + len(new)):
            return self._piece(new, rope, module, scores)
        pieces = [new.piece(i, i + step) for i in range(0, len(new), step)]
        out = [self._piece(piece, rope, module, scores) for piece in pieces]
        return torch.cat(out, 2)

    def _pad(self, n: int) -> None:
        self.policy.pad(n)
        self.padding += n

    def _piece(self, new: New, rope: Rope, module: nn.Module, scores: Scores) -> Tensor:
        held, policy = self.held, self.policy
        assert held is not None
        past = len(held)
        reading = Reading(held, policy, rope, module, scores)
        if held.holds_rotated and not new.rotated:
            new = reading.rotate(new)
        held.append(new.k, new.v, new.real)
        if len(new) == 1 and self.ready is not None and self.ready.good(held):
            out = policy.attend(self.ready.read(reading, new.q), held)
        else:
            far = policy.choose(held, new.q, past)
            read = reading.all(new.q, past) if far is None else reading.part(new.q, past, far)
            self.ready = None if far is None else Ready.of(read, reading)
            out = policy.attend(read, held)
        n = len(held)
        policy.added(held)
        if len(held) < n and self.ready is None and not held.holds_rotated:  # those left stand elsewhere now
            reading.turned(len(held))
        return out
