"""Extended Mind: each query its own few tokens, by angle and not by length; and what was read can be cited."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch import Tensor  # noqa: E402
from transformers import LlamaForCausalLM  # noqa: E402

from archs import tiny  # noqa: E402
from remanence.bench import recall  # noqa: E402
from remanence.cache.extended_mind import ExtendedMind  # noqa: E402
from remanence.cache.parts.heard import Heard  # noqa: E402
from remanence.cache.parts.held import Held  # noqa: E402
from remanence.cache.parts.tokens import Tokens  # noqa: E402
from remanence.cache.top_blocks import TopBlocks  # noqa: E402
from remanence.cache.wrappers.quantized import Quantized  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402

torch.set_num_threads(1)
RECALL = Path(__file__).parent / "data" / "recall"


def held_with(keys: Tensor, real: Tensor | None = None) -> Held:
    held = Held(Tokens.like(keys), Tokens.like(keys), Heard())
    held.append(keys, keys, real)
    return held


def test_each_query_reads_what_is_nearest_to_it_by_cosine() -> None:
    draw = torch.Generator().manual_seed(0)
    keys = torch.randn(2, 2, 60, 8, generator=draw) * torch.rand(2, 2, 60, 1, generator=draw) * 9
    query = torch.randn(2, 4, 5, 8, generator=draw)
    real = torch.ones(2, 60, dtype=torch.bool)
    real[1, :12] = False
    policy = ExtendedMind(3, least=0.6, sinks=2)
    far = policy.far(held_with(keys, real), query, 2, 50)
    assert far.only is not None and far.until == 50
    cited, by_product, fewer = torch.zeros(2, 60, dtype=torch.long), 0, 0
    for b in range(2):
        for q in range(4):
            for t in range(5):
                like = [torch.cosine_similarity(query[b, q, t], keys[b, q // 2, i], 0) for i in range(50)]
                allowed = [i for i in range(2, 50) if real[b, i] and like[i] >= 0.6]
                expected = sorted(sorted(allowed, key=lambda i: -float(like[i]))[:3])
                assert far.ids[b, q // 2][far.only[b, q, t]].tolist() == expected
                products = keys[b, q // 2, 2:50] @ query[b, q, t]
                by_product += expected != sorted((products.topk(3).indices + 2).tolist())
                fewer += len(expected) < 3
                cited[b, expected] += 1
    assert by_product > 20, "long keys would win by product"
    assert fewer > 5, "what is not alike enough is not read, even if nothing is"
    assert policy.citations is not None and torch.equal(policy.citations, cited)


def test_what_an_answer_rests_on_can_be_seen() -> None:
    model = LlamaForCausalLM.from_pretrained(RECALL).eval()
    world = recall.contexts(np.random.default_rng(3), 8, 600, 4)
    tokens, answers = world.asked(1)
    at = torch.from_numpy((world.tokens == world.keys[:, 1:2]).argmax(1))
    with ExtendedMind(4, local=24)(model) as memory, torch.no_grad():
        cache = memory.read(torch.from_numpy(world.tokens))
        before = ExtendedMind.cited(cache)
        said = model(torch.from_numpy(tokens[:, -1:]), past_key_values=cache).logits[:, -1].argmax(-1)
        since = ExtendedMind.cited(cache)
    far = at < 600 - 24 - 3
    assert int(far.sum()) >= 6
    assert float((said.numpy() == answers).mean()) >= 0.8
    growth = since - torch.nn.functional.pad(before, (0, 1))
    best = growth.argmax(1)
    assert int(growth.min()) == 0 and since.shape == cache.ids.shape
    near = (best >= at) & (best <= at + 2)  # this model looks at the pair, or at the token behind it
    assert float(near[far].float().mean()) >= 0.8


def test_citations_are_found_inside_a_wrapper_and_outlast_what_is_taken_back() -> None:
    model, ids = tiny("llama"), torch.arange(3, 83)[None]
    with Quantized(ExtendedMind(4, sinks=0, local=8))(model) as memory:
        cache = memory.read(ids, step=20)
        cited = ExtendedMind.cited(cache)
        assert cited.shape == (1, 80) and int(cited.sum()) > 0 and not cited[:, 72:].any()
        cache.crop(-10)
        assert torch.equal(ExtendedMind.cited(cache), cited[:, :70])
    with TopBlocks()(model) as memory:
        assert ExtendedMind.cited(memory.read(ids)).tolist() == [[0] * 80], "who does not note it cites nothing"


@pytest.mark.parametrize("settings", [{"k": 0}, {"least": 1.5}])
def test_what_cannot_be_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(BadConfig, match=next(iter(settings))):
        ExtendedMind(**settings)  # type: ignore[arg-type]
