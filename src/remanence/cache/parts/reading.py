"""From what a policy chose to what attention sees: keys gathered, given positions, rotated, and masked.

    compact  what is read is closed up: 0, 1, 2, ... in the order it was seen, so that positions stay small
    true     every token where it was seen
    fixed    the near past as in `true`; all before it at distance `local`, whatever their order (InfLLM's)

Everything read is the same for all three, and its rotated keys are kept and extended from call to call.

Shapes: B batch, Q query heads, H key-value heads, T queries, R tokens read, D width.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from remanence.cache.parts.attend import Read, Scores, causal_mask
from remanence.cache.parts.held import PADDING, Held
from remanence.cache.parts.rope import Rope
from remanence.cache.parts.tokens import Tokens, by_column

if TYPE_CHECKING:
    from remanence.cache.base import Base, Far

MANY = 4096  # tokens; fewer stay in a core's cache, and are as fast to read either way


@dataclass(frozen=True, slots=True)
class New:
    """What an attention layer hands over: q [B, Q, T, D], k and v [B, H, T, D]."""

    q: Tensor
    k: Tensor
    v: Tensor
    real: Tensor | None = None  # [B, T], False at padding; None: none is
    rotated: bool = False  # whether q and k are rotated

    def __len__(self) -> int:
        return self.q.shape[2]

    def padding(self) -> int:
        """At the start, in the row that has most of it."""
        return 0 if self.real is None else int((self.real.cumsum(1) == 0).sum(1).max())

    def piece(self, start: int, end: int) -> New:
        real = None if self.real is None else self.real[:, start:end]
        return New(self.q[:, :, start:end], self.k[:, :, start:end], self.v[:, :, start:end], real, self.rotated)


@dataclass(frozen=True, slots=True)
class Reading:
    """One layer, about to answer. The newest T tokens held are those of the queries."""

    held: Held
    policy: Base
    rope: Rope
    module: nn.Module
    scores: Scores

    def all(self, q: Tensor, past: int) -> Read:
        """Everything that is held, where it stands."""
        held, t = self.held, q.shape[2]
        if held.holds_rotated:
            keys = self.policy.rotated_keys(held, t)
        else:
            before = self.turned(past)
            q, k = self.rope.both(self.module, q, held.k.span(past, past + t), past + held.gap)
            self._add(before, k)
            keys = before.span(0, past + t) if past else k
        values = held.v.span(0, past + t)
        mask, padding = None, held.padding()
        if padding is not None:
            seen = ~padding.expand(q.shape[0], -1, -1)[:, :, None]
            mask = self._heads(self._itself(seen if t == 1 else seen & causal_mask(t, past + t, q.device), q), q)
        return Read(q, keys, values, self.scores, mask, causal=True, far=max(0, past - self.policy.local))

    def rotate(self, new: New) -> New:
        """Queries and keys rotated to where they are seen, for a policy that holds them so."""
        q, k = self.rope.both(self.module, new.q, new.k, self.held.seen)
        return replace(new, q=q, k=k, rotated=True)

    def turned(self, n: int) -> Tokens:
        """The first n keys held, rotated to where they stand while everything is read."""
        held = self.held
        if held.rotated is not None and len(held.rotated) == n:
            return held.rotated
        held.rotated, held.gap = Tokens.like(held.k.data), 0
        if n:
            keys = held.k.span(0, n)
            if held.where is not None and self.policy.positions == "true":
                held.gap = held.seen - len(held)
                places = held.places()[..., :n].clamp(min=0)
                keys = self.rope.rotate_at(self.module, keys, places, held.seen)
            else:
                keys = self.rope.rotate(self.module, keys, 0)
            self._add(held.rotated, keys)
        return held.rotated

    def _add(self, rotated: Tokens, keys: Tensor) -> None:
        """Many keys that are all read lie as is best for one query. In half precision and on a GPU they do anyway."""
        many = len(rotated) + keys.shape[2] >= MANY
        if many and keys.dtype == torch.float32 and keys.device.type == "cpu":
            rotated.place(by_column)
        rotated.append(keys)

    def part(self, q: Tensor, past: int, far: Far) -> Read:
        """The sinks, what was chosen of the far past, and all from `far.until` on."""
        held, end = self.held, past + q.shape[2]
        held.rotated = None
        sinks = min(self.policy.sinks, far.until)
        keys, values = (self._gathered(x, sinks, far, end) for x in (held.k, held.v))
        near, holes = sinks + far.ids.shape[2], held.padded or (not far.whole and bool((far.ids < 0).any()))
        if holes or far.window is not None or self.policy.positions == "true":
            places = self._places(sinks, far, end)
        else:  # closed up, and none asks for more
            places = torch.arange(keys.shape[2], device=q.device)[None, None]
        read = Read(q, keys, values, self.scores, self._mask(q, places, far, near, holes), far=near)
        place = {"compact": self._compact, "true": self._true, "fixed": self._fixed}[self.policy.positions]
        return place(read, places, holes)

    def _gathered(self, x: Tokens, sinks: int, far: Far, end: int) -> Tensor:
        first = far.until - far.ids.shape[2]
        if far.run and first == sinks:
            return x.span(0, end)
        if far.run:
            return torch.cat([x.span(0, sinks), x.span(first, end)], 2) if sinks else x.span(first, end)
        ids = far.ids.clamp(min=0)
        return torch.cat([x.span(0, sinks), x.take(ids).expand(x.data.shape[0], -1, -1, -1), x.span(far.until, end)], 2)

    def _places(self, sinks: int, far: Far, end: int) -> Tensor:
        """[B or 1, H or 1, R]: where each token that is read was seen, or PADDING; holes are as padding."""
        ids = far.ids
        if self.held.where is None:  # in order: a token's number is its place
            first, last = (torch.arange(*span, device=ids.device) for span in ((0, sinks), (far.until, end)))
            return torch.cat([first.expand(*ids.shape[:2], -1), ids, last.expand(*ids.shape[:2], -1)], 2)
        where = self.held.places()
        b, h = (max(where.shape[i], ids.shape[i]) for i in (0, 1))
        where, ids = where.expand(b, h, -1), ids.expand(b, h, -1)
        chosen = where.gather(2, ids.clamp(min=0)).masked_fill(ids < 0, PADDING)
        return torch.cat([where[..., :sinks], chosen, where[..., far.until : end]], 2)

    def _mask(self, q: Tensor, places: Tensor, far: Far, near: int, holes: bool) -> Tensor | None:
        """[B or 1, Q or 1, T, R], or None where the only query looks everywhere."""
        t, r = q.shape[2], places.shape[2]
        mask = causal_mask(t, r, q.device) if t > 1 else None
        if far.window is not None and r > far.window:
            close = places[..., r - t :, None] - places[..., None, :] < far.window
            mask = close if mask is None else mask & close
        if holes:
            real = (places != PADDING)[:, :, None]
            mask = self._itself(real.expand(-1, -1, t, -1) if mask is None else mask & real, q)
        if far.only is not None:
            b, h = far.only.shape[:2]
            looks = far.only.new_ones(b, h, t, r)
            looks[..., near - far.ids.shape[2] : near] = far.only
            mask = self._heads(looks, q) if mask is None else self._heads(mask, q) & self._heads(looks, q)
        return None if mask is None else self._heads(mask, q)

    def _itself(self, mask: Tensor, q: Tensor) -> Tensor:
        """With every query looking at itself at least, so that no softmax is over nothing."""
        t = q.shape[2]
        mask = mask.clone()
        mask[..., range(t), range(mask.shape[-1] - t, mask.shape[-1])] = True
        return mask

    def _heads(self, mask: Tensor, q: Tensor) -> Tensor:
        """A mask of key-value heads, for the queries of each."""
        return mask if mask.shape[1] in (1, q.shape[1]) else mask.repeat_interleave(q.shape[1] // mask.shape[1], 1)

    def _compact(self, read: Read, places: Tensor, holes: bool) -> Read:
        t, r = read.query.shape[2], places.shape[2]
        if holes:
            return self._at(read, ((places != PADDING).cumsum(2) - 1).clamp(min=0), r)
        q = self.rope.rotate(self.module, read.query, r - t)
        return replace(read, query=q, keys=self.rope.rotate(self.module, read.keys, 0))

    def _true(self, read: Read, places: Tensor, holes: bool) -> Read:
        return self._at(read, places.clamp(min=0), self.held.seen)

    def _at(self, read: Read, places: Tensor, end: int) -> Read:
        q_places = places[..., places.shape[2] - read.query.shape[2] :]
        if q_places.shape[1] > 1:
            q_places = q_places.repeat_interleave(read.query.shape[1] // q_places.shape[1], 1)
        q = self.rope.rotate_at(self.module, read.query, q_places, end)
        return replace(read, query=q, keys=self.rope.rotate_at(self.module, read.keys, places, end))

    def _fixed(self, read: Read, places: Tensor, holes: bool) -> Read:
        """Twice the width: one half of a query meets the near past, the other, turned by `local`, the far."""
        q, k, t = read.query, read.keys, read.query.shape[2]
        near = k.shape[2] - read.far
        q_near = self.rope.rotate(self.module, q, near - t)
        distance = torch.full((1, 1, t), self.policy.local, device=q.device)
        q_far = self.rope.rotate_at(self.module, q, distance, self.policy.local + 1)
        k_near = self.rope.rotate(self.module, k[:, :, read.far :], 0)
        k_far = k[:, :, : read.far]
        keys = torch.cat(
            [torch.cat([torch.zeros_like(k_far), k_far], 3), torch.cat([k_near, torch.zeros_like(k_near)], 3)], 2
        )
        scaling = self.scores.scale(q.shape[3])
        return replace(
            read, query=torch.cat([q_near, q_far], 3), keys=keys, scores=replace(self.scores, scaling=scaling)
        )


@dataclass
class Ready:
    """What a generated token read, kept for the next few, which append their own and choose nothing."""

    keys: Tokens
    values: Tokens
    far: int
    seen: int  # tokens held then; one more for each that read from here
    until: int

    @classmethod
    def of(cls, read: Read, reading: Reading) -> Ready | None:
        """Nothing when it cannot be shared: several queries, masks, or positions that are not closed up."""
        policy, seen = reading.policy, reading.held.seen
        if read.query.shape[2] > 1 or policy.stride == 1 or policy.positions != "compact" or read.mask is not None:
            return None
        keys, values = (Tokens.of(x, policy.stride - 1) for x in (read.keys, read.values))
        return cls(keys, values, read.far, seen, seen + policy.stride - 1)

    def good(self, held: Held) -> bool:
        """Whether one token came since, and not too many in all."""
        return held.seen == self.seen + 1 <= self.until

    def read(self, reading: Reading, q: Tensor) -> Read:
        """The newest token's query, with its key and value appended."""
        held, n = reading.held, len(self.keys)
        q, k = reading.rope.both(reading.module, q, held.k.span(len(held) - 1, len(held)), n)
        self.keys.append(k)
        self.values.append(held.v.span(len(held) - 1, len(held)))
        self.seen = held.seen
        return Read(q, self.keys.span(0, n + 1), self.values.span(0, n + 1), reading.scores, far=self.far)
