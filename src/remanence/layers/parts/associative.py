"""Memory learned at test time: every token is one step of descent on how well its key recalls its value.

Source:  "It's All Connected: A Journey Through Test-Time Memorization, Attentional Bias, Retention, and Online
         Optimization", Behrouz, Razaviyayn, Zhong, Mirrokni 2025 (arXiv 2504.13173), Miras.
Idea:    four choices make such a cell: the memory (inner_memory.py), what it minimises (inner_loss.py), and what it
         keeps and how it steps (inner_rule.py). All of them share this scan.
Cost:    O(T) steps on |W| weights a head and sequence; state 3 |W|: weights, last step, weights at the chunk's start.

    g_t = Σ_{i in the last `window` tokens} γ_i,t ∇_W ℓ(M(k_i; W_c), v_i)     W_c: the weights at the start of the chunk
    u_t, s_t = step(u_{t-1}, s_{t-1}, g_t; α_t, η_t, θ_t)     y_t = M(q_t; W_t)

`grad_chunk` is what is computed, not how: gradients of a chunk are taken at its start. With grad_chunk=1 each token's
is taken where the one before it left the weights. A sequence may be cut anywhere; rows begin anew at multiples of it.

Shapes: B batch, H heads, T tokens, K width of a key, V of a value, C tokens of a chunk.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import grad, vmap

from remanence.errors import BadConfig
from remanence.layers.contract.cell import Cell, Form
from remanence.layers.contract.state import State
from remanence.layers.parts.inner_loss import L2, InnerLoss
from remanence.layers.parts.inner_memory import InnerMemory, Matrix, Weights
from remanence.layers.parts.inner_rule import Descent, Gates, InnerRule
from remanence.layers.parts.qkv import QKV, Convs, Out, head_width, unmasked


@dataclass(frozen=True, slots=True)
class Tokens:
    """What tokens say: q, k, v [B, H, T, K]; the others [B, H, T]. `real` is 0 at padding."""

    q: Tensor
    k: Tensor
    v: Tensor
    real: Tensor
    alpha: Tensor
    eta: Tensor
    theta: Tensor

    def split(self, sizes: list[int]) -> Iterator["Tokens"]:
        """In pieces: one cut for all of them, so that gradients are put together once."""
        cut = [getattr(self, f.name).split(sizes, 2) for f in fields(self)]
        return (Tokens(*piece) for piece in zip(*cut, strict=True))


@dataclass(frozen=True)
class Written(State):
    """`into` tokens of the current chunk were read; `keys` and `values` are of the tokens a window looks back at."""

    u: Weights  # each [B, H, ...]
    s: Weights
    start: Weights  # u at the start of the chunk
    keys: Tensor  # [B, H, window - 1, K]
    values: Tensor
    weight: Tensor  # [B, H, window - 1], γ of those
    convs: Convs
    into: int = 0


@dataclass(frozen=True)
class Choices:
    """Miras' four, and how they are applied."""

    memory: InnerMemory
    loss: InnerLoss
    rule: InnerRule
    grad_chunk: int = 16  # tokens whose gradients are taken at the same weights
    window: int = 1  # tokens whose gradients a step adds up: the Omega rule
    degree: int = 1  # keys and queries are polynomials of this degree of what is projected
    rate: float = 1.0  # θ at most

    def __post_init__(self) -> None:
        for name in ("grad_chunk", "window", "degree"):
            if getattr(self, name) < 1:
                raise BadConfig(f"{name} must be at least 1, got {getattr(self, name)}")


class AssociativeCell(Cell[Written]):
    """Leaves choose; everything else is here."""

    forms: ClassVar[tuple[Form, ...]] = ("chunk", "recurrent")

    def __init__(self, width: int, choices: Choices, heads: int = 1, conv: int = 4) -> None:
        super().__init__(width)
        self.choices, self.grain = choices, choices.grad_chunk
        self.memory, self.loss, self.rule = choices.memory, choices.loss, choices.rule
        self.head = head_width(width, heads)
        self.qkv = QKV(width, heads, self.head, self.head, conv)
        keys = sum(self.head**i for i in range(1, choices.degree + 1))
        self.first = nn.ParameterList(
            torch.stack(same) for same in zip(*(self.memory.init(keys, self.head) for _ in range(heads)), strict=True)
        )
        self.gates = nn.Linear(width, 3 * heads)
        self.out = Out(width, heads, self.head)

    def gate(self, x: Tensor) -> Gates:
        """α, η, θ [B, H, T] for x [B, T, D]: from 0 to 1, θ to `rate`."""
        alpha, eta, theta = self.gates(x).sigmoid().unflatten(2, (3, -1)).permute(2, 0, 3, 1)
        return alpha, eta, self.choices.rate * theta

    def init_state(self, batch: int) -> Written:
        u = tuple(w.expand(batch, *w.shape) for w in self.first)
        s = tuple(torch.zeros_like(w) for w in u)
        keys = self.like.new_zeros(batch, self.qkv.heads, self.choices.window - 1, self.first[0].shape[1])
        values = keys.new_zeros((*keys.shape[:3], self.head))
        return Written(u, s, u, keys, values, keys[..., 0], self.qkv.init_state(batch))

    def scan(self, x: Tensor, state: Written, mask: Tensor | None, form: Form) -> tuple[Tensor, Written]:
        q, k, v, convs = self.qkv(x, state.convs)
        q, k = (polynomial(_unit(F.silu(x)), self.choices.degree) for x in (q, k))
        alpha, eta, theta = self.gate(x)
        real = unmasked(torch.ones_like(theta), mask)
        tokens = Tokens(q, k, v, real, unmasked(alpha, mask), eta, theta)
        first = min(x.shape[1], self.grain - state.into)
        rest, last = divmod(x.shape[1] - first, self.grain)
        out = []
        for piece in tokens.split([first, *[self.grain] * rest, *[last] * (last > 0)]):
            y, state = self._chunk(piece, state, form)
            out.append(y)
        return self.out(torch.cat(out, 2)), replace(state, convs=convs)

    def _chunk(self, new: Tokens, state: Written, form: Form) -> tuple[Tensor, Written]:
        """Tokens of one chunk, or of what is left of it."""
        read = self._one_by_one if form == "recurrent" else self._linear if self._is_linear else self._at_once
        y, u, s = read(new, state)
        into = (state.into + new.k.shape[2]) % self.grain
        keys, values, weight = self._window(new, state)
        keep = slice(keys.shape[2] - self.choices.window + 1, None)
        return y, replace(
            state, u=u, s=s, start=state.start if into else u, into=into,
            keys=keys[:, :, keep], values=values[:, :, keep], weight=weight[:, :, keep],
        )  # fmt: skip

    def _window(self, new: Tokens, state: Written) -> tuple[Tensor, Tensor, Tensor]:
        """The new tokens after those a window looks back at."""
        both = ((state.keys, new.k), (state.values, new.v), (state.weight, new.real))
        keys, values, weight = (torch.cat(pair, 2) for pair in both)
        return keys, values, weight

    def _gradient(self, weights: Weights, k: Tensor, v: Tensor) -> Weights:
        """∇ℓ for one head and token: k and v [K]."""

        def loss(weights: Weights) -> Tensor:
            return self.loss(self.memory.read(weights, k), v)

        gradients: Weights = grad(loss)(weights)
        return gradients

    def _one_by_one(self, new: Tokens, state: Written) -> tuple[Tensor, Weights, Weights]:
        """The formula, a token at a time."""
        each_head = vmap(vmap(self._gradient))
        fixed, u, s, out = tuple(self.rule.weights(w) for w in state.start), state.u, state.s, []
        keys, values, weight = self._window(new, state)
        for t in range(new.k.shape[2]):
            g: Weights = tuple(torch.zeros_like(w) for w in u)
            for i in range(t, t + self.choices.window):  # the last of them is the token itself
                one = each_head(fixed, keys[:, :, i], values[:, :, i])
                g = tuple(a + _wide(weight[:, :, i], b) * b for a, b in zip(g, one, strict=True))
            u, s = self._step(u, s, g, new, t)
            out.append(vmap(vmap(self.memory.read))(tuple(self.rule.weights(w) for w in u), new.q[:, :, t]))
        return torch.stack(out, 2), u, s

    def _at_once(self, new: Tokens, state: Written) -> tuple[Tensor, Weights, Weights]:
        """All gradients of the chunk in one go, and all reads; only the steps are taken one after the other."""
        fixed, u, s = tuple(self.rule.weights(w) for w in state.start), state.u, state.s
        keys, values, weight = self._window(new, state)
        gradients = vmap(vmap(vmap(self._gradient, in_dims=(None, 0, 0))))(fixed, keys, values)
        gradients = tuple(_wide(weight, g) * g for g in gradients)  # [B, H, N, ...]
        if self.choices.window > 1:
            gradients = tuple(g.unfold(2, self.choices.window, 1).sum(-1) for g in gradients)
        seen = []
        for t in range(new.k.shape[2]):
            u, s = self._step(u, s, tuple(g[:, :, t] for g in gradients), new, t)
            seen.append(u)
        each = tuple(self.rule.weights(torch.stack(w, 2)) for w in zip(*seen, strict=True))
        return vmap(vmap(vmap(self.memory.read)))(each, new.q), u, s

    def _step(self, u: Weights, s: Weights, g: Weights, new: Tokens, t: int) -> tuple[Weights, Weights]:
        gates = (new.alpha[:, :, t, None, None], new.eta[:, :, t, None, None], new.theta[:, :, t, None, None])
        stepped = [self.rule.step(a, b, c, gates) for a, b, c in zip(u, s, g, strict=True)]
        return tuple(u for u, _ in stepped), tuple(s for _, s in stepped)

    @property
    def _is_linear(self) -> bool:
        kinds = (type(self.memory), type(self.loss), type(self.rule), self.choices.window)
        return kinds == (Matrix, L2, Descent, 1)

    def _linear(self, new: Tokens, state: Written) -> tuple[Tensor, Weights, Weights]:
        """A matrix, squared error, momentum and decay: gradients have rank one, so a chunk is a few matrix products.

        With A_ti = Π_{i<l<=t} (1 - α_l) and N_ij = θ_j Π_{j<l<=i} η_l, both lower triangular, and e_j = v_j - k_j W_c:

            W_t = a_t W_0 + b_t S_0 + Σ_j (A N)_tj k_j e_jᵀ     S_t = n_t S_0 + Σ_j N_tj k_j e_jᵀ
            a_t = Π_{l<=t} (1 - α_l)     n_t = Π_{l<=t} η_l     b_t = Σ_i A_ti n_i
        """
        w_0, s_0, w_c = (w.flatten(0, 1) for (w,) in (state.u, state.s, state.start))  # [B H, K, V]
        q, k, v, theta, kept, eta = (
            x.flatten(0, 1) for x in (new.q, new.k, new.v, new.theta * new.real, 1 - new.alpha, new.eta)
        )
        log_a, log_n = _log(kept).cumsum(-1), _log(eta).cumsum(-1)
        a, n = log_a.exp()[..., None], log_n.exp()[..., None]
        decay, momentum = _lower(log_a, log_a), _lower(log_n, log_n - _log(theta))
        b, both = decay @ n, decay @ momentum
        e = torch.baddbmm(v, k, w_c, alpha=-1)
        y = torch.baddbmm(torch.addcmul(a * (q @ w_0), b, q @ s_0), both * (q @ k.mT), e)
        w = torch.addcmul(a[:, -1:] * w_0, b[:, -1:], s_0).baddbmm((both[:, -1, :, None] * k).mT, e)
        s = (n[:, -1:] * s_0).baddbmm((momentum[:, -1, :, None] * k).mT, e)
        y, w, s = (x.unflatten(0, new.k.shape[:2]) for x in (y, w, s))
        return y, (w,), (s,)


def polynomial(x: Tensor, degree: int) -> Tensor:
    """[..., K] -> all products of up to `degree` of its entries, the products of i divided by √i!.

    So φ(q)·φ(k) = Σ_i (q·k)^i / i!, the series of exp(q·k) without its 1.
    """
    powers = [x]
    for i in range(2, degree + 1):
        powers.append((powers[-1][..., None] * x[..., None, :]).flatten(-2) / i**0.5)
    return torch.cat(powers, -1)


def _unit(x: Tensor) -> Tensor:
    """Of length 1. As F.normalize, whose way back divides four times where this multiplies."""
    length: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return x * length.clamp(min=1e-12).reciprocal()


def _log(x: Tensor) -> Tensor:
    return x.clamp(min=torch.finfo(x.dtype).tiny).log()


def _lower(x: Tensor, y: Tensor) -> Tensor:
    """[..., T] twice -> [..., T, T] with exp(x_i - y_j) at (i, j), 0 above the diagonal."""
    above = torch.full((x.shape[-1],) * 2, -torch.inf, dtype=x.dtype, device=x.device).triu(1)
    return (x[..., :, None] - y[..., None, :]).add_(above).exp_()


def _wide(x: Tensor, like: Tensor) -> Tensor:
    return x.view(*x.shape, *[1] * (like.dim() - x.dim()))
