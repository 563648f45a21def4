"""The attention function a model calls while a memory is attached, and the mask function that goes with it.

Both are registered with transformers under NAME, once; a model uses them only inside its `with` block.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

from remanence.cache.parts.attend import Scores
from remanence.cache.parts.layer import TAG, MemoryLayer
from remanence.cache.parts.reading import New
from remanence.errors import BadInput, CannotAttach

NAME, LOOK = "remanence", "remanence_look"
ATTACHED = "_remanence"  # where an attention module finds its attachment
USED = object()


def memory_attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **kwargs: Any
) -> tuple[Tensor, None]:
    """q [B, Q, T, D], k and v [B, H, T, D], rotated if the model does so -> [B, T, Q, D]. Mask: padding [B, tokens]."""
    attached = getattr(module, ATTACHED)
    layer = getattr(key, TAG, None)
    if layer is USED:
        raise CannotAttach(f"{type(module).__name__} shares keys between layers, which no memory here can follow yet")
    if layer is None:  # use_cache=False: a memory for this call alone
        layer = attached.passing(module.layer_idx)
        layer.update(key, value)
    setattr(key, TAG, USED)
    assert isinstance(layer, MemoryLayer)
    if attention_mask is not None and attention_mask.dim() != 2:
        raise BadInput(f"a memory takes padding masks [batch, tokens], got {list(attention_mask.shape)}")
    real = None if attention_mask is None else attention_mask[:, -query.shape[2] :].bool()
    scores = Scores(kwargs.get("scaling"), kwargs.get("softcap"), kwargs.get("s_aux"))
    out = layer.answer(New(query, key, value, real, attached.table is not None), attached.rope, module, scores)
    return out.transpose(1, 2).contiguous(), None


def onlooker(module: nn.Module, query: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, None]:
    """In the place of attention while the rotary module answers (0, 0): some of what is rotated vanishes then, and a
    layer where nothing does is one that goes without positions (in SmolLM3, Cohere 2 and EXAONE 4 some do)."""
    if not bool((query == 0).flatten(0, 2).all(0).any()):
        getattr(module, ATTACHED).rope.still.add(module.layer_idx)
    return torch.zeros_like(query).transpose(1, 2), None


def padding_only(*args: Any, attention_mask: Tensor | None = None, **kwargs: Any) -> Tensor | None:
    """Hands the padding mask [B, tokens] on, or None; what is causal or windowed is our attention's to know."""
    return None if attention_mask is None or bool(attention_mask.all()) else attention_mask


AttentionInterface.register(NAME, memory_attention)
AttentionInterface.register(LOOK, onlooker)
for _name in (NAME, LOOK):  # without a mask function of its own, an attention is never told of padding
    AttentionMaskInterface.register(_name, padding_only)
