"""Who computed a memory: enough to refuse keys and values that come from another model.

Idea:    a few values of every parameter are hashed, so that a fine-tuned, edited, quantised or adapted model is another
         one, without reading gigabytes. A folder that was moved or a model under another name is still the same.
Cost:    one small gather a parameter.
Differs: a change that touches none of the VALUES sampled of any parameter goes unseen. Settings are
         compared as transformers names them: a version that names them anew refuses what an older one saved.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from remanence.cache.parts.disk import raw

VALUES = 64  # of each parameter, evenly spaced
ROPE = ("rope", "rotary", "max_position_embeddings")  # settings with these in their names turn keys
LAYERS = ("_hidden_layers", "_attention_heads", "_key_value_heads", "hidden_size", "head_dim", "sliding_window")
NAMES_ONLY = ("model",)  # told when something differs, but no difference in itself


@dataclass(frozen=True)
class Identity:
    """Of a model, and of the tokenizer it was fed by where that is known."""

    model: str
    revision: str | None
    dtype: str
    layers: str
    rope: str
    weights: str
    tokenizer: str | None = None

    @classmethod
    def of(cls, model: PreTrainedModel, tokenizer: Any = None) -> "Identity":
        config = model.config.get_text_config(decoder=True)
        said = config.to_dict()
        return cls(
            model=str(model.config.name_or_path),
            revision=getattr(model.config, "_commit_hash", None),
            dtype=str(model.dtype).removeprefix("torch."),
            layers=_hash([_about(said, LAYERS)]),
            rope=_hash([_about(said, ROPE)]),
            weights=_hash(_samples(model)),
            tokenizer=None
            if tokenizer is None
            else _hash([json.dumps(sorted(tokenizer.get_vocab().items())).encode()]),
        )

    def differs(self, other: "Identity") -> list[str]:
        """In what two that are both known differ, in words; empty for the same model."""
        mine, theirs = asdict(self), asdict(other)
        both = [name for name in mine if mine[name] and theirs[name] and mine[name] != theirs[name]]
        return both if set(both) - set(NAMES_ONLY) else []


def _about(config: dict[str, Any], names: tuple[str, ...]) -> bytes:
    return json.dumps(
        {key: config[key] for key in sorted(config) if any(name in key for name in names)}, default=str, sort_keys=True
    ).encode()


def _samples(model: PreTrainedModel) -> Iterable[bytes]:
    for name, parameter in model.named_parameters():
        yield f"{name} {tuple(parameter.shape)} {parameter.dtype}".encode()
        if not parameter.is_meta and parameter.numel():
            yield _bytes(parameter.detach())


def _bytes(x: Tensor) -> bytes:
    n = x.numel()
    at = torch.linspace(0, n - 1, min(VALUES, n), dtype=torch.float64, device=x.device).long()
    return bytes(raw(x.reshape(-1)[at]))


def _hash(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()
