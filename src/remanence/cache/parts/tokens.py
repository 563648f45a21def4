"""Vectors of tokens that grow by appending, and are read by span or by index.

Idea:    a buffer with room for more, so that a new token costs no copy of the old ones; few are joined anew instead.
         Beneath them, where there is one, a base that is never written: a document read before, mapped from its file
         and shared by the rows of a batch.
Cost:    append O(new), amortised; `take` copies what it takes: a flat index_select, which is 10 to 100 times faster
         than `gather` on a CPU.

Shapes: B batch, H key-value heads, N tokens, D width.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

Allocate = Callable[[tuple[int, ...], Tensor], Tensor]  # shape and a tensor of the same kind -> memory not filled yet
FIRST = 1024  # tokens a new buffer has room for at least
FEW = 2**15  # numbers: a core's cache holds them, and a copy in one piece costs less than a write and a view


def in_memory(shape: tuple[int, ...], like: Tensor) -> Tensor:
    return like.new_empty(shape)


def by_column(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """The same axes, but each of the D numbers lies together for all tokens: the products of one query with every
    vector are then read as fast as memory gives them, on a CPU about twice as fast as from rows."""
    _, h, n, d = shape
    return like.new_empty_strided(shape, (h * d * n, d * n, 1, n))


@dataclass
class Tokens:
    """`data` has room for more tokens than the `n` in use; positions count the base's tokens first."""

    data: Tensor  # [B, H, capacity, D]
    n: int = 0
    base: Tensor | None = None  # [1, H, N, D] or [B, H, N, D]
    beneath: int = 0  # of the base's tokens, so many count
    allocate: Allocate = in_memory

    @classmethod
    def like(cls, x: Tensor, allocate: Allocate = in_memory) -> "Tokens":
        """Empty, for tokens as in x [B, H, N, D]."""
        return cls(x.new_empty((*x.shape[:2], 0, x.shape[3])), allocate=allocate)

    @classmethod
    def of(cls, x: Tensor, room: int) -> "Tokens":
        """A copy of x, to which so many more will be appended."""
        tokens, (b, h, n, d) = cls.like(x), x.shape
        if not tokens._few(n + room):
            tokens.data = x.new_empty(b, h, n + room, d)
        tokens.append(x)
        return tokens

    def __len__(self) -> int:
        return self.beneath + self.n

    def append(self, x: Tensor) -> None:
        data, end = self.data, self.n + x.shape[2]
        room = data.shape[2]
        if end > room:
            if self._few(end):
                old = data if self.n == room else data[:, :, : self.n]
                self.data, self.n = torch.cat([old, x if x.dtype == old.dtype else x.to(old.dtype)], 2), end
                return
            self._make_room(end)
        self.data[:, :, self.n : end] = x
        self.n = end

    def span(self, start: int, end: int) -> Tensor:
        """[B, H, end - start, D]: a view where it lies in one piece; not to be written to."""
        low = self.beneath
        if start >= low:
            whole = start == low and end - low == self.data.shape[2]
            return self.data if whole else self.data[:, :, start - low : end - low]
        assert self.base is not None
        old = self.base[:, :, start : min(end, low)].expand(self.data.shape[0], -1, -1, -1)
        return old if end <= low else torch.cat([old, self.data[:, :, : end - low]], 2)

    def take(self, ids: Tensor) -> Tensor:
        """[B, H, R, D] for ids [B, H, R]; either of the first two axes may be 1: the same for all."""
        low = self.beneath
        if self.base is None:
            return _take(self.data, ids)
        if not self.n or not ids.numel() or int(ids.max()) < low:
            return self._wide(_take(self.base, ids), ids)
        old = self._wide(_take(self.base, ids.clamp(max=low - 1)), ids)
        return torch.where((ids < low)[..., None], old, _take(self.data, (ids - low).clamp(min=0)))

    def keep(self, ids: Tensor) -> None:
        """Hold only the tokens of ids, in that order."""
        kept = self.take(ids)
        self.base, self.beneath, self.n = None, 0, kept.shape[2]
        if self._few(self.n):
            self.data = kept
            return
        if not self.n <= self.data.shape[2] <= 2 * self._roomy(self.n):  # too small, or most of it in use no more
            self._new(self.n)
        self.data[:, :, : self.n] = kept

    def crop(self, n: int) -> None:
        """Hold the first n only."""
        self.beneath = min(self.beneath, n)
        self.n = n - self.beneath

    def rows(self, ids: Tensor) -> None:
        """Put other rows of the batch in the place of these: beams, repeats, a selection."""
        picked = self.allocate((len(ids), *self.data.shape[1:]), self.data)
        self.data = torch.index_select(self.data, 0, ids.to(self.data.device), out=picked)
        if self.base is not None and self.base.shape[0] > 1:
            self.base = self.base.index_select(0, ids.to(self.base.device))

    def place(self, allocate: Allocate) -> None:
        """From now on, have memory from here."""
        self.allocate = allocate

    def parts(self) -> dict[str, Tensor]:
        """What is held as tensors, to be saved; each has an empty name or one of its own."""
        return {"": self.span(0, len(self))}

    def lay(self, parts: Mapping[str, Tensor]) -> None:
        """Begin, empty, on top of what was saved."""
        self.base = parts[""]
        self.beneath = self.base.shape[2]

    @property
    def nbytes(self) -> int:
        """Of what is held; the room for more is not counted."""
        width = self.data.shape[3] * self.data.element_size()
        own = self.data.shape[0] * self.data.shape[1] * self.n * width
        return own + (0 if self.base is None else self.base.numel() * self.base.element_size())

    def _few(self, n: int) -> bool:
        """Whether so many tokens may be joined anew each time: not those that are to lie in a place of their own."""
        b, h, _, d = self.data.shape
        return n * b * h * d <= FEW and self.allocate is in_memory

    def _make_room(self, n: int) -> None:
        old = self.data[:, :, : self.n]
        self._new(n)
        self.data[:, :, : self.n] = old

    def _new(self, n: int) -> None:
        """A buffer for n tokens and an eighth more."""
        self.data = self.allocate((*self.data.shape[:2], self._roomy(n), self.data.shape[3]), self.data)

    @staticmethod
    def _roomy(n: int) -> int:
        return max(FIRST, n + n // 8)

    def _wide(self, taken: Tensor, ids: Tensor) -> Tensor:
        """What was taken from a base that the rows share, for every row."""
        return taken.expand(self.data.shape[0], -1, -1, -1) if ids.shape[0] == 1 else taken


def _take(x: Tensor, ids: Tensor) -> Tensor:
    """x [B|1, H, N, D], ids [B|1, H|1, R] -> [B, H, R, D], B the greater of the two."""
    b, h, n, d = max(x.shape[0], ids.shape[0]), *x.shape[1:]
    first = torch.arange(h, device=x.device)[:, None] * n
    if x.shape[0] > 1:
        first = first + torch.arange(x.shape[0], device=x.device)[:, None, None] * (h * n)
    at = (ids + first).expand(b, h, -1)
    return x.reshape(-1, d).index_select(0, at.flatten()).view(b, h, -1, d)
