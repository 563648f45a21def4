"""The laws of every parametric memory the registry finds."""

from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from cells import exactly  # noqa: E402
from remanence.layers.contract.parametric import ParametricMemory  # noqa: E402
from remanence.registry import load, names  # noqa: E402

WIDTH = 8
MEMORIES = [name for name in names("layers") if issubclass(load("layers", name), ParametricMemory)]
every = pytest.mark.parametrize("name", MEMORIES)


@pytest.fixture(autouse=True)
def _exactly() -> Iterator[None]:
    with exactly():
        yield


def memory(name: str, law: str = "") -> Any:
    kind = load("layers", name)
    if law in kind.exceptions:
        pytest.skip(f"{name}: {kind.exceptions[law]}")
    return kind(WIDTH)


def off(a: Any, b: Any) -> float:
    return float((a - b).detach().abs().max())


@every
def test_tokens_and_rows_do_not_talk(name: str) -> None:
    m, x = memory(name, "rows"), torch.randn(3, 7, WIDTH)
    y = m(x)
    assert y.shape == x.shape
    assert off(m(x[1:2]), y[1:2]) < 1e-12
    assert off(m(x[:, 4:5]), y[:, 4:5]) < 1e-12


@every
def test_gradients_reach_every_parameter(name: str) -> None:
    m = memory(name, "gradients")
    m(torch.randn(4, 50, WIDTH)).square().sum().backward()
    assert not [n for n, p in m.named_parameters() if p.grad is None or not bool(p.grad.abs().sum() > 0)]


@every
def test_the_weights_of_a_lookup_are_shares(name: str) -> None:
    ids, weights = memory(name, "lookup").lookup(torch.randn(2, 5, WIDTH))
    assert ids.shape == weights.shape
    assert bool((weights >= 0).all())
    assert bool((ids >= 0).all())


@every
def test_what_is_written_is_answered_and_can_be_undone(name: str) -> None:
    m, x = memory(name, "write"), torch.randn(3, WIDTH)
    values, before = torch.randn(3, WIDTH), m(x[None])[0]
    delta = m.write(x, values)
    assert off(m(x[None])[0], before) == 0  # nothing was applied yet
    delta.apply(m)
    assert off(m(x[None])[0], values) < 1e-6
    delta.revert(m)
    assert off(m(x[None])[0], before) < 1e-10


@every
def test_two_writes_are_one_merged(name: str) -> None:
    m, x = memory(name, "write"), torch.randn(2, WIDTH)
    a, b = m.write(x[:1], torch.randn(1, WIDTH)), m.write(x[1:], torch.randn(1, WIDTH))
    a.apply(m)
    b.apply(m)
    both = m(x[None])
    b.revert(m)
    a.revert(m)
    a.merge(b).apply(m)
    assert off(m(x[None]), both) < 1e-10
