"""A key written again answers with what was written last, and other keys with what they always did."""

import pytest

torch = pytest.importorskip("torch")

from remanence.layers.armt import ARMT, answer, dpfp, update  # noqa: E402
from remanence.layers.contract.segment import SegmentRunner  # noqa: E402
from remanence.layers.lm.decoder import Decoder  # noqa: E402

torch.set_num_threads(1)
SEGMENT = 5


def features(x: torch.Tensor) -> torch.Tensor:
    phi = dpfp(x, 3)
    return phi / phi.norm()


def written(*writes: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """One key and value after the other, in full."""
    a, z = torch.zeros(1, 3, 2), torch.zeros(1, 3)
    for phi, v in writes:
        a, z = update(phi[None, None], v[None, None], torch.ones(1, 1, 1), a, z)
    return a, z


def test_a_key_written_again_is_overwritten() -> None:
    """Features of length 2, so that leaving out |φ|² shows. A sum of outer products (the fast weights of linear
    attention, the nearest simpler memory) answers with the mean of both values; z counted twice, with half the last."""
    one, other = torch.tensor([2.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 2.0])
    old, kept, new = torch.tensor([1.0, 2.0]), torch.tensor([5.0, -1.0]), torch.tensor([-3.0, 4.0])
    a, z = written((one, old), (other, kept), (one, new))
    assert torch.allclose(answer(one[None, None], a, z)[0, 0], new)
    assert torch.allclose(answer(other[None, None], a, z)[0, 0], kept)
    assert z[0].tolist() == [2, 0, 2]


def test_features_are_products_of_neighbours() -> None:
    """r = relu([1, -2, -1, 2]) = [1, 0, 0, 2]; the place before the first is the last."""
    assert dpfp(torch.tensor([1.0, -2.0]), 3).tolist() == [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]


@torch.no_grad()
def test_it_is_the_formula_around_every_layer() -> None:
    torch.manual_seed(0)
    model, memory = Decoder(11, 4, 2).double(), ARMT(4, 2, tokens=2, keys=4).double()
    for p in [*model.parameters(), *memory.parameters()]:
        if p.dim() > 1:
            torch.nn.init.normal_(p, std=0.7)
    ids = torch.randint(11, (1, 3 * SEGMENT))
    a = [torch.zeros(4, 24, dtype=torch.float64) for _ in range(2)]
    z = [torch.zeros(24, dtype=torch.float64) for _ in range(2)]
    out = []
    for piece in ids.split(SEGMENT, 1):
        x = torch.cat([model.embed(piece), memory.tokens[None]], 1)
        for i, layer in enumerate(memory.matrices):
            read = []
            for token in x[0]:
                phi = features(layer.q.weight @ token)
                read.append(token + a[i] @ phi / max(1e-6, float(z[i] @ phi)))
            x = model.layer(i, torch.stack(read)[None], None)
            before_a, before_z = a[i], z[i]
            for m in x[0, -2:]:
                phi, v = features(layer.k.weight @ m), layer.v.weight @ m
                v = v - before_a @ phi / max(1e-6, float(before_z @ phi))
                gamma = min(1.0, max(0.0, float(1 - before_z @ phi)))
                a[i] = a[i] + (layer.beta(m).sigmoid() * v)[:, None] * phi
                z[i] = z[i] + gamma * phi
        out.append(model.head(x[:, :SEGMENT]))
    logits, state = SegmentRunner(model, memory, SEGMENT)(ids)
    assert torch.allclose(logits, torch.cat(out, 1), atol=1e-10)
    assert all(torch.allclose(got[0].mT, want, atol=1e-10) for got, want in zip(state.a, a, strict=True))
