"""Products of its features are the exponential to second order, and the newest tokens are attended to exactly."""

import math

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.based import Based, taylor  # noqa: E402

torch.set_num_threads(1)


def test_products_of_features_are_the_series_of_the_exponential() -> None:
    torch.manual_seed(0)
    q, k = torch.randn(5, dtype=torch.float64), torch.randn(5, dtype=torch.float64)
    x = float(q @ k) / math.sqrt(5)
    assert float(taylor(q) @ taylor(k)) == pytest.approx(1 + x + x * x / 2)
    assert len(taylor(q)) == 1 + 5 + 25


def test_it_is_nearer_to_softmax_than_linear_features() -> None:
    torch.manual_seed(1)
    q, k = 0.5 * torch.randn(1, 8, 16), 0.5 * torch.randn(1, 32, 16)
    exact = (q @ k.mT / 4).softmax(-1)

    def off(features: torch.Tensor) -> float:
        return float((features / features.sum(-1, keepdim=True) - exact).abs().mean())

    elu = torch.nn.functional.elu
    assert off(taylor(q) @ taylor(k).mT) < 0.2 * off((elu(q) + 1) @ (elu(k) + 1).mT)


def test_without_a_window_only_the_features_answer() -> None:
    torch.manual_seed(0)
    with_, x = Based(8, features=4, window=2).double(), torch.randn(1, 12, 8, dtype=torch.float64)
    without = Based(8, features=4, window=0).double()
    without.load_state_dict({n: t for n, t in with_.state_dict().items() if not n.startswith("near")})
    near, _ = with_.near(x)
    assert torch.allclose(with_(x)[0], without(x)[0] + near, atol=1e-12)
