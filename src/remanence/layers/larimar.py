"""An episodic memory written by least squares, so that what is alike is told apart, and taken out again when asked.

Source:  "Larimar: Large Language Models with Episodic Memory Control", Das et al. 2024 (arXiv 2403.11901);
         "Needle in the Haystack for Memory Based Large Language Models", Nelson, Kollias, Das, Chaudhury, Dan 2024
         (arXiv 2407.01437), the same memory read over long contexts; after the Kanerva Machine, Wu et al. 2018
         (arXiv 1804.01756).
Idea:    the matrix M that best answers all that was written has a closed form, and a recursion that needs only M and
         how sure it is, U: to write all at once or one by one is the same. The same step with the sign turned is the
         exact opposite, and forgets.
Cost:    O(T (N² + N K)) time a head in blocks, N (N + K) numbers of state for N slots.
Differs: a cell, writing and reading at each token, where the paper writes an episode and then reads; address and
         content are projections of their own, where the paper has one encoding for both; both addresses come from M_0,
         its pseudo-inverse held down by σ², without which training can make it too steep for single precision. Nothing
         is drawn: what is read is the mean. What is written twice is averaged: forget the first before the second.

    w(k) = k M_0ᵀ (M_0 M_0ᵀ + σ² I)⁻¹     M minimises Σ |v_i - w(k_i) M|² / σ² + |M - M_0|²     y_t = w(q_t) M_t
    c = U wᵀ / (w U wᵀ + σ²)     M <- M + c (v - w M)     U <- U - c w U       U_0 = I

A block of C tokens with addresses W does it at once. L Lᵀ = W U Wᵀ + σ² I is triangular, so each token meets only those
before it:

    A = L⁻¹ W U     F = L⁻¹ (V - W M)     y = W_q M + tril(W_q Aᵀ) F     M <- M + Aᵀ F     U <- U - Aᵀ A

Shapes: B batch, H heads, T tokens, C of a block, N slots, K width of a head.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.errors import BadConfig, BadInput
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.contract.state import State
from remanence.layers.parts.qkv import QKV, Convs, Out, head_width, unmasked


@dataclass(frozen=True)
class Episode(State):
    m: Tensor  # [B, H, N, K]
    u: Tensor  # [B, H, N, N]
    convs: Convs


class Larimar(Cell[Episode]):
    """`slots` is N, as wide as a head if not given: more could not be told apart. `noise` is σ²."""

    def __init__(
        self,
        width: int,
        heads: int = 1,
        slots: int | None = None,
        noise: float = 0.1,
        conv: int = 4,
        block_size: int = 32,
    ) -> None:
        super().__init__(width)
        self.head = head_width(width, heads)
        slots = self.head if slots is None else slots
        if not 1 <= slots <= self.head:
            raise BadConfig(f"slots must be from 1 to the width of a head, {self.head}, got {slots}")
        if noise <= 0:
            raise BadConfig(f"noise must be above 0, got {noise}")
        self.noise, self.block_size = noise, block_size
        self.qkv = QKV(width, heads, self.head, self.head, conv)
        self.prior = nn.Parameter(
            torch.stack([nn.init.orthogonal_(torch.empty(slots, self.head)) for _ in range(heads)])
        )
        self.out = Out(width, heads, self.head)

    def init_state(self, batch: int) -> Episode:
        heads, slots, _ = self.prior.shape
        u = torch.eye(slots, device=self.like.device, dtype=self.like.dtype).expand(batch, heads, -1, -1)
        return Episode(self.prior.expand(batch, -1, -1, -1), u, self.qkv.init_state(batch))

    def scan(self, x: Tensor, state: Episode, mask: Tensor | None, form: Form) -> tuple[Tensor, Episode]:
        read, write, v, convs = self._addressed(x, state.convs, mask)
        size = {"recurrent": 1, "chunk": self.block_size, "parallel": x.shape[1]}[form]
        m, u, out = state.m, state.u, []
        for r, w, c in zip(read.split(size, 2), write.split(size, 2), v.split(size, 2), strict=True):
            y, m, u = step(r, w, c, m, u, self.noise) if form == "recurrent" else block(r, w, c, m, u, self.noise)
            out.append(y)
        return self.out(torch.cat(out, 2)), Episode(m, u, convs)

    def forget(self, x: Tensor, then: Episode, state: Episode) -> Episode:
        """`state` as if x [B, T, D], read when the state was `then`, had not been written."""
        _, write, v, _ = self._addressed(x, then.convs, None)
        m, u = state.m, state.u
        for w, c in zip(write.split(self.block_size, 2), v.split(self.block_size, 2), strict=True):
            m, u = remove(w, c, m, u, self.noise)
        return Episode(m, u, state.convs)

    def _addressed(self, x: Tensor, before: Convs, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Convs]:
        """Where to read and to write [B, H, T, N], what to write [B, H, T, K], and what the convolutions saw last."""
        q, k, v, convs = self.qkv(x, before)
        m = self.prior
        eye = torch.eye(m.shape[1], dtype=m.dtype, device=m.device)
        addresses = torch.linalg.solve(m @ m.mT + self.noise * eye, m).mT  # [H, K, N]
        read, write = (F.normalize(a, dim=-1) @ addresses for a in (q, k))
        return read, unmasked(write, mask), v, convs


def step(read: Tensor, w: Tensor, v: Tensor, m: Tensor, u: Tensor, noise: float) -> tuple[Tensor, Tensor, Tensor]:
    """One token written and then read: read, w [B, H, 1, N], v [B, H, 1, K], m [B, H, N, K], u [B, H, N, N]."""
    wu = w @ u
    c = wu.mT / (wu @ w.mT + noise)
    m, u = m + c @ (v - w @ m), u - c @ wu
    return read @ m, m, u


def block(read: Tensor, w: Tensor, v: Tensor, m: Tensor, u: Tensor, noise: float) -> tuple[Tensor, Tensor, Tensor]:
    """The same for C tokens at once, each read after it was written and before the next one is."""
    root = torch.linalg.cholesky(w @ u @ w.mT + noise * torch.eye(w.shape[2], dtype=w.dtype, device=w.device))
    a = torch.linalg.solve_triangular(root, w @ u, upper=False)
    f = torch.linalg.solve_triangular(root, v - w @ m, upper=False)
    return read @ m + (read @ a.mT).tril() @ f, m + a.mT @ f, u - a.mT @ a


def remove(w: Tensor, v: Tensor, m: Tensor, u: Tensor, noise: float) -> tuple[Tensor, Tensor]:
    """What `block` wrote is taken out: the same with -σ²."""
    root, failed = torch.linalg.cholesky_ex(
        noise * torch.eye(w.shape[2], dtype=w.dtype, device=w.device) - w @ u @ w.mT
    )
    if bool(failed.any()):
        raise BadInput("what was never written cannot be forgotten: the memory holds less than is to be taken out")
    a = torch.linalg.solve_triangular(root, w @ u, upper=False)
    f = torch.linalg.solve_triangular(root, v - w @ m, upper=False)
    return m - a.mT @ f, u + a.mT @ a
