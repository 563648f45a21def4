"""Keys and values handed to a cache policy as a model would, without a model."""

from torch import Tensor

from remanence.cache.base import Base
from remanence.cache.parts.heard import Heard
from remanence.cache.parts.held import Held
from remanence.cache.parts.tokens import Tokens


def fed(policy: Base, keys: Tensor, values: Tensor, piece: int, real: Tensor | None = None) -> Held:
    """`piece` tokens at a time; `real` is False at padding."""
    held = Held(Tokens.like(keys), Tokens.like(values), Heard())
    for start in range(0, keys.shape[2], piece):
        end = start + piece
        held.append(keys[:, :, start:end], values[:, :, start:end], None if real is None else real[:, start:end])
        policy.added(held)
    return held
