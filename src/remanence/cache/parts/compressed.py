"""Tokens in fewer bytes: the newest in full, all before them coded in groups, and turned back where they are read.

Idea:    a group of tokens has codes, a row for each, and marks that say how to read them, one row for all. What is not
         read is never turned back.
Cost:    what `span` and `take` hand out is made anew each time.

Shapes: B batch, H key-value heads, N tokens, D width, C width of the codes, M of the marks, G groups.
"""

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from remanence.cache.parts.tokens import Allocate, Tokens

AT_ONCE = 32  # tokens beyond `full` before the oldest are coded: that costs a move of all in full


class Compressed(Tokens):
    """`data` is of the newest tokens, which are in full: at least `full` of them."""

    def __init__(self, like: Tensor, codes: Tensor, marks: Tensor, group: int, full: int) -> None:
        """For tokens like [B, H, ., D], coded as codes [B, H, ., C] with marks [B, H, ., M] for each group."""
        self.codes, self.marks, self.newest = Tokens.like(codes), Tokens.like(marks), Tokens.like(like)
        super().__init__(self.newest.data)
        self.group, self.full = group, full

    @abstractmethod
    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Groups [B, H, G, group, D] -> the codes [B, H, G * group, C] and the marks [B, H, G, M]."""

    @abstractmethod
    def decode(self, codes: Tensor, marks: Tensor) -> Tensor:
        """Codes [B, H, R, C] and the marks of each token [B, H, R, M] -> [B, H, R, D]."""

    def __len__(self) -> int:
        return len(self.codes) + len(self.newest)

    def append(self, x: Tensor) -> None:
        self.newest.append(x)
        self.data = self.newest.data

    def settle(self) -> None:
        """Code what is older than the newest `full` tokens, if that is worth it."""
        if self.due():
            self._code((len(self.newest) - self.full) // self.group * self.group)

    def due(self) -> bool:
        return len(self.newest) - self.full >= max(AT_ONCE, self.group)

    def span(self, start: int, end: int) -> Tensor:
        low = len(self.codes)
        if start >= low:
            return self.newest.span(start - low, end - low)
        last = min(end, low)
        first = start // self.group
        marks = self.marks.span(first, -(-last // self.group)).repeat_interleave(self.group, 2)
        skip = start - first * self.group
        old = self.decode(self.codes.span(start, last), marks[:, :, skip : skip + last - start])
        return old if end <= low else torch.cat([old, self.newest.span(0, end - low)], 2)

    def take(self, ids: Tensor) -> Tensor:
        low = len(self.codes)
        if not low:
            return self.newest.take(ids)
        at = ids.clamp(max=low - 1)
        old = self.decode(self.codes.take(at), self.marks.take(at // self.group))
        if not ids.numel() or int(ids.max()) < low:
            return old
        return torch.where((ids < low)[..., None], old, self.newest.take((ids - low).clamp(min=0)))

    def keep(self, ids: Tensor) -> None:
        """As they are coded, where every token has marks of its own; else those kept are coded again."""
        if self.group > 1:
            kept = self.take(ids)
            self.crop(0)
            self.append(kept)
            return
        old = (ids < len(self.codes)).sum(-1)
        if int(old.min()) < int(old.max()):  # heads keep different numbers of coded tokens
            self._code(len(self.newest))
        n, low = int((ids < len(self.codes)).sum(-1).max()), len(self.codes)
        self.codes.keep(ids[..., :n])
        self.marks.keep(ids[..., :n])
        self.newest.keep(ids[..., n:] - low)
        self.data = self.newest.data

    def crop(self, n: int) -> None:
        low = len(self.codes)
        if n >= low:
            self.newest.crop(n - low)
            return
        whole = n // self.group * self.group
        cut = self.span(whole, n)  # of a group that loses tokens the others are in full again
        self.codes.crop(whole)
        self.marks.crop(whole // self.group)
        self.newest.crop(0)
        self.append(cut)

    def rows(self, ids: Tensor) -> None:
        for tokens in self._all().values():
            tokens.rows(ids)
        self.data = self.newest.data

    def place(self, allocate: Allocate) -> None:
        for tokens in self._all().values():
            tokens.place(allocate)

    def parts(self) -> dict[str, Tensor]:
        return {name: tokens.span(0, len(tokens)) for name, tokens in self._all().items()}

    def lay(self, parts: Mapping[str, Tensor]) -> None:
        for name, tokens in self._all().items():
            tokens.lay({"": parts[name]})

    @property
    def nbytes(self) -> int:
        return sum(tokens.nbytes for tokens in self._all().values())

    def _all(self) -> dict[str, Tokens]:
        return {"codes": self.codes, "marks": self.marks, "newest": self.newest}

    def _code(self, n: int) -> None:
        """The oldest n of the newest, whole groups, are coded from now on."""
        codes, marks = self.encode(self.newest.span(0, n).unflatten(2, (n // self.group, self.group)))
        self.codes.append(codes)
        self.marks.append(marks)
        self.newest.keep(torch.arange(n, len(self.newest), device=codes.device)[None, None])
        self.data = self.newest.data
