"""Where a text falls into events: before what surprises, or rather where, before it, the keys around are parted best.

Source:  "Human-like Episodic Memory for Infinite Context LLMs", Fountas et al. 2024 (arXiv 2407.09450).
Idea:    a token with -log p > mean + gamma * std of the tokens before it surprises; of all cuts between the last
         event's start and that token the one is taken that makes the two sides, up to half as far beyond, the best
         communities of a graph of keys.
Cost:    O(its size) an event.
Differs: the authors' code begins the graph half an event before the last start, which on planted topics drew cuts to
         that start; and its volumes, for conductance, leave out edges between the sides.

Shapes: B batch, N tokens.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from remanence.cache.parts.cuts import conductance, modularity
from remanence.cache.parts.held import PADDING, Held


@dataclass(frozen=True, slots=True)
class Events:
    window: int  # tokens whose surprise a token's is compared with, before it
    gamma: float  # standard deviations
    least: int  # tokens of an event
    most: int
    refine: str  # modularity, conductance, none

    def ended(self, held: Held, opened: Tensor, end: int) -> tuple[list[list[list[int]]], Tensor]:
        """For each row the events [start, end] that are over at token `end`, and `opened` as it is then.

        `opened` [B, 2]: where the event starts that goes on, and the first token not asked yet whether it surprises.
        """
        known = min(len(held.heard), end)
        marks = self._marks(held, int(opened[:, 1].min()), known)
        ended: list[list[list[int]]] = [[] for _ in opened]
        now = []
        for row, (at, asked) in enumerate(opened.tolist()):
            for mark in [*(m for m in marks[row] if m >= asked), end]:
                while mark - at > self.most:
                    ended[row].append([at, at + self.most])
                    at += self.most
                if mark < end and mark - at >= self.least:
                    cut = self._refined(held, row, at, mark, end + self.window)
                    ended[row].append([at, cut])
                    at = cut
            now.append([at, max(asked, known)])
        return ended, torch.tensor(now, device=opened.device)

    def _marks(self, held: Held, start: int, end: int) -> list[list[int]]:
        """For each row those of the tokens start..end that surprise."""
        if held.heard.surprise is None or start >= end:
            return [[] for _ in range(len(held.k.data))]
        low = max(0, start - self.window - 1)
        surprise = held.heard.surprise[:, low:end]
        real = (held.places()[:, 0, low:end] != PADDING).expand_as(surprise)
        counts = F.pad(real[:, 1:] & real[:, :-1], (1, 0))  # nothing foretold the first token of a row
        marked = surprising(surprise, counts, self.window, self.gamma)[:, start - low :]
        return [[start + i for i in row.nonzero()[:, 0].tolist()] for row in marked]

    def _refined(self, held: Held, row: int, at: int, mark: int, past: int) -> int:
        """The best cut in at + least..mark."""
        if self.refine == "none":
            return mark
        keys = held.k.span(at, min(past, mark + (mark - at) // 2))[row].transpose(0, 1).flatten(1)
        value = modularity(keys) if self.refine == "modularity" else -conductance(keys)
        return at + self.least + int(value[self.least : mark + 1 - at].argmax())


def surprising(surprise: Tensor, counts: Tensor, window: int, gamma: float) -> Tensor:
    """[B, N]: whether each is above mean + gamma * std of those among the `window` before it that count."""
    s = surprise.double().masked_fill(~counts, 0)
    n, mean, square = (_trailing(x, window) for x in (counts.double(), s, s * s))
    mean, square = mean / n.clamp(min=1), square / n.clamp(min=1)
    return (n > 1) & counts & (s > mean + gamma * (square - mean**2).clamp(min=0).sqrt())


def _trailing(x: Tensor, window: int) -> Tensor:
    """The sum of the `window` elements before each along the last axis."""
    sums = F.pad(x.cumsum(1), (1, 0))[:, :-1]  # of all before each
    return sums - F.pad(sums, (window, 0))[:, : sums.shape[1]]
