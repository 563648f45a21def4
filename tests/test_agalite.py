"""While times are under half the number of waves it is gated linear attention, to the last digit; later it is not."""

import pytest

torch = pytest.importorskip("torch")

from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.agalite import EPSILON, Agalite  # noqa: E402

torch.set_num_threads(1)
T, H, K, ETA = 6, 2, 3, 2


def layer(r: int) -> Agalite:
    torch.manual_seed(0)
    return Agalite(H * K, heads=H, eta=ETA, r=r, block_size=4).double()


def galite(cell: Agalite, x: torch.Tensor) -> torch.Tensor:
    """The matrix that the waves stand for, written entry by entry from the formula; its answers divided by 4."""
    k, q, v, gamma, beta = (f(x)[0].view(-1, H, K) for f in cell.project)
    p_k, p_q, p_gamma = (f(x)[0].view(-1, H, ETA) for f in cell.features)
    out = torch.zeros(len(v), H, K, dtype=x.dtype)
    for h in range(H):
        s, z = torch.zeros(ETA * K, K, dtype=x.dtype), torch.zeros(ETA * K, dtype=x.dtype)
        for t in range(len(v)):
            keep, write = torch.sigmoid(gamma[t, h]), torch.sigmoid(beta[t, h])
            g = torch.kron(torch.sigmoid(p_gamma[t, h]), keep)
            key = torch.kron(p_k[t, h].relu(), k[t, h].relu())
            query = torch.kron(p_q[t, h].relu(), q[t, h].relu())
            s = torch.outer(1 - g, 1 - write) * s + torch.outer(g * key, write * v[t, h])
            z = (1 - g) * z + g * key
            out[t, h] = s.T @ query / (4 * z @ query + 2 * EPSILON / cell.r)
    return cell.out(out.flatten(1))[None]


@pytest.mark.parametrize("form", ["recurrent", "chunk"])
def test_with_waves_enough_it_is_gated_linear_attention(form: str) -> None:
    x = torch.randn(1, T, H * K, dtype=torch.float64)
    cell = layer(2 * T + 1)
    assert torch.allclose(cell(x, form=form)[0], galite(cell, x), atol=1e-10)
    for few in (1, T):
        cell = layer(few)
        assert not torch.allclose(cell(x, form=form)[0], galite(cell, x), atol=1e-3)


@pytest.mark.parametrize("form", ["recurrent", "chunk"])
def test_with_few_waves_it_is_their_formula(form: str) -> None:
    r, long = 3, 11
    cell, x = layer(r), torch.randn(long, H * K, dtype=torch.float64)
    k, q, v, gamma, beta = (f(x).view(long, H, K) for f in cell.project)
    p_k, p_q, p_gamma = (f(x).view(long, H, ETA) for f in cell.features)
    out = torch.zeros(long, H, K, dtype=x.dtype)
    for h in range(H):
        keys, values = torch.zeros(r, ETA * K, dtype=x.dtype), torch.zeros(r, K, dtype=x.dtype)
        s = torch.zeros(ETA * K, dtype=x.dtype)
        for t in range(long):
            g = torch.kron(torch.sigmoid(p_gamma[t, h]), torch.sigmoid(gamma[t, h]))
            b = torch.sigmoid(beta[t, h])
            key, query = (torch.kron(p.relu(), y.relu()) for p, y in ((p_k[t, h], k[t, h]), (p_q[t, h], q[t, h])))
            cosine = torch.cos(2 * torch.pi * torch.arange(r, dtype=x.dtype) * (t + 1) / r)[:, None]
            keys, values = (1 - g) * keys + cosine * g * key, (1 - b) * values + cosine * b * v[t, h]
            s = (1 - g) * s + g * key
            out[t, h] = sum(values[i] * (keys[i] @ query) for i in range(r)) / (2 * r * s @ query + EPSILON)
    assert torch.allclose(cell(x[None], form=form)[0], cell.out(out.flatten(1))[None], atol=1e-10)


def test_gates_are_of_every_entry() -> None:
    """With γ and β at 1 for a token, all before it is gone; at 0, it leaves no trace."""
    cell, x = layer(5), torch.randn(1, T, H * K, dtype=torch.float64)
    _, before = cell(x[:, :-1])
    for gate, expected in ((40.0, None), (-40.0, before)):
        for f in (cell.project[3], cell.project[4], cell.features[2]):
            f.bias.data.fill_(gate)
            f.weight.data.zero_()
        _, after = cell(x[:, -1:], before)
        if expected is None:
            alone = torch.kron(cell.features[0](x[0, -1])[:ETA].relu(), cell.project[0](x[0, -1])[:K].relu())
            assert torch.allclose(after.s[0, 0], alone, atol=1e-12)
        else:
            assert torch.allclose(after.s, expected.s, atol=1e-12)


def test_a_late_time_is_as_exact_as_an_early_one() -> None:
    """In single precision a billion times ω would keep no digit of the angle."""
    cell, t = Agalite(4, r=7), torch.tensor([5, 5 + 7 * 10**9])
    early, late = cell.waves(t)
    assert torch.equal(early, late)
    assert torch.allclose(early, torch.cos(2 * torch.pi / 7 * 5 * torch.arange(7)), atol=1e-5)


def test_no_waves_are_refused() -> None:
    with pytest.raises(BadConfig, match="r must"):
        Agalite(4, r=0)
