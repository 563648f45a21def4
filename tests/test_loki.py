"""Loki: where keys lie in few dimensions, a search in these finds what a search in all would."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch import Tensor  # noqa: E402

from remanence.cache.loki import Loki  # noqa: E402
from remanence.cache.parts.heard import Heard  # noqa: E402
from remanence.cache.parts.held import Held  # noqa: E402
from remanence.cache.parts.tokens import Tokens  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402

torch.set_num_threads(1)
WIDTH, RANK, N, K, SINKS = 32, 8, 400, 40, 4


def held_with(keys: Tensor, real: Tensor | None = None) -> Held:
    held = Held(Tokens.like(keys), Tokens.like(keys), Heard())
    held.append(keys, keys, real)
    return held


def low_rank(seed: int = 0) -> Tensor:
    """[2, 2, N, WIDTH]: keys in RANK dimensions beside one large direction that all of them have in common."""
    draw = torch.Generator().manual_seed(seed)
    inside = torch.randn(2, 2, N, RANK, generator=draw) @ torch.randn(2, 2, RANK, WIDTH, generator=draw)
    return inside + 20 * torch.randn(2, 2, 1, WIDTH, generator=draw)


def nearest(query: Tensor, keys: Tensor) -> list[set[int]]:
    """For each row and head the K tokens of SINKS.. whose products are highest, by the mean of its two queries."""
    q = query.unflatten(1, (2, 2)).mean((2, 3))
    scores = (keys[:, :, SINKS:] @ q[..., None])[..., 0]
    return [set((ids + SINKS).tolist()) for ids in scores.topk(K, -1).indices.flatten(0, 1)]


def recall(found: list[set[int]], true: list[set[int]]) -> float:
    return sum(len(a & b) for a, b in zip(found, true, strict=True)) / sum(map(len, true))


def read(policy: Loki, keys: Tensor, query: Tensor, real: Tensor | None = None) -> list[set[int]]:
    far = policy.far(held_with(keys, real), query, SINKS, keys.shape[2])
    assert far.ids.shape == (2, 2, K) and bool((far.ids.diff(dim=-1) > 0).all())
    return [set(ids.tolist()) for ids in far.ids.flatten(0, 1)]


def test_in_a_quarter_of_the_width_it_finds_what_counts() -> None:
    keys, query = low_rank(), torch.randn(2, 4, 1, WIDTH, generator=torch.Generator().manual_seed(1))
    true = nearest(query, keys)
    policy = Loki(K, dims=RANK / WIDTH, calibration=200, sinks=SINKS)
    assert recall(read(policy, keys, query), true) == 1
    assert policy.low is not None and policy.low.data.shape[3] == RANK

    any_axes = Loki(K, dims=RANK / WIDTH, calibration=200, sinks=SINKS)
    any_axes.axes = torch.linalg.qr(torch.randn(2, 2, WIDTH, RANK, generator=torch.Generator().manual_seed(2))).Q
    any_axes.low = Tokens.like(keys[..., :RANK])
    assert recall(read(any_axes, keys, query), true) < 0.5, "any other projection loses most"

    about_zero = Loki(K, dims=RANK / WIDTH, calibration=200, sinks=SINKS)
    about_zero.axes = torch.linalg.eigh(keys.transpose(2, 3) @ keys).eigenvectors[..., -RANK:]
    about_zero.low = Tokens.like(keys[..., :RANK])
    assert recall(read(about_zero, keys, query), true) < 0.999, "an axis goes to what all keys have in common"


def test_axes_are_of_the_first_tokens_however_the_text_is_read() -> None:
    keys, query = low_rank(), torch.ones(2, 4, 1, WIDTH)
    at_once, in_pieces = (Loki(K, calibration=128, sinks=SINKS) for _ in range(2))
    held = held_with(keys)
    once = at_once.far(held, query, SINKS, N).ids
    for end in range(60, N + 1, 20):
        pieces = in_pieces.far(held, query, SINKS, end).ids
        assert (in_pieces.axes is None) == (end - SINKS < 128)
    assert at_once.axes is not None and in_pieces.axes is not None
    assert torch.equal(at_once.axes, in_pieces.axes) and torch.equal(once, pieces)


def test_until_axes_are_known_all_dimensions_are_searched() -> None:
    draw = torch.Generator().manual_seed(3)
    keys, query = torch.randn(2, 2, 120, WIDTH, generator=draw), torch.randn(2, 4, 3, WIDTH, generator=draw)
    assert read(Loki(K, calibration=128, sinks=SINKS), keys, query) == nearest(query, keys)


def test_padding_is_neither_learned_from_nor_found() -> None:
    keys, query = low_rank(), torch.randn(2, 4, 1, WIDTH, generator=torch.Generator().manual_seed(1))
    alone = read(Loki(K, dims=RANK / WIDTH, calibration=200, sinks=SINKS), keys[:, :, :], query)
    real = torch.ones(2, N, dtype=torch.bool)
    real[1, : SINKS + 50] = False
    keys[1, :, : SINKS + 50] = 100 * query[1, ::2]
    policy = Loki(K, dims=RANK / WIDTH, calibration=200, sinks=SINKS)
    found = read(policy, keys, query, real)
    assert found[:2] == alone[:2], "the row without padding"
    assert all(min(ids) >= SINKS + 50 for ids in found[2:])
    q = query.unflatten(1, (2, 2)).mean((2, 3))[1]
    best = (keys[1, :, SINKS + 50 :] @ q[..., None])[..., 0].topk(K, -1).indices + SINKS + 50
    assert found[2:] == [set(ids.tolist()) for ids in best]


@pytest.mark.parametrize("settings", [{"dims": 0}, {"dims": 1.5}, {"tokens": 0}, {"calibration": 1}])
def test_what_cannot_be_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(BadConfig, match=next(iter(settings))):
        Loki(**settings)  # type: ignore[arg-type]
