"""Keys of the far past without the channels that queries do not look at.

Source:  "ThinK: Thinner Key Cache by Query-Driven Pruning", Xu, Jie, Dong, Wang, Lu, Zhou, Saha, Xiong, Sahoo 2024
         (arXiv 2407.21018).
Idea:    a channel of a head matters as far as it moves the products of queries and keys; the least are dropped:
             score_j = ||Q_j K_j^T||_F = ||Q_j|| ||K_j||,   Q_j and K_j channel j of the newest queries and of the keys
Cost:    (1 - pruned) of the keys' bytes, and an index for each group of tokens; every token is read, at full width
         again for as long as that takes, which makes decoding slower, not faster.
Differs: channels are of keys before rotation: a channel that is dropped is read as zero and then rotated with its
         partner, which keeps its own. They are chosen for every `group` tokens that leave the local window, not once
         for the prompt, so generated tokens get thinner too. Queries of the heads that share keys count together.
"""

from dataclasses import dataclass, field
from sys import maxsize

import torch
from torch import Tensor

from remanence.cache.base import Base, Far, KeysOrValues
from remanence.cache.parts.compressed import Compressed
from remanence.cache.parts.held import Held
from remanence.cache.parts.tokens import Tokens
from remanence.errors import BadConfig


@dataclass
class ThinK(Base):
    pruned: float = 0.4  # of the channels (the paper's)
    window: int = 32  # newest queries that say which (the paper's)
    group: int = 128  # tokens that share a choice
    queries: Tensor | None = field(default=None, init=False, repr=False, compare=False)  # [B, Q, window, D], the newest

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.pruned < 1:
            raise BadConfig(f"pruned must be in [0, 1), got {self.pruned}")
        if self.window < 1 or self.group < 1:
            raise BadConfig(f"window and group must be at least 1, got {self.window} and {self.group}")

    @property
    def forgets(self) -> bool:
        return True  # no token, but channels, so that reading is not undone by taking it back

    @property
    def budget(self) -> int:
        return maxsize

    def covers(self, tokens: int) -> bool:
        return tokens <= self.sinks + self.local  # beyond, keys are thinner, so `all` must not keep a copy of them

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        seen = query if self.queries is None else torch.cat([self.queries.expand(len(query), -1, -1, -1), query], 2)
        self.queries = seen[:, :, -self.window :].clone()
        return Far.span(start, end, query.device)

    def store(self, like: Tensor, what: KeysOrValues) -> Tokens:
        if what == "values":
            return super().store(like, what)
        return _Thin(like, like.shape[3] - int(self.pruned * like.shape[3]), self.group, self.local)

    def added(self, held: Held) -> None:
        if self.queries is not None and isinstance(held.k, _Thin):  # around it another store may have been put
            held.k.settle_for(self.queries)


class _Thin(Compressed):
    """Codes are the channels kept [B, H, N, C], marks say which they are [B, H, G, C]."""

    def __init__(self, like: Tensor, kept: int, group: int, full: int) -> None:
        narrow = like.new_empty(*like.shape[:2], 0, kept)
        super().__init__(like, narrow, narrow.to(torch.int16), group, full)
        self.weights = narrow.new_ones(1, 1, like.shape[3])  # [B, H, D], ||Q_j||

    def settle_for(self, queries: Tensor) -> None:
        """Thin what is older than the newest in full, for queries like these [B, Q, T, D]."""
        self.weights = queries.unflatten(1, (self.data.shape[1], -1)).norm(dim=(2, 3))
        self.settle()

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        score = self.weights[:, :, None] * x.norm(dim=3)  # [B, H, G, D]
        channels = score.topk(self.codes.data.shape[3], -1).indices.sort(-1).values
        kept = x.gather(4, channels[:, :, :, None].expand(-1, -1, -1, self.group, -1))
        return kept.flatten(2, 3), channels.to(torch.int16)

    def decode(self, codes: Tensor, marks: Tensor) -> Tensor:
        full = codes.new_zeros(*codes.shape[:3], self.data.shape[3])
        return full.scatter_(3, marks.long().expand_as(codes), codes)
