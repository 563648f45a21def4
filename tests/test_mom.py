"""A token changes the memories it is sent to and no other; with one matrix for all, everything is changed."""

import pytest

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402

from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.gated_deltanet import GatedDeltaNet  # noqa: E402
from remanence.layers.mom import MoM  # noqa: E402

torch.set_num_threads(1)
H, K, M = 2, 3, 4


@pytest.mark.parametrize("form", ["recurrent", "chunk", "parallel"])
def test_the_layer_is_the_formula(form: str) -> None:
    """The mixed memory is put together as the paper writes it, and read once."""
    torch.manual_seed(0)
    layer = MoM(H * K, heads=H, memories=M, chosen=2, conv=0, block_size=4).double()
    x = torch.randn(9, H * K, dtype=torch.float64)
    q, k, v = (F.silu(p(x)) for p in layer.qkv.project)
    k, v = k.view(9, M + 1, H, K), v.view(9, M + 1, H, K)
    rate, out = layer.log_rate.exp().view(M + 1, H), []
    s = torch.zeros(M + 1, H, K, K, dtype=torch.float64)
    for t in range(9):
        p = layer.router(x[t]).detach().exp()
        best = p.argsort(descending=True)[:2].tolist()
        g = {m: p[m] / sum(p[i] for i in best) for m in best} | {M: torch.tensor(1.0)}
        beta = torch.sigmoid(layer.beta(x[t])).view(M + 1, H)
        alpha = torch.exp(-rate * torch.log1p(layer.alpha(x[t]).view(M + 1, H).exp()))
        heads = []
        for h in range(H):
            for m in g:
                key = k[t, m, h] / k[t, m, h].norm()
                old = alpha[m, h] * s[m, h]
                s[m, h] = (old + beta[m, h] * torch.outer(key, v[t, m, h] - old.T @ key)).detach()
            query = q[t].view(H, K)[h] / q[t].view(H, K)[h].norm()
            heads.append(layer.out.norm(sum(g[m] * s[m, h] for m in g).T @ query))
        out.append(torch.cat(heads))
    assert torch.allclose(layer(x[None], form=form)[0], layer.out.project(torch.stack(out))[None], atol=1e-10)


@pytest.mark.parametrize("form", ["recurrent", "chunk", "parallel"])
def test_a_memory_that_is_not_chosen_stays_as_it_is(form: str) -> None:
    """Tokens of one kind go to memories 0 and 1, of the other to 2 and 3; a single memory is disturbed by both."""
    torch.manual_seed(0)
    layer = MoM(4, memories=M, chosen=2, conv=0).double()
    layer.router.weight.data = 9 * torch.tensor([[1.0, 0, 0, 0]] * 2 + [[-1.0, 0, 0, 0]] * 2).double()
    first, then = torch.randn(2, 1, 12, 4, dtype=torch.float64)
    first[..., 0], then[..., 0] = 1, -1
    _, before = layer(first, form=form)
    _, after = layer(then, before, form=form)
    assert torch.equal(after.s[:, :2], before.s[:, :2])
    assert bool(before.s[:, :2].any())
    assert not bool(before.s[:, 2:4].any())
    assert not torch.allclose(after.s[:, 4], before.s[:, 4])  # the shared one is written by all
    single = GatedDeltaNet(4, conv=0).double()
    _, before = single(first, form=form)
    assert not torch.allclose(single(then, before, form=form)[1].s, before.s, atol=1e-3)


def test_weights_of_the_chosen_add_up_to_one() -> None:
    g = MoM(4, memories=5, chosen=3).route(torch.randn(2, 7, 4))
    assert torch.equal((g[..., :-1] > 0).sum(-1), torch.full((2, 7), 3))
    assert torch.allclose(g[..., :-1].sum(-1), torch.ones(2, 7))
    assert torch.equal(g[..., -1], torch.ones(2, 7))


def test_more_chosen_than_there_are_is_refused() -> None:
    with pytest.raises(BadConfig, match="chosen"):
        MoM(4, memories=2, chosen=3)
