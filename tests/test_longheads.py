"""LongHeads: each head finds its own chunk, and a chunk is not lost in the mean of its keys."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch import Tensor  # noqa: E402

from remanence.cache.longheads import LongHeads  # noqa: E402
from remanence.cache.parts.heard import Heard  # noqa: E402
from remanence.cache.parts.held import Held  # noqa: E402
from remanence.cache.parts.tokens import Tokens  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402

torch.set_num_threads(1)
WIDTH, BLOCK, LOCAL, SINKS = 16, 8, 8, 8


def held_with(keys: Tensor, values: Tensor) -> Held:
    held = Held(Tokens.like(keys), Tokens.like(values), Heard())
    held.append(keys, values, None)
    return held


def chunks_read(keys: Tensor, values: Tensor, query: Tensor, blocks: int = 1) -> list[list[int]]:
    """For each key-value head the numbers of its chunks between the first and the last."""
    policy = LongHeads(blocks, BLOCK, sinks=SINKS, local=LOCAL)
    far = policy.far(held_with(keys, values), query, SINKS, keys.shape[2] - LOCAL)
    assert far.ids.shape[2] == blocks * BLOCK
    assert far.until == keys.shape[2] - LOCAL
    starts = far.ids[0].view(-1, blocks, BLOCK)
    assert (starts - starts[..., :1] == torch.arange(BLOCK)).all(), "chunks are read whole"
    return ((starts[..., 0] - SINKS) // BLOCK).tolist()


def test_what_finds_a_chunk_is_the_formula() -> None:
    torch.manual_seed(0)
    k, v = torch.randn(2, 3, 40, WIDTH).double(), torch.randn(2, 3, 40, WIDTH).double()
    policy = LongHeads(2, BLOCK, sinks=SINKS, local=LOCAL)
    policy.far(held_with(k, v), k[:, :, -1:], SINKS, 32)
    assert policy.found_by is not None and len(policy.found_by) == 3
    for b in range(2):
        for h in range(3):
            for chunk in range(3):
                at = slice(SINKS + chunk * BLOCK, SINKS + (chunk + 1) * BLOCK)
                key, value = k[b, h, at], v[b, h, at]
                out = torch.stack([torch.softmax(key @ q / WIDTH**0.5, 0) @ value for q in key])
                expected = torch.softmax(key @ out.mean(0) / WIDTH**0.5, 0) @ key
                assert torch.allclose(policy.found_by.span(chunk, chunk + 1)[b, h, 0], expected, atol=1e-12)


def test_a_needle_is_not_lost_in_the_mean_of_its_chunk() -> None:
    keys = torch.zeros(1, 1, 8 * BLOCK, WIDTH)
    keys[0, 0, SINKS + 2 * BLOCK + 3, 0] = 6  # one strong key in chunk 2; its value says what it is
    keys[0, 0, SINKS + 4 * BLOCK : SINKS + 5 * BLOCK, 0] = 1.5  # chunk 4 is like the query a little, all of it
    query = torch.zeros(1, 1, 1, WIDTH)
    query[..., 0] = 1
    means = keys[0, 0, SINKS:-LOCAL, 0].view(-1, BLOCK).mean(1)
    assert int(means.argmax()) == 4
    assert chunks_read(keys, keys, query) == [[2]]


def test_each_head_has_a_chunk_of_its_own() -> None:
    torch.manual_seed(1)
    keys = 0.1 * torch.randn(1, 2, 10 * BLOCK, WIDTH)
    query = torch.nn.functional.normalize(torch.randn(1, 4, 1, WIDTH), dim=-1)
    query[:, 1], query[:, 3] = query[:, 0], query[:, 2]  # two query heads share the keys of one head
    for head, chunk, strength in ((0, 2, 5), (1, 6, 4)):
        keys[0, head, SINKS + chunk * BLOCK + 1] = strength * query[0, 2 * head, 0]
    assert chunks_read(keys, keys, query) == [[2], [6]]
    assert chunks_read(keys.sum(1, keepdim=True) / 2, keys.sum(1, keepdim=True) / 2, query) != [[2], [6]]
    policy = LongHeads(1, BLOCK, sinks=SINKS, local=LOCAL)
    policy.far(held_with(keys, keys), query, SINKS, keys.shape[2] - LOCAL)
    assert policy.found_by is not None
    q = query.unflatten(1, (2, 2)).mean((2, 3))
    together = (policy.found_by.span(0, 8) @ q[..., None]).sum(1).argmax()
    assert int(together) == 2, "one choice for the layer would lose what the other head needs"


def test_chunks_are_read_in_order_and_at_the_model_s_positions() -> None:
    torch.manual_seed(2)
    keys = torch.randn(1, 2, 12 * BLOCK, WIDTH)
    for head in chunks_read(keys, keys, torch.randn(1, 2, 1, WIDTH), blocks=4):
        assert head == sorted(set(head)) and len(head) == 4
    assert LongHeads().positions == "compact"
    policy = LongHeads()
    assert policy.sinks + policy.local + policy.blocks * policy.block == 4096, "what Llama 2 was trained to read"


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(BadConfig, match="blocks"):
        LongHeads(-1)
    with pytest.raises(BadConfig, match="block"):
        LongHeads(block=0)
