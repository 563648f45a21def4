"""EM-LLM: events are where the text has them, a fact is read whole, and so is what lies beside it."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch import Tensor  # noqa: E402

from archs import tiny  # noqa: E402
from remanence.cache.em_llm import EMLLM  # noqa: E402
from remanence.cache.parts.cuts import conductance, modularity  # noqa: E402
from remanence.cache.parts.events import surprising  # noqa: E402
from remanence.cache.parts.heard import Heard  # noqa: E402
from remanence.cache.parts.held import Held  # noqa: E402
from remanence.cache.parts.tokens import Tokens  # noqa: E402
from remanence.cache.top_blocks import TopBlocks  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402

WIDTH = 32
LOCAL = 16


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def held_with(keys: Tensor, surprise: Tensor | None, real: Tensor | None = None) -> Held:
    """Keys [B, H, N, D], the values the same."""
    heard = Heard()
    if surprise is not None:
        heard = Heard(torch.zeros(surprise.shape, dtype=torch.long), surprise, torch.zeros(surprise.shape))
    held = Held(Tokens.like(keys), Tokens.like(keys), heard)
    held.append(keys, keys, real)
    return held


def topics(lengths: list[int], seed: int = 0) -> tuple[Tensor, Tensor, list[int]]:
    """Keys [1, 2, N, D] around one direction a topic; surprise [1, N], greatest up to 3 tokens into a new one."""
    draw = torch.Generator().manual_seed(seed)
    axes = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=draw)).Q[: len(lengths)]
    means = torch.repeat_interleave(axes, torch.tensor(lengths), 0)
    keys = means[None, None] + 0.1 * torch.randn(1, 2, len(means), WIDTH, generator=draw)
    starts = [sum(lengths[:i]) for i in range(1, len(lengths))]
    surprise = 1 + 0.2 * (torch.arange(len(means)) % 2)[None]  # never above mean + 2 std
    for i, start in enumerate(starts):
        surprise[0, start + i % 4] = 8
    return keys, surprise, starts


def defined(adjacency: Tensor, cut: int) -> tuple[float, float]:
    """Modularity and conductance of the parts before and after a cut, from their definitions."""
    n = len(adjacency)
    degree, twice_m = adjacency.sum(1), adjacency.sum()
    part = torch.arange(n) >= cut
    alike = part[:, None] == part[None]
    q = ((adjacency - degree[:, None] * degree[None] / twice_m) * alike).sum() / twice_m
    between = adjacency[:cut, cut:].sum()
    volume = torch.minimum(degree[:cut].sum(), degree[cut:].sum())
    return float(q), float(between / volume)


def test_cuts_are_as_modularity_and_conductance_define_them() -> None:
    noise = 0.05 * torch.randn(80, 300, generator=torch.Generator().manual_seed(4))
    keys = torch.cat([topics([30, 50])[0][0].transpose(0, 1).flatten(1) + 0.05, noise], 1).double()
    adjacency = keys @ keys.T
    q, phi = modularity(keys), conductance(keys)
    assert len(q) == len(phi) == 81
    for cut in range(1, 80):
        expected = defined(adjacency, cut)
        assert float(q[cut]) == pytest.approx(expected[0], abs=1e-9)
        assert float(phi[cut]) == pytest.approx(expected[1], abs=1e-9)
    assert int(q.argmax()) == int(phi.argmin()) == 30


def test_surprising_is_above_the_mean_and_deviation_of_the_window_before() -> None:
    surprise = torch.rand(2, 60, generator=torch.Generator().manual_seed(1))
    counts = torch.ones(2, 60, dtype=torch.bool)
    counts[1, :20] = False
    found = surprising(surprise, counts, 12, 1.0)
    for row in range(2):
        for t in range(60):
            before = surprise[row, max(0, t - 12) : t][counts[row, max(0, t - 12) : t]].double()
            above = len(before) > 1 and surprise[row, t] > before.mean() + before.std(correction=0)
            assert bool(found[row, t]) == (bool(above) and bool(counts[row, t]))
    assert 2 < int(found.sum()) < 40


def events(policy: EMLLM) -> list[list[int]]:
    assert policy.spans is not None
    return [span for span in policy.spans[0].tolist() if span[0] < span[1]]


def f1(found: list[int], true: list[int]) -> float:
    hits = len(set(found) & set(true))
    return 2 * hits / (len(found) + len(true))


@pytest.mark.parametrize("refine", ["modularity", "conductance"])
def test_events_end_where_the_topic_changes(refine: str) -> None:
    lengths = [24, 37, 14, 51, 19, 33, 45, 12, 28, 40]
    keys, surprise, starts = topics(lengths)
    ends = {}
    for how in (refine, "none"):
        policy = EMLLM(tokens=200, gamma=2, most=60, refine=how, sinks=0, local=LOCAL)
        policy.far(held_with(keys, surprise), keys[:, :, -1:], 0, sum(lengths) - LOCAL)
        ends[how] = [end for _, end in events(policy)]
    assert f1(ends[refine], starts) == 1
    assert f1(ends["none"], starts) < 0.5, "surprise alone comes late"
    assert f1(list(range(32, sum(lengths), 32)), starts) < 0.2, "blocks know nothing of topics"


def read(policy: EMLLM | TopBlocks, keys: Tensor, surprise: Tensor, query: Tensor) -> set[int]:
    far = policy.far(held_with(keys, surprise), query, 0, keys.shape[2] - LOCAL)
    return {int(i) for i in far.ids[0, 0] if i >= 0}


def test_a_fact_across_the_edge_of_a_block_is_read_whole_and_so_is_what_came_next() -> None:
    lengths = [20, 25, 14, 22, 30, 26, 10 + LOCAL]  # the fact is 45..59; a block ends at 48
    keys, surprise, _ = topics(lengths)
    query = keys[:, :, 46:47]
    fact, after, before = set(range(45, 59)), set(range(59, 81)), set(range(20, 45))
    settings = {"gamma": 2, "least": 8, "most": 32, "sinks": 0, "local": LOCAL}
    alone = read(EMLLM(tokens=64, contiguity=0, **settings), keys, surprise, query)
    assert fact <= alone, "the event is read whole"
    assert not fact <= read(TopBlocks(blocks=1, block=16, sinks=0, local=LOCAL), keys, surprise, query)
    beside = read(EMLLM(tokens=92, contiguity=0.3, **settings), keys, surprise, query)
    assert fact | after <= beside, "27 tokens are for neighbours: the next fits"
    assert not before <= beside, "with the one before it would be too many"
    assert not after <= read(EMLLM(tokens=92, contiguity=0.3, reach=0, **settings), keys, surprise, query)


def test_no_more_is_read_than_was_allowed() -> None:
    keys, surprise, _ = topics([13, 29, 17, 21, 32, 9, 26, 19, 40])
    for tokens in (64, 80, 120):
        policy = EMLLM(tokens=tokens, gamma=2, contiguity=0.2, most=24, sinks=0, local=LOCAL)
        far = policy.far(held_with(keys, surprise), keys[:, :, 100:101], 0, keys.shape[2] - LOCAL)
        for head in far.ids[0]:
            ids = head[head >= 0].tolist()
            assert tokens / 3 < len(ids) <= tokens
            assert ids == sorted(set(ids))
            assert ids[-1] == far.until - 1, "the event that goes on is always read"


def test_rows_with_other_events_and_with_padding_read_what_they_would_alone() -> None:
    one, other = topics([24, 37, 14, 51, 19]), topics([17, 29, 33, 15, 11], seed=3)
    pad = one[0].shape[2] - other[0].shape[2]
    keys = torch.cat([one[0], torch.nn.functional.pad(other[0], (0, 0, pad, 0), value=9.0)])
    surprise = torch.cat([one[1], torch.nn.functional.pad(other[1], (pad, 0), value=20.0)])
    real = torch.ones(2, keys.shape[2], dtype=torch.bool)
    real[1, :pad] = False
    settings = {"tokens": 60, "gamma": 2, "contiguity": 0.5, "most": 14, "sinks": 0, "local": LOCAL}
    both, alone = EMLLM(**settings), [EMLLM(**settings) for _ in range(2)]
    for end in (70, 100, keys.shape[2] - LOCAL):  # rows fall behind each other and catch up
        past = end + LOCAL
        query = keys[:, :, 60:61]
        ids = both.far(held_with(keys[:, :, :past], surprise[:, :past], real[:, :past]), query, 0, end).ids
        for row, shift in ((0, 0), (1, pad)):
            held = held_with(keys[row : row + 1, :, shift:past], surprise[row : row + 1, shift:past])
            far = alone[row].far(held, query[row : row + 1], 0, end - shift)
            for head in range(2):
                expected = [int(i) + shift for i in far.ids[0, head] if i >= 0]
                assert expected == [int(i) for i in ids[row, head] if i >= 0]


def test_piece_by_piece_events_are_as_all_at_once() -> None:
    keys, surprise, starts = topics([24, 37, 14, 51, 19, 33])
    policy = EMLLM(tokens=200, gamma=2, least=2, most=60, sinks=0, local=LOCAL)
    for end in range(40, keys.shape[2] + 1, 7):
        policy.far(held_with(keys[:, :, :end], surprise[:, :end]), keys[:, :, end - 1 : end], 0, end - LOCAL)
    assert f1([end for _, end in events(policy)], starts) == 1


@torch.no_grad()
def test_surprise_arrives_from_the_model_one_call_late() -> None:
    ids = torch.randint(3, 256, (2, 300), generator=torch.Generator().manual_seed(2))
    policy = EMLLM(tokens=64, least=4, most=16, sinks=2, local=16, chunk=32)
    with policy(tiny("llama")) as memory:
        at_once, in_pieces = memory.read(ids, step=300), memory.read(ids, step=32)
    for cache, blocks in ((at_once, True), (in_pieces, False)):
        spans = cache.memory_layers[1].policy.spans[0]
        assert ({int(n) for n in spans[:, 1] - spans[:, 0]} - {0} == {16}) is blocks


@torch.no_grad()
def test_events_outlast_what_is_taken_back_after_them() -> None:
    ids = torch.randint(3, 256, (1, 320), generator=torch.Generator().manual_seed(3))
    with EMLLM(tokens=64, least=4, most=16, sinks=2, local=16, chunk=32)(model := tiny("llama")) as memory:
        cache = memory.read(ids[:, :300], step=50)
        first = model(ids[:, 300:316], past_key_values=cache).logits
        cache.crop(-16)
        assert torch.equal(model(ids[:, 300:316], past_key_values=cache).logits, first)
        cache.crop(-200)
        assert cache.memory_layers[0].policy.spans is None, "noted anew from what is left"


def test_settings_that_cannot_work_are_refused() -> None:
    for wrong in ({"refine": "cosine"}, {"contiguity": 1.0}, {"least": 200}, {"tokens": 128}):
        with pytest.raises(BadConfig):
            EMLLM(**wrong)
