"""Of neighbouring states the most alike are merged, again and again, until as many are left as are to be held.

Source:  "MovieChat: From Dense Token to Sparse Memory for Long Video Understanding", Song et al. 2023
         (arXiv 2307.16449), algorithm 1.
Idea:    what goes on unchanged needs few states, what happens once needs its own: merging the neighbours with the
         highest cosine, by the tokens they stand for, spends a fixed number of states where things change.
Cost:    one merge for each token that leaves the local window, each a few operations on one number a state; holds and
         reads sinks + states + local tokens.
Differs: of the keys and values of a language model, each head for itself, instead of frames of a video; a state's
         cosine is the mean of its key's and its value's, as the paper's is over the tokens of a frame. The local window
         is the short-term memory; what leaves it is merged together with what was merged before, not batch by batch.

Shapes: B batch, H key-value heads, N states, D width.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from remanence.cache.parts.held import PADDING
from remanence.cache.parts.merge import Merge, States


@dataclass
class MovieChat(Merge):
    def merge(self, states: States, old: int) -> States:
        k, v, places, counts = (x.flatten(0, 1) for x in (states.k, states.v, states.places, states.counts))
        line = _Line(torch.cat([k, v], -1), k.shape[-1], places.clone(), counts.clone())
        for _ in range(k.shape[1] - self.states):
            line.merge()
        kv, places, counts = line.left()
        k, v = kv.split((k.shape[-1], v.shape[-1]), -1)
        shape = states.k.shape[:2]
        return States(*(x.unflatten(0, shape) for x in (k, v, places, counts)))


class _Line:
    """The states of every batch row and head; `at` [N, M] are those left, `alike` how much each is like the next.

    An empty state is like any other, so it goes first, and counts nothing.
    """

    def __init__(self, kv: Tensor, width: int, places: Tensor, counts: Tensor) -> None:
        self.kv, self.width, self.places, self.counts = kv, width, places, counts
        self.unit = self._unit(kv)
        self.at = torch.arange(kv.shape[1], device=kv.device).repeat(len(kv), 1)
        self.alike = self._alike(self.at[:, :-1], self.at[:, 1:])

    def merge(self) -> None:
        """The two neighbours most alike, into the later."""
        i = self.alike.argmax(1, keepdim=True)
        a, b = self.at.gather(1, i), self.at.gather(1, i + 1)
        n_a, n_b = self.counts.gather(1, a), self.counts.gather(1, b)
        share = (n_a / (n_a + n_b).clamp(min=1))[..., None]
        mean = torch.lerp(self._of(self.kv, b), self._of(self.kv, a), share)
        for x, new in ((self.kv, mean), (self.unit, self._unit(mean))):
            x.scatter_(1, b[..., None].expand_as(new), new)
        self.counts.scatter_(1, b, n_a + n_b)
        self.at, self.alike = _without(self.at, i), _without(self.alike, i)
        if self.alike.shape[1]:
            for pair in ((i - 1).clamp(min=0), i.clamp(max=self.alike.shape[1] - 1)):
                both = self.at.gather(1, pair), self.at.gather(1, pair + 1)
                self.alike.scatter_(1, pair, self._alike(*both))

    def left(self) -> tuple[Tensor, Tensor, Tensor]:
        """Keys and values, places and counts."""
        return self._of(self.kv, self.at), self.places.gather(1, self.at), self.counts.gather(1, self.at)

    def _alike(self, a: Tensor, b: Tensor) -> Tensor:
        cosine = (self._of(self.unit, a) * self._of(self.unit, b)).sum(-1)
        empty = (self.places.gather(1, a) == PADDING) | (self.places.gather(1, b) == PADDING)
        return cosine.masked_fill(empty, torch.inf)

    def _unit(self, kv: Tensor) -> Tensor:
        k, v = kv[..., : self.width], kv[..., self.width :]
        return torch.cat([F.normalize(k, dim=-1), F.normalize(v, dim=-1)], -1) / 2**0.5

    def _of(self, x: Tensor, ids: Tensor) -> Tensor:
        return x.gather(1, ids[..., None].expand(-1, -1, x.shape[-1]))


def _without(x: Tensor, i: Tensor) -> Tensor:
    """x [N, M] without element i [N, 1] of each row."""
    kept = torch.arange(x.shape[1] - 1, device=x.device)
    return x.gather(1, kept + (kept >= i))
