"""Retrieval heads: who copies is counted as defined, and without those who do nothing is recalled."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch import Tensor  # noqa: E402
from transformers import LlamaForCausalLM  # noqa: E402

from archs import tiny  # noqa: E402
from remanence.bench import recall  # noqa: E402
from remanence.cache.base import Base  # noqa: E402
from remanence.cache.retrieval_heads import RetrievalHeads, scores  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402

torch.set_num_threads(1)
RECALL = Path(__file__).parent / "data" / "recall"


@pytest.fixture(scope="module")
def model() -> Any:
    return LlamaForCausalLM.from_pretrained(RECALL).eval()


def samples(rows: int, seed: int) -> tuple[Tensor, Tensor]:
    """Contexts with a question and its answer, and where the pair stands."""
    world = recall.contexts(np.random.default_rng(seed), rows, 96, 8)
    tokens, answers = world.asked(0)
    first = torch.from_numpy((world.tokens == world.keys[:, :1]).argmax(1))
    return torch.from_numpy(np.hstack([tokens, answers[:, None]])), torch.stack([first, first + 2], 1)


@pytest.mark.parametrize("after", [0, 2])
@torch.no_grad()
def test_the_score_is_counted_as_defined(after: int) -> None:
    model, draw = tiny("llama"), torch.Generator().manual_seed(0)
    ids = torch.randint(3, 6, (40, 30), generator=draw)  # three words, so that random heads copy now and then
    needle, answer = torch.tensor([[4, 20]]).expand(40, -1).clone(), 4
    needle[20:] = torch.tensor([10, 24])
    got = scores(model, ids, needle, answer, after)
    model.set_attn_implementation("eager")
    attentions = model(ids[:, :-1], output_attentions=True, use_cache=False).attentions
    model.set_attn_implementation("sdpa")
    inside_only = torch.zeros_like(got)
    for layer, attention in enumerate(attentions):
        for head in range(4):
            copied = inside = 0
            for row in range(40):
                start, end = needle[row].tolist()
                for t in range(30 - answer, 30):
                    top = int(attention[row, head, t - 1].argmax())
                    reach = [i for i in range(top - after, top + 1) if start <= i < end]
                    copied += any(ids[row, i] == ids[row, t] for i in reach)
                    inside += bool(reach)
            assert float(got[layer, head]) == pytest.approx(copied / (40 * answer))
            inside_only[layer, head] = inside / (40 * answer)
    assert float(got.max()) > 0.1
    assert float((inside_only - got).min()) > 0.02, "to look at the needle is not to copy from it"


@torch.no_grad()
def recalled(model: Any, policy: Base) -> float:
    ids, _ = samples(64, seed=2)
    with policy(model) as memory:
        cache = memory.read(ids[:, :-1], step=16)
        del cache
        said = model(ids[:, :-1]).logits[:, -1].argmax(-1)
    return float((said == ids[:, -1]).float().mean())


def test_without_the_heads_found_nothing_is_recalled(model: Any) -> None:
    found = RetrievalHeads.found(model, *samples(32, seed=1), answer=1, after=1).heads
    score = scores(model, *samples(32, seed=1), answer=1, after=1)
    assert [float(score[at]) for at in found] == sorted(score[score >= 0.1].tolist(), reverse=True)
    everyone = [(layer, head) for layer in range(2) for head in range(4)]
    rest = [at for at in everyone if at not in found]
    assert found and len(rest) >= len(found)

    def reading(heads: list[tuple[int, int]]) -> float:
        return recalled(model, RetrievalHeads(heads, local=16, chunk=16))

    assert reading([*found]) >= 0.9, "they alone need the far past"
    assert reading(rest) <= 0.4, "all others do not find it"
    masked = rest[: len(found)]
    assert reading([at for at in everyone if at not in masked]) >= 0.9, "as many others are not missed"


def test_the_others_see_sinks_and_a_window() -> None:
    policy, query = RetrievalHeads([(0, 2), (1, 0), (1, 3)], sinks=2, local=8), torch.zeros(3, 4, 5, 16)
    far = policy.on(1, 3).far(None, query, 2, 40)  # type: ignore[arg-type]
    assert far.ids.tolist() == [[[*range(2, 40)]]] and far.until == 40 and far.only is not None
    assert far.only.shape == (1, 4, 5, 38)
    assert [bool(far.only[:, h].all()) for h in range(4)] == [True, False, False, True]
    assert [bool(far.only[:, h].any()) for h in range(4)] == [True, False, False, True]
    assert policy.on(2, 3).far(None, query, 2, 40).ids.numel() == 0  # type: ignore[arg-type]
    assert policy.on(2, 3).budget == 0 < policy.on(0, 3).budget


def test_heads_that_are_not_there_are_refused() -> None:
    with pytest.raises(BadConfig, match=r"of 2 layers, got \(2, 0\)"), RetrievalHeads([(2, 0)])(tiny("llama")):
        pass
    policy = RetrievalHeads([(1, 4)], sinks=0, local=8)
    with policy(tiny("llama")) as memory, pytest.raises(BadConfig, match=r"of 4 query heads, got \(1, 4\)"):
        memory.read(torch.arange(3, 43)[None], step=10)
