"""A memory that learns from the last few tokens together, by steps of even size in every direction, over richer keys.

Source:  "ATLAS: Learning to Optimally Memorize the Context at Test Time", Behrouz, Li, Kacham, Daliri, Deng, Zhong,
         Razaviyayn, Mirrokni 2025 (arXiv 2505.23735).
Idea:    three limits of such memories, and what lifts each: they fit one token at a time (the Omega rule fits a window
         of them), they follow the gradient (Muon makes the step's singular values alike), and keys as wide as a head
         are few (polynomials of them are many).
Cost:    as Titans with an MLP, `window` gradients and 5 small matrix products more a token; keys K + K² wide.
Differs: tokens of the window count alike, the paper weighs each by a gate; coefficients of the polynomial are those of
         the exponential; θ is at most 0.1.

    S_t = η_t S_{t-1} - Σ_{i=t-c+1..t} ∇ℓ(M; φ(k_i), v_i)     M_t = (1 - α_t) M_{t-1} + θ_t NewtonSchulz5(S_t)
"""

from remanence.layers.parts.associative import AssociativeCell, Choices
from remanence.layers.parts.inner_loss import L2
from remanence.layers.parts.inner_memory import MLP, RATE
from remanence.layers.parts.inner_rule import Muon


class Atlas(AssociativeCell):
    def __init__(
        self,
        width: int,
        heads: int = 1,
        expansion: int = 2,
        window: int = 4,
        degree: int = 2,
        grad_chunk: int = 16,
        conv: int = 4,
    ) -> None:
        super().__init__(width, Choices(MLP(expansion), L2(), Muon(), grad_chunk, window, degree, RATE), heads, conv)
