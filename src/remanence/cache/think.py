"""Keys of the far past without the channels that queries do not look at.

Source:  "ThinK: Thinner Key Cache by Query-Driven Pruning", Xu, Jie, Dong, Wang, Lu, Zhou, Saha, Xiong, Sahoo 2024
         (arXiv 2407.21018).
Idea:    a channel of a head matters as far as it moves the products of queries and keys; the least are dropped:
             score_j = ||Q_j K_j^T||_F = ||Q_j|| ||K_j||,   Q_j and K_j channel j of the newest queries and of the keys
Cost:    (1 - pruned) of the keys' bytes, and an index for each group of tokens. One query reads the thin keys as they
         lie, so less than at full width; several at once read keys that are made wide for it.
Differs: channels are chosen for every `group` tokens that leave the local window, not once for the prompt, so generated
         tokens get thinner too. Queries of the heads that share keys count together.
"""

from dataclasses import dataclass, field, replace
from sys import maxsize

import torch
from torch import Tensor

from remanence.cache.base import Base, Far, KeysOrValues
from remanence.cache.parts.attend import Read, attend
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
        if self.positions == "fixed":
            raise BadConfig("ThinK reads every key where it was seen: positions must be compact or true, got 'fixed'")

    @property
    def forgets(self) -> bool:
        return True  # no token, but channels, so that reading is not undone by taking it back

    @property
    def holds_rotated(self) -> bool:
        return True

    @property
    def budget(self) -> int:
        return maxsize

    def covers(self, tokens: int) -> bool:
        return tokens <= self.sinks + self.local  # beyond, keys are thinner, so a text is read in pieces of `chunk`

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        return Far.span(start, end, query.device)

    def choose(self, held: Held, query: Tensor, past: int) -> None:
        """Everything, always."""

    def store(self, like: Tensor, what: KeysOrValues) -> Tokens:
        if what == "values":
            return super().store(like, what)
        return _Thin(like, like.shape[3] - int(self.pruned * like.shape[3]), self.group, self.local)

    def rotated_keys(self, held: Held, queries: int) -> Tensor:
        """The queries' own; the others are met as they lie, or made wide."""
        return held.k.span(len(held) - queries, len(held))

    def attend(self, read: Read, held: Held) -> Tensor:
        q = read.query
        seen = q if self.queries is None else torch.cat([self.queries.expand(len(q), -1, -1, -1), q], 2)
        newest = seen[:, :, -self.window :]
        self.queries = newest if q.shape[2] == 1 else newest.clone()  # a prompt's other queries are let go of
        thin, plain = held.k, read.scores.softcap is None and read.scores.sink is None
        assert isinstance(thin, _Thin)
        if q.shape[2] > 1 or not plain or not len(thin.codes):
            return attend(replace(read, keys=thin.span(0, len(thin))))
        folded = q.unflatten(1, (thin.data.shape[1], -1))[:, :, :, 0]  # [B, H, Q / H, D]
        s = thin.products(folded * read.scores.scale(q.shape[3]))
        if read.mask is not None:
            s = s.masked_fill(~read.mask[:, :, 0, None], -torch.inf)
        return (s.softmax(-1) @ read.values).view_as(q)

    def added(self, held: Held) -> None:
        if self.queries is not None and isinstance(held.k, _Thin):
            held.k.settle_for(self.queries)


class _Thin(Compressed):
    """Codes are the channels kept [B, H, N, C], marks say which they are [B, H, G, C]."""

    def __init__(self, like: Tensor, kept: int, group: int, full: int) -> None:
        narrow = like.new_empty(*like.shape[:2], 0, kept)
        super().__init__(like, narrow, narrow.to(torch.int16), group, full)
        self.weights = narrow.new_ones(1, 1, like.shape[3])  # [B, H, D], ||Q_j||

    def products(self, q: Tensor) -> Tensor:
        """With queries [B, H, Q, D]: [B, H, Q, N]. Each group meets the channels that it kept."""
        marks = self.marks.span(0, len(self.marks)).long()  # [B, H, G, C]
        codes = self.codes.span(0, len(self.codes)).unflatten(2, (-1, self.group))  # [B, H, G, group, C]
        to = (*marks.shape[:3], q.shape[2], marks.shape[3])
        narrow = q[:, :, None].expand(*to[:4], -1).gather(4, marks[:, :, :, None].expand(to))
        old = (narrow @ codes.mT).transpose(2, 3).flatten(3)
        return torch.cat([old, q @ self.newest.span(0, len(self.newest)).mT], 3)

    def settle_for(self, queries: Tensor) -> None:
        """Thin what is older than the newest in full, for queries like these [B, Q, T, D], if that is worth it."""
        if self.due():
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
