"""How fast a memory fades, decided by each token: α = exp(-A softplus(w·x + b)), A > 0 learned.

Source:  as in Mamba 2 (Dao, Gu 2024, arXiv 2405.21060), taken over by Gated DeltaNet (arXiv 2412.06464).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FADES = (0.001, 0.1)  # the paper's: softplus(b) at first, spread evenly in logarithm
RATES = (1.0, 16.0)  # the paper's: A at first


def first_rates(n: int) -> nn.Parameter:
    """log A of n memories."""
    return nn.Parameter(torch.empty(n).uniform_(*RATES).log())


@torch.no_grad()
def spread(alpha: nn.Linear) -> None:
    """Set b, so that at first some memories fade fast and some slowly."""
    low, high = (math.log(fade) for fade in FADES)
    alpha.bias.copy_(torch.empty(alpha.out_features).uniform_(low, high).exp().expm1().log())  # softplus undone


def log_decay(alpha: nn.Linear, log_rate: Tensor, x: Tensor) -> Tensor:
    """x [B, T, D] -> log α <= 0 [B, T, n]."""
    return -log_rate.exp() * F.softplus(alpha(x))
