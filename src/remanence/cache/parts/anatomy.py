"""Where in a model a memory takes hold: the decoder, its rotary module, and the attention of its layers.

They are known by what they have and by the ends of their names, which hold across the architectures of transformers;
what is found is put to the proof by the attachment's probe.
"""

import inspect
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from remanence.errors import CannotAttach


def decoder_of(model: PreTrainedModel) -> Any:
    """The module that owns both the layers and a rotary module."""
    for module in model.modules():
        if hasattr(module, "layers") and any(_is_rotary(child) for child in module.children()):
            return module
    raise CannotAttach(
        f"{type(model).__name__} has no rotary module beside its layers; a memory needs rotary positions"
    )


def rotary_of(decoder: nn.Module) -> nn.Module:
    found = [module for module in decoder.children() if _is_rotary(module)]
    if len(found) > 1:  # Gemma 3 before transformers 5: nothing there says which layer has which
        raise CannotAttach(f"{type(decoder).__name__} has {len(found)} rotary modules; a memory needs a single one")
    return found[0]


def attentions_of(decoder: nn.Module) -> list[nn.Module]:
    """The attention module of each layer."""
    found = [m for m in decoder.modules() if hasattr(m, "layer_idx") and type(m).__name__.endswith("Attention")]
    if not found:
        raise CannotAttach(f"{type(decoder).__name__} has no attention modules that know their layer")
    kind = type(found[0])
    complex_ = "freqs_cis" in inspect.signature(kind.forward).parameters
    if complex_ or not hasattr(inspect.getmodule(kind), "apply_rotary_pos_emb"):
        raise CannotAttach(f"{kind.__name__} rotates in a way of its own (complex numbers, mostly), not supported")
    if hasattr(found[0], "kv_lora_rank"):
        raise CannotAttach(f"{kind.__name__} caches latents in the place of keys and values, which is not supported")
    return found


def _is_rotary(module: nn.Module) -> bool:
    return "Rotary" in type(module).__name__
