"""Only the heads named read the far past, as the policy inside chooses it; all others read sinks and the near past.

Idea:    few heads of a model retrieve (retrieval_heads.py finds them); to the others the far past is of little use. Put
         it around any policy.
Cost:    as the policy inside, but nothing in layers in which no head is named.
Differs: nothing is let go of, so what is held is the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from remanence.cache.base import Base, Far
from remanence.cache.parts.heads import looking, of_layer
from remanence.cache.parts.held import Held
from remanence.cache.parts.wrapper import Wrapper
from remanence.errors import BadConfig


@dataclass
class PerHead(Wrapper):
    heads: Sequence[tuple[int, int]] = ()  # (layer, query head)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.policy.holds_rotated:
            raise BadConfig(
                f"{type(self.policy).__name__} holds keys where they were seen, to read all of them; PerHead leaves "
                "some out. Give it positions='compact', if it has a choice"
            )

    @property
    def budget(self) -> int:
        return self.policy.budget if self.heads else 0

    def on(self, layer: int, layers: int) -> Base:
        return replace(self, policy=self.policy.on(layer, layers), heads=of_layer(self.heads, layer, layers))

    def covers(self, tokens: int) -> bool:
        return tokens <= self.sinks + self.local  # beyond, the heads not named leave something out

    def choose(self, held: Held, query: Tensor, past: int) -> Far | None:
        if self.covers(past):
            return None
        end = past - self.local
        if not self.heads:
            return Far.span(end, end, query.device)
        far = self.policy.choose(held, query, past)
        if far is None:  # everything
            far = Far.span(self.sinks, end, query.device)
        return looking(far, self.heads, query)
