"""Half precision that errs to one side, for what must stay a bound."""

import torch
from torch import Tensor


def half(x: Tensor, *, up: bool) -> Tensor:
    """x as float32 numbers of half precision: the nearest that are not below x, or not above it."""
    x = x.float()
    near = x.half().float()
    step = near.abs() * 2**-10 + 2**-24  # at least the distance to the next one
    beyond = near < x if up else near > x
    return torch.where(beyond, (near + step if up else near - step).half().float(), near)
