"""Blocks chosen by a bound: against a slow loop over blocks, and against reading all with the rest masked."""

from dataclasses import dataclass, field
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from archs import tiny  # noqa: E402
from remanence.cache.base import Far  # noqa: E402
from remanence.cache.parts.blocks import MANY, bound, grow  # noqa: E402
from remanence.cache.parts.heard import Heard  # noqa: E402
from remanence.cache.parts.held import Held  # noqa: E402
from remanence.cache.parts.tokens import Tokens  # noqa: E402
from remanence.cache.top_blocks import TopBlocks  # noqa: E402

torch.set_num_threads(1)
IDS = torch.randint(3, 256, (2, 160), generator=torch.Generator().manual_seed(1))
FEW = {"sinks": 2, "local": 8, "block": 4, "blocks": 3, "chunk": 16}
CLOSE: dict[str, Any] = {"rtol": 0, "atol": 1e-3}


def held_of(k: Any) -> Held:
    held = Held(Tokens.like(k), Tokens.like(k), Heard())
    held.append(k, k, None)
    return held


def random(*shape: int, seed: int) -> Any:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def read(model: Any, policy: TopBlocks, step: int) -> Any:
    with policy(model) as memory:
        cache = memory.cache()
        return torch.cat([model(x, past_key_values=cache).logits for x in IDS.split(step, 1)], 1)


def test_the_blocks_with_the_highest_bounds_are_read():
    """The paper's formula, Σ_d max(q_d M_d, q_d m_d), one block at a time, for each head and each row."""
    k, q, start, end = random(2, 2, 60, 8, seed=1), random(2, 4, 3, 8, seed=2), 3, 53
    far = TopBlocks(block=4, blocks=5).far(held_of(k), q, start, end)
    assert far.until == 51, "what does not fill a block is near"
    for b in range(2):
        for h in range(2):
            mean = q[b, 2 * h : 2 * h + 2].mean((0, 1))
            bounds = []
            for first in range(start, 51, 4):
                block = k[b, h, first : first + 4]
                bounds.append(float(torch.maximum(mean * block.amax(0), mean * block.amin(0)).sum()))
            best = sorted(sorted(range(12), key=lambda n: -bounds[n])[:5])
            assert far.ids[b, h].tolist() == [start + 4 * n + i for n in best for i in range(4)]


def test_a_needle_in_a_block_is_found_where_the_mean_overlooks_it():
    """One key that answers, among keys that point away: the mean of its block (the simpler way) is the worst of all."""
    k = 0.01 * random(1, 1, 66, 8, seed=1)
    k[0, 0, 1 + 4 * 7 : 1 + 4 * 8, 0] = -1.0
    k[0, 0, 1 + 4 * 7 + 2, 0] = 2.0
    q = torch.zeros(1, 1, 1, 8)
    q[..., 0] = 1
    far = TopBlocks(sinks=1, block=4, blocks=1).far(held_of(k), q, 1, 65)
    assert 1 + 4 * 7 + 2 in far.ids[0, 0].tolist()
    means = k[0, 0, 1:65].unflatten(0, (16, 4)).mean(1) @ q[0, 0, 0]
    assert int(means.argmin()) == 7


def test_bounds_grow_as_tokens_do():
    k, q = random(1, 2, 80, 8, seed=1), random(1, 4, 1, 8, seed=2)
    grown, held = TopBlocks(block=4, blocks=3), Held(Tokens.like(k), Tokens.like(k), Heard())
    for i in range(0, 80, 10):
        held.append(k[:, :, i : i + 10], k[:, :, i : i + 10], None)
        grown.far(held, q, 4, i + 5)
    assert torch.equal(grown.far(held, q, 4, 75).ids, TopBlocks(block=4, blocks=3).far(held, q, 4, 75).ids)
    assert grown.bounds is not None
    assert len(grown.bounds) == 17
    assert grown.nbytes / held.nbytes <= 0.25, "two keys' worth for 4 tokens, of a key and a value each"


@pytest.mark.parametrize("grown", [False, True])
def test_of_many_blocks_half_is_read_and_the_bounds_are_the_same(grown: bool):
    """Column by column, of each its maxima or minima; the formula is of all of them at once."""
    k, q = random(2, 2, 2 * MANY + 300, 6, seed=3), random(2, 4, 1, 6, seed=4)
    q[1, 0, 0, 2] = q[1, 1, 0, 2] = 0.0
    held, bounds = held_of(k), None
    for end in (1500, 2 * MANY + 300) if grown else (2 * MANY + 300,):
        bounds = grow(bounds, held, 0, end, 2)
    known = bounds.span(0, MANY + 100)
    assert known.stride(2) == 1 and known.stride(3) > known.shape[2], "by column, with room for more"
    mean = q.unflatten(1, (2, 2)).mean((2, 3))[:, :, None]
    most, least = known.float().split(6, -1)
    want = torch.maximum(mean * most, mean * least).sum(-1) / mean.abs().sum(-1)
    for found in (bound(q, known), bound(q, known.contiguous())):
        assert found.dtype == torch.float16
        torch.testing.assert_close(found.float(), want, rtol=2e-3, atol=2e-3)
    torch.testing.assert_close(bound(1e6 * q, known), bound(q, known), rtol=1e-3, atol=1e-3)  # however great they are


def test_in_half_precision_a_bound_is_still_one():
    k = torch.cat([random(1, 1, 32, 8, seed=5), 7e4 * random(1, 1, 32, 8, seed=6).sign()], 2)
    most, least = grow(None, held_of(k), 0, 64, 4).span(0, 16).float().split(8, -1)
    blocks = k.unflatten(2, (16, 4)).clamp(-65_504, 65_504)
    assert bool((most[..., None, :] >= blocks).all()) and bool((least[..., None, :] <= blocks).all())
    assert not torch.equal(most, blocks.amax(3)), "what does not fit is rounded, outwards"
    assert (most - blocks.amax(3)).max() <= 1e-3 * blocks.abs().max()
    exact = grow(None, held_of(k.double()), 0, 64, 4)
    assert exact.data.dtype == torch.float64


class Masked(TopBlocks):
    """The same choice by the slow way: everything is read, and what was not chosen is masked."""

    def far(self, held: Held, query: Any, start: int, end: int) -> Far:
        chosen = super().far(held, query, start, end)
        ids = torch.arange(start, chosen.until)
        only = (ids[:, None] == chosen.ids[:, :, None]).any(-1)  # [B, H, R]
        return Far(ids[None, None], chosen.until, only[:, :, None].expand(-1, -1, query.shape[2], -1))


@pytest.mark.parametrize("arch", ["llama", "gpt neox", "gemma2", "gpt oss"])
@pytest.mark.parametrize("step", [16, 1])
def test_dropping_is_masking(arch, step):
    """Places are true here: to close them up, what is dropped must be known."""
    dropped = read(tiny(arch), TopBlocks(**FEW, positions="true"), step)
    torch.testing.assert_close(dropped, read(tiny(arch), Masked(**FEW, positions="true"), step), **CLOSE)
    more = FEW | {"blocks": 4}
    assert not torch.allclose(dropped, read(tiny(arch), TopBlocks(**more, positions="true"), step), **CLOSE)


@dataclass
class Rebuilt(TopBlocks):
    """Chooses for every fourth generated token, and gathers and rotates all of it anew for each."""

    last: list[Any] = field(default_factory=list, init=False)

    def choose(self, held: Held, query: Any, past: int) -> Far | None:
        if query.shape[2] > 1 or self.covers(past):
            return super().choose(held, query, past)
        if not self.last or self.last[1] == 4:
            self.last = [super().choose(held, query, past), 0]
        self.last[1] += 1
        return self.last[0]


def test_a_stride_reads_what_it_would_read_if_it_were_rebuilt():
    """Four tokens share a choice; between, the near past grows by what was generated."""
    model = tiny("llama")
    shared = read(model, TopBlocks(**FEW, stride=4), 1)
    torch.testing.assert_close(shared, read(model, Rebuilt(**FEW), 1), **CLOSE)
    assert not torch.allclose(shared, read(model, TopBlocks(**FEW), 1), **CLOSE)


@torch.no_grad()
def test_far_tokens_are_reached_and_a_window_alone_reaches_none():
    """Queries are made to look for one token's key, far away: it is read, and its value comes out."""
    k = 0.1 * random(1, 1, 400, 8, seed=1)
    q = random(1, 1, 1, 8, seed=2)
    k[0, 0, 137] = 3 * q[0, 0, 0]
    policy = TopBlocks(sinks=2, local=16, block=8, blocks=2)
    far = policy.choose(held_of(k), q, 399)
    assert far is not None
    assert 137 in far.ids.flatten().tolist()
    assert far.ids.shape[2] + 2 + 400 - far.until <= policy.sinks + policy.local + policy.budget + 1
