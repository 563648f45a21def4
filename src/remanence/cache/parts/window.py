"""What a layer does that was trained to look back a window only (Mistral, Gemma 2 and 3, gpt-oss): just that."""

from dataclasses import dataclass

import torch
from torch import Tensor

from remanence.cache.base import Base, Far
from remanence.cache.parts.held import Held
from remanence.errors import BadConfig, BadInput


@dataclass
class Window(Base):
    """Reads its last `window` tokens where they were seen, and lets go of those far beyond."""

    window: int = 4096  # tokens, the reader included

    def __post_init__(self) -> None:
        if self.window < 1:
            raise BadConfig(f"window must be at least 1, got {self.window}")
        self.sinks, self.local, self.positions = 0, self.window, "true"

    @property
    def budget(self) -> int:
        return 0

    def covers(self, tokens: int) -> bool:
        return tokens <= self.window

    def choose(self, held: Held, query: Tensor, past: int) -> Far | None:
        within = len(held) <= self.window and held.where is None  # in order; else what stands between may be missing
        return None if within else self.far(held, query, 0, past)

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        first = max(0, len(held) - query.shape[2] - self.window + 1)
        return Far.span(first, first, query.device, self.window)

    def added(self, held: Held) -> None:
        if len(held) > 2 * self.window + self.chunk:
            n = len(held)
            held.keep(torch.arange(n - self.window - self.chunk, n, device=held.k.data.device)[None, None])

    def pad(self, n: int) -> None:
        return  # no sinks here

    def crop(self, held: Held) -> None:
        if len(held) < min(held.seen, self.window):
            raise BadInput(
                f"taken back too far: a layer with a window of {self.window} has let go of what it would need"
            )
