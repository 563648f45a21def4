"""Every cell that learns at test time is what autograd does a token at a time, for any grad_chunk; so is its scan."""

from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from cells import exactly  # noqa: E402
from remanence.layers.parts.associative import AssociativeCell  # noqa: E402
from remanence.layers.parts.inner_rule import newton_schulz  # noqa: E402
from remanence.layers.titans import Titans  # noqa: E402
from remanence.registry import load, names  # noqa: E402

WIDTH, LENGTH = 12, 21
CELLS = [name for name in names("layers") if issubclass(load("layers", name), AssociativeCell)]


@pytest.fixture(autouse=True)
def _exactly() -> Iterator[None]:
    with exactly():
        yield


def oracle(cell: Any, x: Any) -> Any:
    """Written out for one sequence: the loss of each token by the memory at the start of its chunk, and backward()."""
    q, k, v, _ = cell.qkv(x, cell.qkv.init_state(1))
    silu, out = torch.nn.functional.silu, []
    alpha, eta, theta = cell.gate(x)
    for h in range(cell.qkv.heads):
        u = [w[h].clone() for w in cell.first]
        s = [torch.zeros_like(w) for w in u]
        keys = [_features(silu(t), cell.choices.degree) for t in k[0, h]]
        heads = []
        for t in range(x.shape[1]):
            if t % cell.grain == 0:
                fixed = [cell.rule.weights(w).detach().requires_grad_() for w in u]
            window = range(max(0, t - cell.choices.window + 1), t + 1)
            loss = sum(cell.loss(cell.memory.read(tuple(fixed), keys[i]), v[0, h, i]) for i in window)
            gradients = torch.autograd.grad(loss, fixed)
            gates = (alpha[0, h, t], eta[0, h, t], theta[0, h, t])
            stepped = [cell.rule.step(a, b, g, gates) for a, b, g in zip(u, s, gradients, strict=True)]
            u, s = [a for a, _ in stepped], [b for _, b in stepped]
            query = _features(silu(q[0, h, t]), cell.choices.degree)
            heads.append(cell.memory.read(tuple(cell.rule.weights(w) for w in u), query))
        out.append(torch.stack(heads))
    return cell.out(torch.stack(out)[None])


def _features(x: Any, degree: int) -> Any:
    x = x / x.norm()
    return x if degree == 1 else torch.cat([x, torch.outer(x, x).flatten() / 2**0.5])


@pytest.mark.parametrize("grad_chunk", [1, 4, 16])
@pytest.mark.parametrize("name", CELLS)
def test_it_is_what_autograd_does_token_by_token(name: str, grad_chunk: int) -> None:
    length = LENGTH if grad_chunk > 1 else 8  # step by step, rounding grows with the steps
    cell, x = load("layers", name)(WIDTH, heads=2, grad_chunk=grad_chunk), torch.randn(1, length, WIDTH)
    expected = oracle(cell, x).detach()
    for form in cell.forms:
        assert float((cell(x, form=form)[0] - expected).detach().abs().max()) < 1e-10


@pytest.mark.parametrize("name", CELLS)
def test_it_may_be_cut_within_a_chunk(name: str) -> None:
    """So that what is generated token by token is what was taught in chunks."""
    cell, x = load("layers", name)(WIDTH, grad_chunk=8), torch.randn(2, LENGTH, WIDTH)
    whole, state, out = cell(x)[0], None, []
    for piece in x.split([1, 1, 3, 9, 1, 6], 1):
        y, state = cell(piece, state)
        out.append(y)
    assert float((torch.cat(out, 1) - whole).detach().abs().max()) < 1e-10


def test_the_chunk_is_part_of_what_is_computed() -> None:
    x = torch.randn(1, LENGTH, WIDTH)
    cell = Titans(WIDTH, grad_chunk=1)
    token, chunk = cell(x)[0], None
    cell.grain = 16
    chunk = cell(x)[0]
    assert float((token - chunk).detach().abs().max()) > 1e-3


def test_without_momentum_or_decay_it_is_the_delta_rule() -> None:
    """A matrix, squared error, and a gradient where the last token left the weights."""
    from remanence.layers.parts.delta_rule import delta_rule

    cell, x = Titans(WIDTH, grad_chunk=1, conv=0), torch.randn(1, LENGTH, WIDTH)
    torch.nn.init.zeros_(cell.gates.weight)
    with torch.no_grad():
        cell.gates.bias.copy_(torch.tensor([-100.0, -100.0, 0.0]))  # α = 0, η = 0, θ = 1/2
    q, k, v, _ = cell.qkv(x, cell.qkv.init_state(1))
    q, k = (torch.nn.functional.normalize(torch.nn.functional.silu(t), dim=-1) for t in (q, k))
    half = torch.full(k.shape[:3], 0.5)
    y, _ = delta_rule(q, k, v, half, None, torch.zeros(1, 1, WIDTH, WIDTH), "recurrent", 1)
    assert float((cell(x)[0] - cell.out(y)).detach().abs().max()) < 1e-10


def test_newton_schulz_makes_all_directions_alike() -> None:
    values = torch.linalg.svdvals(newton_schulz(torch.randn(3, 8, 5), 5))
    assert float(values.min()) > 0.6
    assert float(values.max()) < 1.3
