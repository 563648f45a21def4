"""Who gave and who was given are told apart, which a sum of the two cannot; and it may stop after any hop."""

import pytest

torch = pytest.importorskip("torch")

from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.memo import Memo  # noqa: E402

torch.set_num_threads(1)


@torch.no_grad()
@pytest.mark.parametrize("heads", [1, 2])
def test_it_is_the_formula(heads: int) -> None:
    torch.manual_seed(0)
    m, size = Memo(6, heads, hops=3, tokens=2).double(), 6 // heads
    x = torch.randn(1, 7, 6, dtype=torch.float64)
    windows = [torch.cat([x[0, t - 1] if t else torch.zeros(6).double(), x[0, t]]) for t in range(7)]
    keys, values = ([m.store.weight[part] @ w for w in windows] for part in (slice(0, 6), slice(6, 12)))
    cuts, out, counts = [slice(size * h, size * h + size) for h in range(heads)], [], []
    for t in range(7):
        q, z, left, y, count = m.question.weight @ windows[t], torch.zeros(1, 8).double(), 1.0, 0.0, 0.0
        before = torch.zeros(heads, t, dtype=torch.float64)
        for n in range(3):
            w, read = torch.zeros_like(before), torch.zeros(6, dtype=torch.float64)
            for h, cut in enumerate(cuts if t else []):
                w[h] = torch.stack([q[cut] @ k[cut] / size**0.5 for k in keys[:t]]).softmax(0)
                read[cut] = sum(a * v[cut] for a, v in zip(w[h], values[:t], strict=True))
            q = m.norm(q + m.combine.weight @ read)
            overlap = (w * before).sqrt().sum() / heads + (1e-6 * t if n == 0 else 0)
            z = m.watch(torch.cat([overlap[None], torch.eye(3).double()[n]])[None], z)
            p = float(m.halt(z).sigmoid()) if n < 2 else 1.0
            y = y + left * p * m.answer(m.hidden(q).relu())
            count += left * p * (n + 1)
            left, before = left * (1 - p), w
        out.append(y)
        counts.append(count)
    assert torch.allclose(m(x)[0][0], torch.stack(out), rtol=0, atol=1e-12)
    assert torch.allclose(m.hops(x)[0], torch.tensor(counts, dtype=torch.float64), rtol=0, atol=1e-12)


@torch.no_grad()
def test_which_part_is_which_is_kept() -> None:
    """Facts of two tokens, who gives and who is given: "a b", then "b a". The question is who gave to a, or to b."""
    a, b, gap = torch.eye(8, dtype=torch.float64).split(1)[:3]
    people = torch.diag(torch.tensor([1.0, 1, 0, 0, 0, 0, 0, 0], dtype=torch.float64))
    first, last = (people @ part for part in torch.eye(16, dtype=torch.float64).split(8))
    m = Memo(8, hops=2, tokens=2).double()
    for p in m.parameters():
        p.zero_()
    m.norm = torch.nn.Identity()
    m.halt.bias.fill_(50)  # one hop
    m.question.weight.copy_(9 * last)
    m.combine.weight.copy_(torch.eye(8).roll(4, 0))  # what is found is put beside the question
    m.hidden.weight.copy_(torch.eye(8))
    m.answer.weight.copy_(torch.eye(8).roll(-4, 0))

    def giver(to: torch.Tensor) -> str:
        y, _ = m(torch.cat([a, b, gap, b, a, gap, to])[None])
        return "ab"[int(y[0, -1, :2].argmax())]

    m.store.weight.copy_(torch.cat([9 * last, first]))  # the key is who is given, the value who gives
    assert (giver(a), giver(b)) == ("b", "a")
    m.store.weight.copy_(torch.cat([9 * (first + last), first + last]))  # the nearest simpler item
    assert (giver(a), giver(b)) == ("a", "b")


@torch.no_grad()
def test_when_it_stops_is_what_it_answers() -> None:
    torch.manual_seed(0)
    m, x = Memo(6, hops=4).double(), torch.randn(2, 9, 6, dtype=torch.float64)
    m.halt.weight.zero_()
    one, more, most = [], [], []
    for bias, kept in ((50.0, one), (0.0, more), (-50.0, most)):
        m.halt.bias.fill_(bias)
        kept += [m(x)[0], m.hops(x)]
    assert torch.allclose(one[1], torch.ones(2, 9).double())
    assert torch.allclose(more[1], torch.full((2, 9), 1 / 2 + 2 / 4 + 3 / 8 + 4 / 8, dtype=torch.float64))
    assert torch.allclose(most[1], torch.full((2, 9), 4.0, dtype=torch.float64))
    assert not torch.allclose(one[0], most[0], atol=1e-3)
    _, state = m(x[:, :5])
    m.halt.bias.fill_(0.3)
    m.halt.weight.fill_(1.0)
    assert torch.allclose(m.hops(x[:, 5:], state), m.hops(x)[:, 5:], rtol=0, atol=1e-12)


def test_looking_less_can_be_learned() -> None:
    torch.manual_seed(0)
    m, x = Memo(6), torch.randn(2, 9, 6)
    descent = torch.optim.Adam(m.parameters(), 0.05)
    before = float(m.hops(x).mean().detach())
    for _ in range(20):
        descent.zero_grad()
        m.hops(x).mean().backward()
        descent.step()
    assert float(m.hops(x).mean().detach()) < before - 0.5


@pytest.mark.parametrize("settings", [{"hops": 1}, {"tokens": 0}, {"heads": 3}])
def test_what_cannot_be_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(BadConfig):
        Memo(8, **settings)
