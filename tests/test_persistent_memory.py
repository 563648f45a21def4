"""Learned vectors in the softmax of the context: what they say is no sum of two attentions."""

import pytest

torch = pytest.importorskip("torch")

from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.persistent_memory import PersistentMemory  # noqa: E402

torch.set_num_threads(1)


@torch.no_grad()
def test_context_and_vectors_share_one_softmax() -> None:
    torch.manual_seed(0)
    m, x = PersistentMemory(6, vectors=4, heads=2).double(), torch.randn(1, 5, 6, dtype=torch.float64)
    keys, values = torch.randn(2, 1, 2, 5, 3, dtype=torch.float64)
    looks = torch.ones(5, 5, dtype=torch.bool).tril().expand(1, 2, 5, 5)
    want = torch.zeros(5, 6, dtype=torch.float64)
    for t in range(5):
        heads = []
        for h in range(2):
            q = m.query.weight[3 * h : 3 * h + 3] @ x[0, t]
            e = [(q @ k / 3**0.5).exp() for k in [*keys[0, h, : t + 1], *m.keys[h]]]
            heads.append(sum(a * v for a, v in zip(e, [*values[0, h, : t + 1], *m.values[h]], strict=True)) / sum(e))
        want[t] = m.out.weight @ torch.cat(heads)
    assert torch.allclose(m.attend(x, keys, values, looks)[0], want, rtol=0, atol=1e-12)
    attention = torch.nn.functional.scaled_dot_product_attention(m._query(x).transpose(1, 2), keys, values, looks)
    apart = m.out(attention.transpose(1, 2).flatten(2)) + m(x)  # the nearest simpler: each normalised by itself
    assert not torch.allclose(apart[0], want, atol=1e-2)


@torch.no_grad()
def test_alone_it_is_attention_without_a_context() -> None:
    torch.manual_seed(0)
    m, x = PersistentMemory(6, vectors=4, heads=2).double(), torch.randn(2, 5, 6, dtype=torch.float64)
    none = x.new_zeros(2, 2, 0, 3)
    assert torch.allclose(m(x), m.attend(x, none, none, torch.ones(2, 2, 5, 0, dtype=torch.bool)), rtol=0, atol=1e-12)
    ids, weights = m.lookup(x)
    assert ids[0, 0].tolist() == list(range(8))
    assert torch.allclose(weights.view(2, 5, 2, 4).sum(-1), torch.ones(2, 5, 2, dtype=torch.float64))


@torch.no_grad()
def test_a_write_is_the_least_change_that_answers() -> None:
    """Descent on the squared error from no change ends at the least one that answers all."""
    torch.manual_seed(0)
    m, x = PersistentMemory(4, vectors=5, heads=2).double(), torch.randn(2, 4, dtype=torch.float64)
    m.query.weight *= 3
    values = torch.randn(2, 4, dtype=torch.float64)
    change = m.write(x, values).changes["values"]
    w, first = m.lookup(x)[1].view(2, 2, 5), m(x)
    system = torch.einsum("dhk,mhn->mdhnk", m.out.weight.view(4, 2, 2), w).reshape(8, 20)
    least = system.T @ torch.linalg.solve(system @ system.T, (values - first).flatten())
    assert torch.allclose(change.flatten(), least, rtol=0, atol=1e-9)


@pytest.mark.parametrize("settings", [{"vectors": 0}, {"heads": 3}])
def test_what_cannot_be_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(BadConfig):
        PersistentMemory(8, **settings)
