"""A model put to the proof before a memory is attached: which layers rotate, and whether its logits come out the same.

Architectures differ in more than their names say, and an attention that is a little wrong still talks. So a few tokens
are read with the model's own cache and with a memory, in two pieces, and a model that is not reproduced is refused.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.cache_utils import Cache

from remanence.cache.parts.attention import LOOK
from remanence.errors import CannotAttach

PROBE = 24  # tokens
OFF = 0.02  # of the greatest logit: more than rounding, less than a mistake


@torch.no_grad()
def look(model: PreTrainedModel, decoder: Any, rotary: nn.Module) -> None:
    """One pass with cosines and sines of 0, in which attention (attention.py) notes the layers that do not rotate."""
    hook = rotary.register_forward_hook(_vanishing)
    decoder.set_attn_implementation(LOOK)
    try:
        decoder(_ids(model), use_cache=False)
    finally:
        hook.remove()


@torch.no_grad()
def asked(model: PreTrainedModel, cache: Cache) -> Tensor:
    """The logits of a few tokens, in two pieces."""
    pieces = _ids(model).split(PROBE // 2, 1)
    return torch.cat([model(piece, past_key_values=cache, use_cache=True).logits for piece in pieces], 1)


def check(model: PreTrainedModel, before: Tensor, after: Tensor) -> None:
    by_token = (after - before).abs().amax(-1).float() / before.abs().max()
    off = float(by_token.quantile(0.75))  # rounding may send a few tokens to another expert; a mistake is in the most
    if not off < OFF:
        raise CannotAttach(
            f"{type(model).__name__} is not reproduced with a memory attached: its logits are {off:.1%} off on {PROBE} "
            "tokens that all fit. Nothing was changed; this architecture is not supported"
        )


def _ids(model: PreTrainedModel) -> Tensor:
    vocabulary: int = model.config.get_text_config(decoder=True).vocab_size
    return torch.arange(3, 3 + PROBE, device=model.device)[None] % vocabulary


def _vanishing(module: nn.Module, args: Any, out: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return torch.zeros_like(out[0]), torch.zeros_like(out[1])
