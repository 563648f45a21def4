"""Nearest first, by row, of everything that was added and not forgotten; in blocks as in one piece."""

import pytest

torch = pytest.importorskip("torch")

from remanence.errors import BadConfig, BadInput  # noqa: E402
from remanence.layers.contract.datastore import Datastore  # noqa: E402
from remanence.layers.parts.exact_store import ExactStore, nearest  # noqa: E402

torch.set_num_threads(1)


def filled(size: int | None = None) -> tuple[ExactStore, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    store, keys, values = ExactStore(2, 4, 3, size), torch.randn(2, 30, 4), torch.randn(2, 30, 3)
    for start in range(0, 30, 10):
        store.add(keys[:, start : start + 10], values[:, start : start + 10])
    return store, keys, values


@pytest.mark.parametrize("block", [1, 7, 30, 4096])
def test_it_finds_what_sorting_all_scores_finds(block: int) -> None:
    _, keys, values = filled()
    queries = torch.randn(2, 6, 4)
    found = nearest(queries, keys, values, torch.ones(2, 1, 30, dtype=torch.bool), 5, block)
    for b in range(2):
        for q in range(6):
            order = (keys[b] @ queries[b, q]).argsort(descending=True)[:5]
            assert torch.equal(found.keys[b, q], keys[b, order])
            assert torch.equal(found.values[b, q], values[b, order])
            assert torch.allclose(found.scores[b, q], keys[b, order] @ queries[b, q], atol=1e-6)


def test_a_store_is_a_datastore() -> None:
    made, keys, values = filled()
    store: Datastore = made
    assert len(store) == 30
    found = store.search(keys[:, 3:4] * 100, 40)
    assert found.valid.sum(-1).tolist() == [[30], [30]]
    assert not bool(torch.isfinite(found.scores[~found.valid]).any())
    store.reset(torch.tensor([True, False]))
    assert len(store) == 30
    assert store.search(keys[:, :1], 2).valid[:, 0].tolist() == [[False, False], [True, True]]
    store.add(keys[:, :2], values[:, :2])
    again = store.search(keys[:, :1], 4)
    assert again.valid.sum(-1).tolist() == [[2], [4]]
    store.reset()
    assert (len(store), made.keys.shape[1]) == (0, 0)
    assert not bool(store.search(keys[:, :1], 2).valid.any())


def test_the_oldest_go_first() -> None:
    store, keys, _ = filled(size=8)
    assert len(store) == 8
    assert torch.equal(store.keys, keys[:, 22:])


def test_what_cannot_be_is_refused() -> None:
    store, keys, values = filled()
    with pytest.raises(BadInput, match=r"\[2, 30, 4\]"):
        store.add(keys[..., :3], values)
    with pytest.raises(BadInput, match=r"\[2, 30, 3\]"):
        store.add(keys, values[:, :5])
    with pytest.raises(BadConfig, match="k must be"):
        store.search(keys, 0)
    with pytest.raises(BadConfig, match="size"):
        ExactStore(1, 2, size=0)
