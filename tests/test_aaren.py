"""A softmax over every prefix with one query that never changes: not the plain mean, nor sums without a maximum."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.aaren import Aaren  # noqa: E402

torch.set_num_threads(1)


def layer(width: int = 6, heads: int = 2) -> Aaren:
    torch.manual_seed(0)
    return Aaren(width, heads).double()


@pytest.mark.parametrize("form", ["parallel", "recurrent"])
@pytest.mark.parametrize("loud", [1.0, 3000.0])  # e^3000 is beyond a float: the maximum is what holds it
def test_every_output_is_softmax_attention_over_its_prefix(form: str, loud: float) -> None:
    aaren, x = layer(), torch.randn(1, 11, 6, dtype=torch.float64)
    aaren.query.data *= loud
    k, v = aaren.k(x).view(11, 2, 3), aaren.v(x).view(11, 2, 3)
    scores = torch.einsum("thk,hk->th", k, aaren.query) / 3**0.5
    out = []
    for t in range(1, 12):
        weights = scores[:t].softmax(0)
        out.append(aaren.out.norm(torch.einsum("th,thk->hk", weights, v[:t])).flatten())
    assert torch.allclose(aaren(x, form=form)[0], aaren.out.project(torch.stack(out))[None], atol=1e-10)
    mean = v.cumsum(0) / torch.arange(1, 12)[:, None, None]  # every token alike
    assert not torch.allclose(
        aaren(x, form=form)[0], aaren.out.project(aaren.out.norm(mean).flatten(1))[None], atol=0.1
    )


def test_the_state_is_the_answer_to_the_one_question_it_knows() -> None:
    """The average and its weight are all there is: two texts that agree in them are one to whatever comes after."""
    aaren, x = layer(4, 1), torch.randn(1, 3, 4, dtype=torch.float64)
    _, state = aaren(x)
    scores = (aaren.k(x)[0] @ aaren.query[0] / 2).exp()
    assert torch.allclose(state.u * state.m.exp(), scores.sum())
    assert torch.allclose(state.w[0, 0] / state.u[0], scores @ aaren.v(x)[0] / scores.sum())
    assert sum(t.numel() for _, t in state.tensors()) == 4 + 2
    turned, _ = aaren(torch.cat([x.flip(1), x[:, :1]], 1))
    assert torch.allclose(turned[:, -1], aaren(torch.cat([x, x[:, :1]], 1))[0][:, -1], atol=1e-12)
