"""ThinK: the channels that go are those whose part in the products of queries and keys is least, and they are gone."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch import Tensor  # noqa: E402

from archs import tiny  # noqa: E402
from remanence.cache.parts.attend import Read, Scores, attend  # noqa: E402
from remanence.cache.parts.heard import Heard  # noqa: E402
from remanence.cache.parts.held import Held  # noqa: E402
from remanence.cache.think import ThinK  # noqa: E402
from remanence.cache.top_blocks import TopBlocks  # noqa: E402
from remanence.cache.wrappers.per_head import PerHead  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402

WIDTH, GROUP, LOCAL = 10, 16, 8
SIZES = {"sinks": 2, "local": LOCAL, "group": GROUP}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    with torch.no_grad():
        yield


def uneven(*shape: int, seed: int) -> Tensor:
    """Numbers whose channels are of very different size, in another order for each head."""
    random = torch.Generator().manual_seed(seed)
    sizes = torch.stack([torch.randperm(WIDTH, generator=random) for _ in range(shape[1])]).float() + 0.2
    return torch.randn(*shape, WIDTH, generator=random) * sizes[:, None]


def read(policy: ThinK, k: Tensor, query: Tensor) -> Held:
    """Keys in one piece, their last queries `query`, and what is thinned after it."""
    held = Held(policy.store(k[:, :, :0], "keys"), policy.store(k[:, :, :0], "values"), Heard())
    held.append(k, k, None)
    policy.attend(asked(query, held), held)
    policy.added(held)
    return held


def asked(query: Tensor, held: Held) -> Read:
    return Read(query, held.k.span(0, 0), held.v.span(0, len(held)), Scores(), causal=True)


def kept_slowly(k: Tensor, query: Tensor, row: int, head: int, group: int, keep: int) -> list[int]:
    """By the paper's formula: the norm of the matrix that channel j of the queries and of the keys make."""
    mine = query[row, 2 * head : 2 * head + 2].reshape(-1, WIDTH)  # two query heads read a key head
    keys = k[row, head, group * GROUP : (group + 1) * GROUP]
    score = [float(torch.linalg.matrix_norm(torch.outer(mine[:, j], keys[:, j]))) for j in range(WIDTH)]
    return sorted(sorted(range(WIDTH), key=lambda j: -score[j])[:keep])


def test_channels_are_kept_by_the_norm_of_their_products() -> None:
    k, query = uneven(2, 2, 200, seed=1), uneven(2, 4, 40, seed=2)
    held = read(ThinK(pruned=0.4, window=32, **SIZES), k, query)
    marks = held.k.parts()["marks"]
    assert marks.shape == (2, 2, 12, 6)
    for row in range(2):
        for head in range(2):
            for group in range(12):
                want = kept_slowly(k, query[:, :, -32:], row, head, group, 6)
                assert marks[row, head, group].tolist() == want
    by_size = k[:, :, :192].unflatten(2, (12, GROUP)).norm(dim=3).topk(6, -1).indices.sort(-1).values
    assert not torch.equal(by_size, marks.long()), "which the size of the keys alone does not choose"


def test_products_are_those_without_the_channels_that_went() -> None:
    k, query = uneven(1, 2, 200, seed=3), uneven(1, 4, 32, seed=4)
    held = read(ThinK(pruned=0.4, **SIZES), k, query)
    marks = held.k.parts()["marks"].long()
    q = query[:, ::2, -1:]
    for at in (0, 17, 100, 191):
        kept = marks[:, :, at // GROUP]
        want = (q[:, :, 0].gather(2, kept) * k[:, :, at].gather(2, kept)).sum(-1)
        got = (q[:, :, 0] * held.k.span(at, at + 1)[:, :, 0]).sum(-1)
        assert torch.allclose(got, want, rtol=1e-5)
        assert torch.equal(held.k.take(torch.tensor([[[at]]])), held.k.span(at, at + 1))
    assert torch.equal(held.k.span(192, 200), k[:, :, 192:]), "the newest are in full"


def test_choosing_by_the_keys_alone_loses_more() -> None:
    k, query = uneven(4, 2, 200, seed=5), uneven(4, 4, 32, seed=6)
    held = read(ThinK(pruned=0.5, **SIZES), k, query)
    groups = k[:, :, :192].unflatten(2, (12, GROUP))
    largest = groups.norm(dim=3).topk(5, -1).indices[:, :, :, None].expand(-1, -1, -1, GROUP, -1)
    by_size = torch.zeros_like(groups).scatter(4, largest, groups.gather(4, largest)).flatten(2, 3)
    q = query.unflatten(1, (2, 2)).flatten(2, 3)  # [B, H, 2 T, D]
    true = q @ k[:, :, :192].mT
    loss, naive = ((q @ keys.mT - true).norm() / true.norm() for keys in (held.k.span(0, 192), by_size))
    assert loss < 0.75 * naive


def test_the_bytes_are_saved() -> None:
    k = uneven(1, 2, 8000, seed=7)
    held = read(ThinK(pruned=0.4, sinks=2, local=LOCAL, group=128), k, uneven(1, 4, 32, seed=8))
    full = k.nbytes
    index = 62 * 2 * 6 * 2  # groups, heads, channels, bytes
    assert held.k.nbytes == 62 * 128 * full // 8000 * 6 // 10 + index + 64 * full // 8000
    assert held.k.nbytes < 0.62 * full and held.v.nbytes == full
    assert held.k.nbytes == sum(x.nbytes for x in held.k.parts().values())


def test_queries_of_several_calls_count_until_there_are_newer_ones() -> None:
    k = uneven(1, 2, 30, seed=9)
    policy = ThinK(window=4, **SIZES)
    held = Held(policy.store(k[:, :, :0], "keys"), policy.store(k[:, :, :0], "values"), Heard())
    held.append(k, k, None)
    queries = uneven(1, 4, 6, seed=10)
    for i in range(6):
        policy.attend(asked(queries[:, :, i : i + 1], held), held)
    assert torch.equal(policy.queries, queries[:, :, 2:])


def test_nothing_pruned_is_nothing_changed_and_little_is_little() -> None:
    model, ids = tiny("llama"), torch.randint(3, 256, (2, 500), generator=torch.Generator().manual_seed(0))
    out = {}
    with TopBlocks(blocks=10**6, local=LOCAL)(model):
        full = model(ids).logits
    for pruned in (0.0, 0.1, 0.6):
        with ThinK(pruned=pruned, chunk=64, **SIZES)(model) as memory:
            cache = memory.read(ids[:, :450])
            out[pruned] = model(ids[:, 450:], past_key_values=cache).logits - full[:, 450:]
            assert cache.memory_layers[1].held.rotated is None, "no copy at full width is kept"
    assert out[0.0].abs().max() < 1e-4 * full.abs().max()
    assert 0 < out[0.1].norm() < 0.7 * out[0.6].norm()


@pytest.mark.parametrize("heads", [2, 6])
def test_one_query_is_answered_from_thin_keys_as_from_wide_ones(heads: int) -> None:
    k = uneven(2, 2, 200, seed=11).double()
    held = read(ThinK(pruned=0.4, **SIZES), k, uneven(2, heads, 32, seed=12).double())
    query, real = uneven(2, heads, 1, seed=13).double(), torch.ones(2, 1, 1, 200, dtype=torch.bool)
    real[1, ..., :20] = False  # padding
    for scores, mask in ((Scores(), None), (Scores(scaling=0.7), None), (Scores(), real)):
        asked = Read(query, held.k.span(199, 200), held.v.span(0, 200), scores, mask)
        wide = attend(replace(asked, keys=held.k.span(0, 200)))
        assert torch.allclose(ThinK(pruned=0.4, **SIZES).attend(asked, held), wide, rtol=0, atol=1e-12)
        softer = replace(asked, scores=replace(scores, softcap=3.0))
        capped = attend(replace(softer, keys=held.k.span(0, 200)))
        assert torch.equal(ThinK(pruned=0.4, **SIZES).attend(softer, held), capped)


def test_what_cannot_go_with_keys_that_are_rotated_already_is_refused() -> None:
    with pytest.raises(BadConfig, match="positions must be compact or true, got 'fixed'"):
        ThinK(positions="fixed")
    with pytest.raises(BadConfig, match="ThinK holds keys where they were seen"):
        PerHead(ThinK(), heads=[(0, 0)])


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(BadConfig, match=r"pruned must be in \[0, 1\), got 1"):
        ThinK(pruned=1)
    with pytest.raises(BadConfig, match="at least 1, got 0 and 128"):
        ThinK(window=0)
