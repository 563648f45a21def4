"""A memory learned at test time whose weights stay a distribution: retained by entropy, written in the logarithm.

Source:  "It's All Connected: A Journey Through Test-Time Memorization, Attentional Bias, Retention, and Online
         Optimization", Behrouz, Razaviyayn, Zhong, Mirrokni 2025 (arXiv 2504.13173), Memora.
Idea:    of Miras' four choices, an MLP, the squared error, retention by the divergence from the last weights, and
         descent: steps multiply weights, so that they neither vanish nor run off, and small ones stay small.
Cost:    as Titans with an MLP.
Differs: each weight matrix of a head is one distribution that adds up to `total` times its rows; θ is at most 0.1.

    W_t = c softmax((1 - α_t) log(W_{t-1} / c) - θ_t ∇|M(k_t; W) - v_t|² / 2)
"""

from remanence.layers.parts.associative import AssociativeCell, Choices
from remanence.layers.parts.inner_loss import L2
from remanence.layers.parts.inner_memory import MLP, RATE
from remanence.layers.parts.inner_rule import Entropic


class Memora(AssociativeCell):
    def __init__(
        self, width: int, heads: int = 1, expansion: int = 2, total: float = 1.0, grad_chunk: int = 16, conv: int = 4
    ) -> None:
        super().__init__(width, Choices(MLP(expansion), L2(), Entropic(total), grad_chunk, rate=RATE), heads, conv)
