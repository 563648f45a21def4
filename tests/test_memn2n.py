"""A question whose answer is found with an answer: two hops find it, one hop finds what stands between."""

import pytest

torch = pytest.importorskip("torch")

from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.memn2n import MemN2N  # noqa: E402

torch.set_num_threads(1)
N = 6  # people and places


def asked(hops: int, story: list[tuple[int, int]], about: int) -> list[int]:
    """The places answered, best first. Channels: what a fact is about, what it says, and room for an answer."""
    layer = MemN2N(3 * N, hops, adjacent=False, conv=1).double()
    subject, says, answer = torch.eye(3 * N, dtype=torch.float64).split(N)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.mix.fill_(1)
        layer.question.weight.copy_(subject.T @ subject)
        for a, c in zip(layer.embed[::2], layer.embed[1::2], strict=True):
            a.weight.copy_(20 * subject.T @ subject)
            c.weight.copy_(3 * subject.T @ says + answer.T @ says)  # what is said is what is asked about next
        layer.embed[-1].weight.copy_(10 * answer.T @ says)
        layer.out.weight.copy_(answer.T @ answer)
        facts = torch.stack([subject[a] + says[b] for a, b in story] + [subject[about]])
        return layer(facts[None])[0][0, -1, 2 * N :].argsort(descending=True).tolist()


def test_two_hops_answer_what_one_cannot() -> None:
    story = [(0, 3), (1, 4), (2, 5), (4, 2), (3, 1), (5, 0)]
    for about, between in story[:3]:
        assert asked(1, story, about)[0] == between
        assert asked(2, story, about)[0] == dict(story)[between]


def test_one_hop_does_not_see_where_the_chain_goes() -> None:
    here, there = [(0, 3), (3, 1), (4, 2)], [(0, 3), (3, 2), (4, 1)]
    assert asked(1, here, 0)[0] == asked(1, there, 0)[0] == 3
    assert (asked(2, here, 0)[0], asked(2, there, 0)[0]) == (1, 2)


@torch.no_grad()
@pytest.mark.parametrize("adjacent", [True, False])
def test_it_is_the_formula(adjacent: bool) -> None:
    torch.manual_seed(0)
    layer = MemN2N(5, hops=3, adjacent=adjacent, conv=2).double()
    x = torch.randn(1, 8, 5, dtype=torch.float64)
    seen = [layer.mix[0] * (x[0, t - 1] if t else 0) + layer.mix[1] * x[0, t] for t in range(8)]
    weights, out = [e.weight for e in layer.embed], []
    for t in range(8):
        u = (weights[0] if adjacent else layer.question.weight) @ seen[t]
        for n in range(3):
            a, c = (weights[n], weights[n + 1]) if adjacent else (weights[2 * n], weights[2 * n + 1])
            if t:
                p = torch.stack([u @ a @ s for s in seen[:t]]).softmax(0)
                u = u + sum(p_i * (c @ s) for p_i, s in zip(p, seen[:t], strict=True))
        out.append(layer.out.weight @ u)
    assert torch.allclose(layer(x)[0][0], torch.stack(out), rtol=0, atol=1e-12)
    assert sum(p.numel() for p in layer.parameters()) == (5 if adjacent else 8) * 25 + 10


@pytest.mark.parametrize("settings", [{"hops": 0}, {"conv": 0}])
def test_what_cannot_be_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(BadConfig):
        MemN2N(8, **settings)
