"""Associative memory of modes: alike tokens are averaged, a new one takes the place of what was longest not renewed.

Source:  "CAMELoT: Towards Large Language Models with Training-Free Consolidated Associative Memory", He, Karlinsky,
         Kim, McAuley, Krotov, Feris 2024 (arXiv 2402.13449).
Idea:    consolidation: a token close to a mode moves its key and value there, as the (c + 1)th of their mean; novelty:
         one close to none becomes a mode; recency: it replaces the mode whose last token is oldest.
Cost:    one comparison of each token with all modes, when it leaves the local window; holds and reads
         sinks + states + local tokens, whatever was seen.
Differs: all modes are read, each where its newest token was; the paper reads the closest one for each token of the
         window. Closeness is of keys before rotation, and its bound is ours. Nothing is merged while all fits.

Shapes: B batch, H key-value heads, M modes, D width.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from remanence.cache.parts.held import PADDING
from remanence.cache.parts.merge import Merge, States
from remanence.errors import BadConfig


@dataclass
class Camelot(Merge):
    near: float = 0.9  # cosine of keys above which a token belongs to a mode

    def __post_init__(self) -> None:
        super().__post_init__()
        if not -1 <= self.near <= 1:
            raise BadConfig(f"near must be in [-1, 1], got {self.near}")

    def merge(self, states: States, old: int) -> States:
        if old:
            first = (x[:, :, :old].clone() for x in (states.k, states.v, states.places, states.counts))
            modes = States(*first)
        else:
            modes = _empty(states, self.states)
        unit = F.normalize(modes.k, dim=-1)
        for t in range(old, states.k.shape[2]):
            self._write(modes, unit, states, t)
        order = modes.places.argsort(-1)
        wide = order[..., None].expand_as(modes.k)
        k, v = modes.k.gather(2, wide), modes.v.gather(2, order[..., None].expand_as(modes.v))
        return States(k, v, modes.places.gather(2, order), modes.counts.gather(2, order))

    def _write(self, modes: States, unit: Tensor, states: States, t: int) -> None:
        """Token t into the modes, in place. `unit` are their keys at length 1."""
        k, v, place = states.k[:, :, t], states.v[:, :, t], states.places[:, :, t]
        alike = torch.einsum("bhmd,bhd->bhm", unit, F.normalize(k, dim=-1))
        best, at = alike.masked_fill(modes.places == PADDING, -torch.inf).max(-1)
        known = best > self.near
        at = torch.where(known, at, modes.places.argmin(-1))[..., None]  # [B, H, 1]; an empty mode is the oldest
        real = (place != PADDING)[..., None]
        count = modes.counts.gather(2, at)
        before = count * known[..., None]  # a mode replaced counts for nothing
        for mode, new in ((modes.k, k), (modes.v, v)):
            wide = at[..., None].expand(-1, -1, -1, mode.shape[3])
            kept = mode.gather(2, wide)
            mean = (before[..., None] * kept + new[:, :, None]) / (before[..., None] + 1)
            mode.scatter_(2, wide, torch.where(real[..., None], mean, kept))
        wide = at[..., None].expand(-1, -1, -1, unit.shape[3])
        unit.scatter_(2, wide, F.normalize(modes.k.gather(2, wide), dim=-1))
        modes.counts.scatter_(2, at, torch.where(real, before + 1, count))
        modes.places.scatter_(2, at, torch.where(real, place[..., None], modes.places.gather(2, at)))


def _empty(states: States, n: int) -> States:
    shape = (*states.places.shape[:2], n)
    k, v = (x.new_zeros(*shape, x.shape[3]) for x in (states.k, states.v))
    return States(k, v, states.places.new_full(shape, PADDING), states.counts.new_zeros(shape))
