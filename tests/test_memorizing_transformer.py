"""Memorizing Transformers: two softmaxes and a gate, over the nearest keys of each query."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch import Tensor  # noqa: E402

from archs import tiny  # noqa: E402
from remanence.cache.memorizing_transformer import MemorizingTransformer  # noqa: E402
from remanence.cache.parts.attend import Read, Scores, attend  # noqa: E402
from remanence.cache.parts.heard import Heard  # noqa: E402
from remanence.cache.parts.held import Held  # noqa: E402
from remanence.cache.parts.tokens import Tokens  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402

torch.set_num_threads(1)
SINKS, FAR, NEAR, T, WIDTH = 2, 6, 7, 3, 8
BIAS = (-1.0, 0.5, 2.0, 0.0)


def held_with(keys: Tensor, real: Tensor | None = None) -> Held:
    held = Held(Tokens.like(keys), Tokens.like(keys), Heard())
    held.append(keys, keys, real)
    return held


NONE = held_with(torch.zeros(2, 2, 0, WIDTH))


def reading(seed: int = 0) -> Read:
    """Two sinks, six tokens of memory of which each query sees some, seven near ones."""
    draw = torch.Generator().manual_seed(seed)
    q, k, v = (torch.randn(2, h, n, WIDTH, generator=draw).double() for h, n in ((4, T), (2, 15), (2, 15)))
    mask = torch.ones(2, 4, T, SINKS + FAR + NEAR, dtype=torch.bool)
    mask[..., SINKS : SINKS + FAR] = torch.rand(2, 4, T, FAR, generator=draw) < 0.6
    mask[..., SINKS] = True
    mask[..., -NEAR:] = torch.ones(T, NEAR).tril(NEAR - T).bool()
    return Read(q, k, v, Scores(), mask, far=SINKS + FAR)


def softmax_over(read: Read, b: int, q: int, t: int, columns: list[int]) -> Tensor:
    assert read.mask is not None
    seen = [i for i in columns if read.mask[b, q, t, i]]
    keys, values = read.keys[b, q // 2, seen], read.values[b, q // 2, seen]
    return torch.softmax(keys @ read.query[b, q, t] / WIDTH**0.5, 0) @ values


def test_the_answer_is_the_formula() -> None:
    read = reading()
    got = MemorizingTransformer(bias=BIAS, sinks=SINKS).attend(read, NONE)
    local = [*range(SINKS), *range(SINKS + FAR, SINKS + FAR + NEAR)]
    for b in range(2):
        for q in range(4):
            g = 1 / (1 + torch.tensor(-BIAS[q]).double().exp())
            for t in range(T):
                found = softmax_over(read, b, q, t, [*range(SINKS, SINKS + FAR)])
                expected = g * found + (1 - g) * softmax_over(read, b, q, t, local)
                assert torch.allclose(got[b, q, t], expected, atol=1e-6)
    assert (got - attend(read)).abs().max() > 0.1, "one softmax over both is another answer"


def test_a_query_that_found_nothing_is_answered_by_the_near_past() -> None:
    read = reading()
    assert read.mask is not None
    read.mask[1, 2, 0, SINKS : SINKS + FAR] = False
    got = MemorizingTransformer(bias=3.0, sinks=SINKS).attend(read, NONE)
    assert torch.allclose(got[1, 2, 0], attend(read)[1, 2, 0])
    assert not torch.allclose(got[1, 2, 1], attend(read)[1, 2, 1], atol=0.01)


def test_memory_is_the_nearest_keys_of_each_query() -> None:
    draw = torch.Generator().manual_seed(1)
    keys, query = torch.randn(2, 2, 90, WIDTH, generator=draw), torch.randn(2, 4, 5, WIDTH, generator=draw)
    real = torch.ones(2, 90, dtype=torch.bool)
    real[1, :40] = False
    far = MemorizingTransformer(4).far(held_with(keys, real), query, 4, 80)
    assert far.only is not None
    for b in range(2):
        for q in range(4):
            for t in range(5):
                products = (keys[b, q // 2] @ query[b, q, t]).masked_fill(~real[b], -torch.inf)
                expected = (products[4:80].topk(4).indices + 4).sort().values
                assert far.ids[b, q // 2][far.only[b, q, t]].tolist() == expected.tolist()


def test_an_approximate_search_is_exact_within_the_blocks_it_looks_at() -> None:
    draw = torch.Generator().manual_seed(2)
    keys, query = torch.randn(1, 1, 32 * 9 + 5, WIDTH, generator=draw), torch.randn(1, 2, 1, WIDTH, generator=draw)
    query[:, 1] = query[:, 0]
    for i in (70, 71, 200):  # in blocks 2 and 6
        keys[0, 0, i] = 4 * query[0, 0, 0]
    policy = MemorizingTransformer(3, blocks=2)
    far = policy.far(held_with(keys), query, 0, 32 * 9 + 3)
    assert far.ids.tolist() == [[[70, 71, 200]]] and far.until == 32 * 9 + 3
    many = MemorizingTransformer(40, blocks=2).far(held_with(keys), query, 0, 32 * 9 + 3).ids
    assert {int(i) // 32 for i in many.flatten()} <= {2, 6, 9}, "two blocks, and the one that is not whole yet"
    assert many.shape[2] == 40


def test_one_layer_at_three_quarters_of_the_depth_remembers() -> None:
    def remembering(of: int, **settings: object) -> list[int]:
        policy = MemorizingTransformer(**settings)  # type: ignore[arg-type]
        return [i for i in range(of) if policy.on(i, of).budget]

    assert remembering(12) == [8] and remembering(2) == [1] and remembering(1) == [0]
    assert remembering(12, layers=(0, 11)) == [0, 11]
    with pytest.raises(BadConfig, match=r"layers must be in \[0, 2\), got 2"):
        MemorizingTransformer(layers=(2,)).on(0, 2)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(BadConfig, match="k >= 0"):
        MemorizingTransformer(-1)
    with pytest.raises(BadConfig, match="blocks"):
        MemorizingTransformer(blocks=0)
    policy = MemorizingTransformer(bias=(0.0, 1.0), sinks=0, local=8)
    with policy(tiny("llama")) as memory, pytest.raises(BadConfig, match="4 heads, got 2"):
        memory.read(torch.arange(3, 63)[None], step=20)
