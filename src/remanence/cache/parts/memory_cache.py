"""The cache that carries a memory through a model: one `MemoryLayer` a layer.

Layers that look back only a window (Mistral, Gemma 2 and 3, gpt-oss) keep their window; the others get the policy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache

from remanence.cache.parts.heard import Heard
from remanence.cache.parts.layer import MemoryLayer
from remanence.cache.parts.window import Window
from remanence.errors import BadInput, CannotAttach

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

    from remanence.cache.base import Base

FULL, SLIDING = "full_attention", "sliding_attention"


class MemoryCache(Cache):
    """Goes where `past_key_values` goes."""

    def __init__(self, config: PreTrainedConfig, policy: Base) -> None:
        super().__init__(layers=[*layers(config, policy)])

    @property
    def memory_layers(self) -> Sequence[MemoryLayer]:
        return [layer for layer in self.layers if isinstance(layer, MemoryLayer)]

    @property
    def ids(self) -> Tensor:
        """[B, N]: every token read so far, also those let go of."""
        read = self.memory_layers[0].heard.read
        known, seen = 0 if read is None else read.shape[1], self.get_seq_length()
        if read is None or known != seen:
            raise BadInput(f"the ids of {known} of {seen} tokens are known: the model was given embeddings, not ids")
        return read

    def prompt(self, ids: Tensor) -> Tensor:
        """[B, N + T]: what `generate` is to be given with this cache, for it to go on with ids [B, T]."""
        return torch.cat([self.ids.to(ids.device), ids], 1)

    def save(
        self, path: str | PathLike[str], tokenizer: Any = None, progress: Callable[[int, int], None] | None = None
    ) -> None:
        """Write all that is kept to a file; `progress` is told the bytes written and of how many (see stored.py)."""
        from remanence.cache.parts.stored import save  # safetensors is wanted by those who save and load only

        save(self, Path(path), tokenizer, progress)

    @property
    def nbytes(self) -> int:
        """Of all that is kept: keys, values, and what policies noted."""
        held = sum(layer.held.nbytes for layer in self.memory_layers if layer.held is not None)
        return held + sum(layer.policy.nbytes for layer in self.memory_layers)


def layers(config: PreTrainedConfig, policy: Base) -> list[MemoryLayer]:
    """One for each layer of the model."""
    config, heard = config.get_text_config(decoder=True), Heard()
    windows = _windows(config)
    policies = [
        policy.on(i, len(windows)) if window is None else Window(window=window) for i, window in enumerate(windows)
    ]
    return [MemoryLayer(policy, i, heard) for i, policy in enumerate(policies)]


def _windows(config: PreTrainedConfig) -> list[int | None]:
    """For each layer how far it looks back, None for all the way."""
    n = config.num_hidden_layers
    window = getattr(config, "sliding_window", None) if getattr(config, "use_sliding_window", True) else None
    kinds = getattr(config, "layer_types", None)
    if kinds is None:  # Mistral and its like: the same for all layers
        return [window] * n
    if others := sorted({*kinds} - {FULL, SLIDING}):  # recurrent, chunked, ...: they remember in ways of their own
        raise CannotAttach(f"a memory knows layers of {FULL} and {SLIDING}; {type(config).__name__} has {others}")
    return [window if kind == SLIDING else None for kind in kinds]
