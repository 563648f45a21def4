"""A memory learned at test time with a steeper loss and a bounded norm: large errors count more, weights stay bounded.

Source:  "It's All Connected: A Journey Through Test-Time Memorization, Attentional Bias, Retention, and Online
         Optimization", Behrouz, Razaviyayn, Zhong, Mirrokni 2025 (arXiv 2504.13173), Moneta.
Idea:    of Miras' four choices, an MLP, an l_p loss with p = 3, retention by an l_q norm with q = 4, and descent.
Cost:    as Titans with an MLP.
Differs: the norm is over each weight matrix of a head; |·| in the loss is smoothed near 0; θ is at most 0.1.

    A_t = (1 - α_t) A_{t-1} - θ_t ∇ Σ |M(k_t; W) - v_t|^p / p     W_t = A_t / |A_t|_q^(q-2)
    M(x) = x + norm(W2ᵀ gelu(W1ᵀ x))
"""

from remanence.layers.parts.associative import AssociativeCell, Choices
from remanence.layers.parts.inner_loss import Lp
from remanence.layers.parts.inner_memory import MLP, RATE
from remanence.layers.parts.inner_rule import NormedDescent


class Moneta(AssociativeCell):
    def __init__(
        self,
        width: int,
        heads: int = 1,
        expansion: int = 2,
        p: float = 3.0,  # the paper's
        q: float = 4.0,  # the paper's
        grad_chunk: int = 16,
        conv: int = 4,
    ) -> None:
        super().__init__(width, Choices(MLP(expansion), Lp(p), NormedDescent(q), grad_chunk, rate=RATE), heads, conv)
