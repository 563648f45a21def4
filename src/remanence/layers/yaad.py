"""A memory learned at test time with a robust loss: what is far off pulls no harder than its direction.

Source:  "It's All Connected: A Journey Through Test-Time Memorization, Attentional Bias, Retention, and Online
         Optimization", Behrouz, Razaviyayn, Zhong, Mirrokni 2025 (arXiv 2504.13173), Yaad.
Idea:    of Miras' four choices, an MLP, the Huber loss, decay of the weights, and descent: one wild token cannot wipe
         out what a memory holds.
Cost:    as Titans with an MLP.
Differs: the loss is coordinate-wise with one δ, which the paper makes a gate of the token; θ is at most 0.1.

    W_t = (1 - α_t) W_{t-1} - θ_t ∇ℓ_δ(M(k_t; W) - v_t)     ℓ_δ(e) = e² / 2 up to δ, δ (|e| - δ / 2) beyond
"""

from remanence.layers.parts.associative import AssociativeCell, Choices
from remanence.layers.parts.inner_loss import Huber
from remanence.layers.parts.inner_memory import MLP, RATE
from remanence.layers.parts.inner_rule import PlainDescent


class Yaad(AssociativeCell):
    def __init__(
        self,
        width: int,
        heads: int = 1,
        expansion: int = 2,
        delta: float = 1.0,
        grad_chunk: int = 16,
        conv: int = 4,
    ) -> None:
        super().__init__(
            width, Choices(MLP(expansion), Huber(delta), PlainDescent(), grad_chunk, rate=RATE), heads, conv
        )
