"""CAMELoT: tokens alike become one mode with their mean, new ones a mode of their own in the place of the oldest."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch import Tensor  # noqa: E402
from transformers import LlamaForCausalLM  # noqa: E402

from feeding import fed  # noqa: E402
from remanence.bench import recall  # noqa: E402
from remanence.cache.camelot import Camelot  # noqa: E402
from remanence.cache.streaming import Streaming  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402

SINKS, LOCAL, WIDTH = 2, 5, 16


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def slowly(keys: Tensor, values: Tensor, modes: int, near: float) -> list[tuple[Tensor, Tensor, int, int]]:
    """One head's far tokens one by one, by the paper's rules: key, value, count and place of each mode."""
    memory: list[tuple[Tensor, Tensor, int, int]] = []
    for t in range(len(keys)):
        alike = [float(torch.cosine_similarity(keys[t], k, dim=0)) for k, *_ in memory]
        best = max(range(len(memory)), key=alike.__getitem__, default=None)
        if best is not None and alike[best] > near:
            k, v, c, _ = memory.pop(best)
            memory.append(((c * k + keys[t]) / (c + 1), (c * v + values[t]) / (c + 1), c + 1, t))
        else:
            if len(memory) == modes:
                memory.pop(0)
            memory.append((keys[t], values[t], 1, t))
    return memory


def texts(n: int, kinds: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Keys [2, 2, n, WIDTH] around a few directions, and values."""
    draw = torch.Generator().manual_seed(seed)
    axes = torch.randn(kinds, WIDTH, generator=draw)
    which = torch.randint(kinds, (2, 2, n), generator=draw)
    keys = axes[which] + 0.35 * torch.randn(2, 2, n, WIDTH, generator=draw)
    return keys, torch.randn(2, 2, n, WIDTH, generator=draw)


@pytest.mark.parametrize(("kinds", "near"), [(6, 0.8), (20, 0.8), (20, 0.95)])
def test_modes_are_those_of_the_loop_over_tokens(kinds: int, near: float) -> None:
    keys, values = texts(80, kinds)
    policy = Camelot(states=10, near=near, sinks=SINKS, local=LOCAL)
    held = fed(policy, keys, values, piece=16)
    assert len(held) == SINKS + 10 + LOCAL
    assert policy.counts is not None
    for row in range(2):
        for head in range(2):
            far = slice(SINKS, 80 - LOCAL)
            expected = slowly(keys[row, head, far], values[row, head, far], 10, near)
            k, v = (x.span(SINKS, SINKS + 10)[row, head, 10 - len(expected) :] for x in (held.k, held.v))
            torch.testing.assert_close(k, torch.stack([mode[0] for mode in expected]))
            torch.testing.assert_close(v, torch.stack([mode[1] for mode in expected]))
            assert policy.counts[row, head].tolist()[-len(expected) :] == [mode[2] for mode in expected]
            places = held.places()[row, head].tolist()
            empty = [-1] * (10 - len(expected))
            assert places[SINKS : SINKS + 10] == empty + [SINKS + mode[3] for mode in expected]
            assert places[-LOCAL:] == [*range(75, 80)]


def test_what_repeats_is_one_mode_with_the_mean_value_where_a_window_forgets_it() -> None:
    axes = torch.eye(WIDTH)
    keys = axes[torch.tensor([3] * SINKS + [0, 1, 2] * 8 + [3] * LOCAL)].expand(1, 1, -1, -1)
    values = torch.arange(keys.shape[2]).float()[None, None, :, None].expand(1, 1, -1, WIDTH)
    held = fed(Camelot(states=4, sinks=SINKS, local=LOCAL), keys, values, piece=10)
    modes, means = held.k.span(SINKS, SINKS + 4)[0, 0], held.v.span(SINKS, SINKS + 4)[0, 0, :, 0]
    for kind in range(3):
        mean = sum(range(SINKS + kind, SINKS + 24, 3)) / 8
        assert means[(modes @ axes[kind]).round() == 1].tolist() == pytest.approx([mean])
    assert held.places()[0, 0].tolist() == [0, 1, -1, 23, 24, 25, *range(26, 31)], "three modes, one slot to spare"
    window = fed(Streaming(sinks=SINKS, local=LOCAL, stride=1), keys, values, piece=13).k
    assert not (window.span(0, len(window))[0, 0] @ axes[:3].T).any()


def test_a_mode_renewed_stays_and_the_one_longest_not_renewed_goes() -> None:
    axes = torch.eye(WIDTH)
    kinds = [9, 9, 0, 1, 2, 0, 5] + [9] * LOCAL  # 0 is first, but renewed; 1 has to make room for 5
    keys = axes[torch.tensor(kinds)].expand(1, 1, -1, -1)
    held = fed(Camelot(states=3, sinks=SINKS, local=LOCAL), keys, keys, piece=len(kinds))
    assert held.k.span(SINKS, SINKS + 3)[0, 0].argmax(-1).tolist() == [2, 0, 5]


def test_nothing_is_merged_while_all_fits_and_padding_never() -> None:
    keys, values = texts(30, 3)
    held = fed(Camelot(states=30, sinks=SINKS, local=LOCAL), keys, values, piece=7)
    assert len(held) == 30 and torch.equal(held.k.span(0, 30), keys)
    real = torch.ones(2, 30, dtype=torch.bool)
    real[1, :8] = real[1, 14:17] = False
    policy = Camelot(states=6, near=0.8, sinks=0, local=LOCAL)
    padded = fed(policy, keys, values, piece=30, real=real)
    without = keys[1:, :, real[1]], values[1:, :, real[1]]
    alone = fed(Camelot(states=6, near=0.8, sinks=0, local=LOCAL), *without, piece=30)
    torch.testing.assert_close(padded.k.span(0, 11)[1:], alone.k.span(0, 11))
    there = real[1].nonzero()[:, 0]
    assert torch.equal(padded.places()[1:], torch.where(alone.places() < 0, -1, there[alone.places()]))


@torch.no_grad()
def test_a_model_recalls_at_four_windows_from_states_as_many_as_half_of_one() -> None:
    model = LlamaForCausalLM.from_pretrained(Path(__file__).parent / "data" / "recall").eval()
    tokens, answers = recall.contexts(np.random.default_rng(0), rows=32, length=512, pairs=8).asked(3)
    ids, right = torch.from_numpy(tokens), {}
    for policy in (Camelot(states=64, sinks=1, local=32, chunk=32), Streaming(sinks=1, local=32, chunk=32)):
        with policy(model) as memory:
            said = model(ids[:, -1:], past_key_values=memory.read(ids[:, :-1], step=64)).logits[:, -1].argmax(-1)
        right[type(policy)] = float((said.numpy() == answers).mean())
    assert right[Camelot] > 0.7 and right[Streaming] < 0.2


def test_a_bound_that_is_no_cosine_is_refused() -> None:
    with pytest.raises(BadConfig, match="near"):
        Camelot(near=1.5)
    with pytest.raises(BadConfig, match="states"):
        Camelot(states=0)
