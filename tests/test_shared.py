"""Shared: what either policy chooses is read, once, by those it was chosen for."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch import Tensor  # noqa: E402

from archs import tiny  # noqa: E402
from remanence.cache.base import Base, Far  # noqa: E402
from remanence.cache.em_llm import EMLLM  # noqa: E402
from remanence.cache.extended_mind import ExtendedMind  # noqa: E402
from remanence.cache.loki import Loki  # noqa: E402
from remanence.cache.parts.heard import Heard  # noqa: E402
from remanence.cache.parts.held import Held  # noqa: E402
from remanence.cache.parts.tokens import Tokens  # noqa: E402
from remanence.cache.streaming import Streaming  # noqa: E402
from remanence.cache.top_blocks import TopBlocks  # noqa: E402
from remanence.cache.wrappers.shared import Shared  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402

torch.set_num_threads(1)
SIZES: Any = {"sinks": 2, "local": 8, "chunk": 16}


@dataclass
class Picks(Base):
    """What it was told to choose."""

    chosen: Far = field(default_factory=lambda: Far(torch.empty(1, 1, 0, dtype=torch.long), 60))

    @property
    def budget(self) -> int:
        return self.chosen.ids.shape[2]

    def far(self, held: Held, query: Tensor, start: int, end: int) -> Far:
        return self.chosen


def held_and_query(t: int = 3) -> tuple[Held, Tensor]:
    draw = torch.Generator().manual_seed(0)
    keys, query = torch.randn(2, 2, 80, 16, generator=draw), torch.randn(2, 4, t, 16, generator=draw)
    held = Held(Tokens.like(keys), Tokens.like(keys), Heard())
    held.append(keys, keys, None)
    return held, query


def seen(far: Far, b: int, q: int, t: int) -> set[int]:
    """The tokens from the first sink's side up to 80 that a query looks at."""
    ids = far.ids.expand(2, 2, -1)[b, q // 2]
    if far.only is not None:
        of = far.only.expand(2, -1, -1, -1)
        ids = ids[of[b, q * of.shape[1] // 4, t]]
    tokens = [i for i in ids.tolist() if 0 <= i < far.until]
    assert len(tokens) == len(set(tokens)), "nothing is read twice"
    return {*tokens, *range(far.until, 80)}


def drawn(seed: int, rows: int, only: int, until: int) -> Far:
    """A choice of up to 9 tokens, with holes; `only` heads that choose for each query, or 0."""
    draw = torch.Generator().manual_seed(seed)
    ids = torch.stack([torch.randperm(until, generator=draw)[:9].sort().values for _ in range(rows * 2)]).view(
        rows, 2, 9
    )
    ids[..., -2:] = torch.where(torch.rand(rows, 2, 2, generator=draw) < 0.5, -1, ids[..., -2:])
    return Far(ids, until, torch.rand(rows, only, 3, 9, generator=draw) < 0.5 if only else None)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (drawn(0, 2, 0, 60), drawn(1, 2, 0, 60)),
        (drawn(2, 1, 0, 66), drawn(3, 2, 0, 58)),
        (drawn(4, 2, 4, 60), drawn(5, 1, 0, 70)),
        (drawn(6, 2, 2, 60), drawn(7, 2, 4, 61)),
    ],
)
def test_the_union_is_read(one: Far, other: Far) -> None:
    held, query = held_and_query()
    union = Shared(Picks(one, **SIZES), Picks(other, **SIZES)).choose(held, query, 77)
    assert union is not None
    for b in range(2):
        for q in range(4):
            for t in range(3):
                assert seen(union, b, q, t) == seen(one, b, q, t) | seen(other, b, q, t)
    real = torch.where(union.ids < 0, 1000, union.ids)
    assert bool((real.diff(dim=-1) >= 0).all()), "ascending, holes last"
    assert (union.only is None) == (one.only is None and other.only is None)


def test_budgets_add_up_and_one_that_covers_covers_for_both() -> None:
    both = Shared(TopBlocks(3, 4, **SIZES), Shared(Loki(5, **SIZES), ExtendedMind(2, positions="compact", **SIZES)))
    most = TopBlocks(3, 4).budget
    assert both.budget == most + 5 + 2
    assert both.covers(2 + 8 + most) and not both.covers(2 + 8 + most + 1)
    held, query = held_and_query()
    far = Shared(TopBlocks(3, 4, **SIZES), Loki(5, **SIZES)).choose(held, query, 77)
    assert far is not None and 5 < far.ids.shape[2] <= 12 + 5
    everything = Shared(TopBlocks(3, 4, **SIZES), TopBlocks(**SIZES))
    assert everything.choose(held, query, 77) is None


def test_both_hear_note_and_are_saved(tmp_path: Path) -> None:
    ids = torch.randint(3, 256, (1, 120), generator=torch.Generator().manual_seed(1))
    shared = Shared(
        EMLLM(tokens=48, least=4, most=12, **SIZES), Shared(TopBlocks(3, 4, **SIZES), TopBlocks(1, 8, **SIZES))
    )
    assert shared.hears and not Shared(TopBlocks(), Loki()).hears
    with shared(tiny("llama")) as memory, torch.no_grad():
        cache = memory.read(ids, step=24)
        noted = cache.memory_layers[0].policy.noted()
        assert {"bounds", "other.bounds", "other.other.bounds"} <= noted.keys()
        cache.save(tmp_path / "both.safetensors")
        again = memory.load(tmp_path / "both.safetensors")
        assert again.memory_layers[0].policy.noted().keys() == noted.keys()
        more = ids[:, :12]
        one, other = (memory.model(more, past_key_values=c).logits for c in (cache, again))
        assert torch.equal(one, other)


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(BadConfig, match="agree on local, got 8 and 256"):
        Shared(TopBlocks(local=8), TopBlocks())
    for pair in ((Streaming(), TopBlocks()), (TopBlocks(), Streaming())):
        with pytest.raises(BadConfig, match="Streaming lets go of tokens"):
            Shared(*pair)
