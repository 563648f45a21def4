"""PerHead: the heads named read as the policy inside would, the others as if there were no far past."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch import Tensor  # noqa: E402

from archs import tiny  # noqa: E402
from remanence.cache.base import Base  # noqa: E402
from remanence.cache.extended_mind import ExtendedMind  # noqa: E402
from remanence.cache.parts.heard import Heard  # noqa: E402
from remanence.cache.parts.held import Held  # noqa: E402
from remanence.cache.parts.tokens import Tokens  # noqa: E402
from remanence.cache.streaming import Streaming  # noqa: E402
from remanence.cache.top_blocks import TopBlocks  # noqa: E402
from remanence.cache.wrappers.per_head import PerHead  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402

torch.set_num_threads(1)
SIZES: Any = {"sinks": 2, "local": 8, "chunk": 16}
WINDOW = Streaming(stride=1, **SIZES)
EVERYONE = [(layer, head) for layer in range(2) for head in range(4)]


def held_and_query(t: int = 3) -> tuple[Held, Tensor]:
    draw = torch.Generator().manual_seed(0)
    keys, query = torch.randn(2, 2, 80, 16, generator=draw), torch.randn(2, 4, t, 16, generator=draw)
    held = Held(Tokens.like(keys), Tokens.like(keys), Heard())
    held.append(keys, keys, None)
    return held, query


@torch.no_grad()
def logits(policy: Base) -> Tensor:
    model, ids = tiny("llama"), torch.randint(3, 256, (2, 120), generator=torch.Generator().manual_seed(1))
    with policy(model) as memory:
        cache = memory.cache()
        return torch.cat([model(x, past_key_values=cache).logits for x in ids.split(24, 1)], 1)


def test_all_heads_are_the_policy_and_none_is_a_window() -> None:
    inside = TopBlocks(3, 4, **SIZES)
    assert torch.equal(logits(PerHead(inside, EVERYONE)), logits(inside))
    assert torch.equal(logits(PerHead(inside)), logits(WINDOW))
    some = logits(PerHead(inside, [(1, 0)]))
    assert not torch.allclose(some, logits(inside), atol=1e-3)
    assert not torch.allclose(some, logits(WINDOW), atol=1e-3)


def test_a_head_is_named_alone_though_it_shares_its_keys() -> None:
    inside = TopBlocks(3, 4, **SIZES)
    held, query = held_and_query()
    mine = inside.fresh().choose(held, query, 77)
    far = PerHead(inside, [(0, 1), (1, 3)]).on(0, 2).choose(held, query, 77)
    assert mine is not None and far is not None and far.only is not None
    assert torch.equal(far.ids, mine.ids) and far.until == mine.until
    looks = far.only.expand(2, 4, 3, far.ids.shape[2])
    assert [bool(looks[:, h].all()) for h in range(4)] == [False, True, False, False]
    assert [bool(looks[:, h].any()) for h in range(4)] == [False, True, False, False]


def test_what_the_policy_allows_each_query_still_holds() -> None:
    inside = ExtendedMind(2, least=-1, **SIZES)
    held, query = held_and_query()
    mine = inside.fresh().choose(held, query, 77)
    far = PerHead(inside, [(0, 1), (0, 2)]).on(0, 1).choose(held, query, 77)
    assert mine is not None and far is not None and mine.only is not None and far.only is not None
    assert torch.equal(far.only[:, [1, 2]], mine.only[:, [1, 2]]) and not far.only[:, [0, 3]].any()


def test_where_the_policy_reads_everything_the_named_do() -> None:
    held, query = held_and_query()
    far = PerHead(TopBlocks(**SIZES), [(0, 0)]).on(0, 1).choose(held, query, 77)
    assert far is not None and far.ids.tolist() == [[[*range(2, 69)]]] and far.until == 69 and far.only is not None
    assert far.only.any(3)[0, :, 0].tolist() == [True, False, False, False]


def test_a_layer_without_a_named_head_costs_nothing() -> None:
    held, query = held_and_query()
    layer = PerHead(TopBlocks(3, 4, **SIZES), [(0, 1)]).on(1, 2)
    far = layer.choose(held, query, 77)
    assert far is not None and far.ids.numel() == 0 and far.until == 69
    assert layer.budget == 0 and not layer.noted()
    assert PerHead(TopBlocks(3, 4, **SIZES), [(0, 1)]).budget == TopBlocks(3, 4).budget


def test_heads_that_are_not_there_are_refused() -> None:
    with pytest.raises(BadConfig, match=r"of 2 layers, got \(-1, 0\)"):
        PerHead(TopBlocks(), [(-1, 0)]).on(0, 2)
    held, query = held_and_query()
    with pytest.raises(BadConfig, match=r"of 4 query heads, got \(0, 4\)"):
        PerHead(TopBlocks(**SIZES), [(0, 4)]).choose(held, query, 77)
