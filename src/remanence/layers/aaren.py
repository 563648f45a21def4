"""Attention with a query that is learned and never changes: a softmax over all that was read, kept as two sums.

Source:  "Attention as an RNN", Feng, Tung, Hajimirsadeghi, Ahmed, Bengio, Mori 2024 (arXiv 2405.13956), Aaren.
Idea:    a softmax is a running maximum and two running sums, and joining those of two stretches is associative: so a
         query's answer on every prefix comes of one scan, and each new token costs the same. Since the query is fixed,
         what is kept is one average of the values, each weighing what its key says: no later question changes it.
Cost:    O(T log T H V) time in log T rounds, or O(T H V) token by token; H (V + 2) numbers of state a sequence.
Differs: heads are normalised before they are put together, as in the other cells; one layer, without the
         feed-forward and residual around it.

    s_t = q·k_t / √K     m_t = max(m_{t-1}, s_t)     u_t = e^{m_{t-1} - m_t} u_{t-1} + e^{s_t - m_t}
    y_t = w_t / u_t      w_t = e^{m_{t-1} - m_t} w_{t-1} + e^{s_t - m_t} v_t

Shapes: B batch, H heads, T tokens, K width of a key and of a value.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from remanence.layers.contract.cell import Cell, Form
from remanence.layers.contract.state import State
from remanence.layers.parts.qkv import Out, head_width

Leaves = tuple[Tensor, Tensor, Tensor]  # m, u, w of many stretches, [B, T, H, ...]
NOTHING = -1e30  # a score that any other outweighs entirely; finite, so that two of them still differ by 0


@dataclass(frozen=True)
class Average(State):
    """Of the values read so far: w / u, with both divided by e^m."""

    m: Tensor  # [B, H], the greatest score
    u: Tensor  # [B, H], the sum of weights
    w: Tensor  # [B, H, K], the sum of weighted values


class Aaren(Cell[Average]):
    forms: ClassVar[tuple[Form, ...]] = ("parallel", "recurrent")

    def __init__(self, width: int, heads: int = 1) -> None:
        super().__init__(width)
        self.heads, self.head = heads, head_width(width, heads)
        self.query = nn.Parameter(torch.randn(heads, self.head))
        self.k, self.v = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.out = Out(width, heads, self.head)

    def init_state(self, batch: int) -> Average:
        w = self.like.new_zeros(batch, self.heads, self.head)
        return Average(torch.full_like(w[..., 0], NOTHING), w[..., 0].clone(), w)

    def scan(self, x: Tensor, state: Average, mask: Tensor | None, form: Form) -> tuple[Tensor, Average]:
        k, v = (f(x).unflatten(2, (self.heads, -1)) for f in (self.k, self.v))  # [B, T, H, K]
        s = torch.einsum("bthk,hk->bth", k, self.query) * self.head**-0.5
        s = s if mask is None else s.masked_fill(~mask[..., None], NOTHING)
        s, w = torch.cat([state.m[:, None], s], 1), torch.cat([state.w[:, None], v], 1)
        u = torch.cat([state.u[:, None], torch.ones_like(s[:, 1:])], 1)
        m, u, w = (leaf[:, 1:] for leaf in (_one_by_one if form == "recurrent" else prefixes)((s, u, w)))
        return self.out((w / u[..., None]).transpose(1, 2)), Average(m[:, -1], u[:, -1], w[:, -1])


def join(a: Leaves, b: Leaves) -> Leaves:
    """(m, u, w) of two stretches, those of both."""
    m = torch.maximum(a[0], b[0])
    old, new = (a[0] - m).exp(), (b[0] - m).exp()
    return m, old * a[1] + new * b[1], old[..., None] * a[2] + new[..., None] * b[2]


def prefixes(leaves: Leaves) -> Leaves:
    """Each joined with all before it: first with the one before, then with the two before that, then with four."""
    length, step = leaves[0].shape[1], 1
    while step < length:
        m, u, w = leaves
        late = join((m[:, :-step], u[:, :-step], w[:, :-step]), (m[:, step:], u[:, step:], w[:, step:]))
        m, u, w = (torch.cat([x[:, :step], y], 1) for x, y in zip(leaves, late, strict=True))
        leaves, step = (m, u, w), 2 * step
    return leaves


def _one_by_one(leaves: Leaves) -> Leaves:
    m, u, w = leaves
    out = [(m[:, 0], u[:, 0], w[:, 0])]
    for t in range(1, m.shape[1]):
        out.append(join(out[-1], (m[:, t], u[:, t], w[:, t])))
    m, u, w = (torch.stack(x, 1) for x in zip(*out, strict=True))
    return m, u, w
