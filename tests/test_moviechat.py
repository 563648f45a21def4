"""MovieChat: neighbours alike are merged by their weight, and what happens once keeps a state of its own."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch import Tensor  # noqa: E402
from transformers import LlamaForCausalLM  # noqa: E402

from feeding import fed  # noqa: E402
from remanence.bench import recall  # noqa: E402
from remanence.cache.moviechat import MovieChat  # noqa: E402
from remanence.cache.streaming import Streaming  # noqa: E402

SINKS, LOCAL, WIDTH = 2, 5, 16


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def slowly(keys: Tensor, values: Tensor, states: int, piece: int) -> list[tuple[Tensor, Tensor, int, int]]:
    """One head by the paper's algorithm: key, value, count and place of each state."""
    line: list[tuple[Tensor, Tensor, int, int]] = []
    for start in range(0, len(keys), piece):
        line += [(keys[t], values[t], 1, t) for t in range(start, min(start + piece, len(keys)))]
        while len(line) - SINKS - LOCAL > states:
            pairs = range(SINKS, len(line) - LOCAL - 1)
            alike = [
                sum(float(torch.cosine_similarity(line[i][of], line[i + 1][of], dim=0)) for of in (0, 1)) for i in pairs
            ]
            i = SINKS + max(range(len(alike)), key=alike.__getitem__)
            (k, v, c, _), (k_next, v_next, c_next, place) = line[i], line.pop(i + 1)
            both = c + c_next
            line[i] = ((c * k + c_next * k_next) / both, (c * v + c_next * v_next) / both, both, place)
    return line


def test_states_are_those_of_the_loop_over_pairs() -> None:
    draw = torch.Generator().manual_seed(0)
    keys, values = (torch.randn(2, 2, 70, WIDTH, generator=draw).cumsum(2) for _ in range(2))
    policy = MovieChat(states=12, sinks=SINKS, local=LOCAL)
    held = fed(policy, keys, values, piece=16)
    assert len(held) == SINKS + 12 + LOCAL
    assert policy.counts is not None
    for row in range(2):
        for head in range(2):
            expected = slowly(keys[row, head], values[row, head], 12, 16)
            torch.testing.assert_close(held.k.span(0, 19)[row, head], torch.stack([state[0] for state in expected]))
            torch.testing.assert_close(held.v.span(0, 19)[row, head], torch.stack([state[1] for state in expected]))
            assert policy.counts[row, head].tolist() == [state[2] for state in expected[SINKS:-LOCAL]]
            assert held.places()[row, head].tolist() == [state[3] for state in expected]


def test_what_happens_once_keeps_its_state_where_even_sampling_loses_it() -> None:
    draw = torch.Generator().manual_seed(1)
    axes = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=draw)).Q
    kinds = torch.tensor([0] * 40 + [7] + [1] * 41)
    keys = (axes[kinds] + 0.02 * torch.randn(len(kinds), WIDTH, generator=draw))[None, None]
    held = fed(MovieChat(states=4, sinks=SINKS, local=LOCAL), keys, keys, piece=20)
    far = held.k.span(SINKS, SINKS + 4)[0, 0]
    assert float((far @ axes[7]).max()) > 0.9, "one state is the one token, unblended"
    assert int(held.places()[0, 0, int((far @ axes[7]).argmax()) + SINKS]) == 40
    sampled = keys[0, 0, torch.linspace(SINKS, len(kinds) - LOCAL - 1, 4).long()]
    assert float((sampled @ axes[7]).max()) < 0.2


def test_a_state_weighs_as_much_as_the_tokens_it_stands_for() -> None:
    key = torch.ones(1, 1, 4 + SINKS + LOCAL, WIDTH)
    value = torch.tensor([0.0] * SINKS + [1, 1, 1, 5] + [0] * LOCAL)[None, None, :, None].expand_as(key)
    held = fed(MovieChat(states=1, sinks=SINKS, local=LOCAL), key, value, piece=1)
    assert float(held.v.span(SINKS, SINKS + 1)[0, 0, 0, 0]) == pytest.approx(2), "(1 + 1 + 1 + 5) / 4, not (1 + 5) / 2"


def test_nothing_is_merged_while_all_fits_and_padding_goes_first() -> None:
    draw = torch.Generator().manual_seed(2)
    keys, values = (torch.randn(2, 2, 40, WIDTH, generator=draw) for _ in range(2))
    held = fed(MovieChat(states=40, sinks=SINKS, local=LOCAL), keys, values, piece=7)
    assert len(held) == 40 and torch.equal(held.k.span(0, 40), keys)
    real = torch.ones(2, 40, dtype=torch.bool)
    real[1, :9] = False
    padded = fed(MovieChat(states=10, sinks=0, local=LOCAL), keys, values, piece=40, real=real)
    alone = fed(MovieChat(states=10, sinks=0, local=LOCAL), keys[1:, :, 9:], values[1:, :, 9:], piece=40)
    torch.testing.assert_close(padded.k.span(0, 15)[1:], alone.k.span(0, 15))
    assert torch.equal(padded.places()[1:], alone.places() + 9)


@torch.no_grad()
def test_a_model_recalls_at_four_windows_from_states_as_many_as_half_of_one() -> None:
    model = LlamaForCausalLM.from_pretrained(Path(__file__).parent / "data" / "recall").eval()
    tokens, answers = recall.contexts(np.random.default_rng(0), rows=32, length=512, pairs=8).asked(3)
    ids, right = torch.from_numpy(tokens), {}
    for policy in (MovieChat(states=64, sinks=1, local=32, chunk=32), Streaming(sinks=1, local=32, chunk=32)):
        with policy(model) as memory:
            said = model(ids[:, -1:], past_key_values=memory.read(ids[:, :-1], step=64)).logits[:, -1].argmax(-1)
        right[type(policy)] = float((said.numpy() == answers).mean())
    assert right[MovieChat] > 0.5 and right[Streaming] < 0.2
