"""A sequence is laid down place by place and read again in its order; by content alone an empty tape has no places."""

import pytest

torch = pytest.importorskip("torch")

from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.ntm import NTM, address, read, write  # noqa: E402

torch.set_num_threads(1)
N, W = 6, 4
BACK, STAY, ON = torch.eye(3, dtype=torch.float64)[:, None]


def number(x: float) -> torch.Tensor:
    return torch.full((1, 1), x, dtype=torch.float64)


def at(place: int) -> torch.Tensor:
    return torch.eye(N, dtype=torch.float64)[place][None]


def copied(gate: float, words: torch.Tensor) -> torch.Tensor:
    """Written one after the other from place 1 on; then the head goes back to 0 and reads as it wrote."""
    memory, stand = torch.zeros(1, N, W, dtype=torch.float64), at(0)
    everything = torch.ones(1, W, dtype=torch.float64)
    for word in words:
        stand = address(memory, word[None], number(9.0), number(gate), ON, number(1.0), stand)
        memory = write(memory, stand, everything, word[None])
    out, stand = [], at(0)
    for _ in words:
        stand = address(memory, torch.zeros(1, W).double(), number(9.0), number(gate), ON, number(1.0), stand)
        out.append(read(memory, stand)[0])
    return torch.stack(out)


def test_a_sequence_is_copied_by_going_on_a_place_at_a_time() -> None:
    torch.manual_seed(0)
    words = torch.randn(4, W, dtype=torch.float64)
    assert torch.allclose(copied(0.0, words), words, atol=1e-12)
    assert not torch.allclose(copied(1.0, words), words, atol=0.1)  # by content alone


def test_a_step_moves_the_focus_by_one_round_the_tape() -> None:
    memory, key = torch.zeros(1, N, W, dtype=torch.float64), torch.ones(1, W, dtype=torch.float64)
    for step, expected in ((BACK, N - 1), (STAY, 0), (ON, 1)):
        stand = address(memory, key, number(1.0), number(0.0), step, number(1.0), at(0))
        assert torch.allclose(stand, at(expected), atol=1e-12)
    half = torch.tensor([[0.0, 0.5, 0.5]], dtype=torch.float64)
    stand = address(memory, key, number(1.0), number(0.0), half, number(1.0), at(2))
    assert torch.allclose(stand, (at(2) + at(3)) / 2, atol=1e-12)


def test_content_finds_what_is_like_the_key_however_loud() -> None:
    memory = torch.eye(N, W, dtype=torch.float64)[None] * 7
    memory[0, 4:] = -1
    stand = address(memory, memory[:, 2] / 100, number(50.0), number(1.0), STAY, number(1.0), at(0))
    assert torch.allclose(stand, at(2), atol=1e-10)


def test_a_power_sharpens() -> None:
    memory, key = torch.zeros(1, N, W, dtype=torch.float64), torch.ones(1, W, dtype=torch.float64)
    before = torch.tensor([[0.5, 0.25, 0.25, 0, 0, 0]], dtype=torch.float64)
    stand = address(memory, key, number(1.0), number(0.0), STAY, number(2.0), before)
    assert torch.allclose(stand[0, :3], torch.tensor([4 / 6, 1 / 6, 1 / 6], dtype=torch.float64))
    flat = torch.full((1, 128), 1 / 128)
    one = torch.ones(1, 1)
    sharp = address(torch.zeros(1, 128, 2), torch.ones(1, 2), one, 0 * one, STAY.float(), 60 * one, flat)
    assert torch.allclose(sharp, flat)  # 128^-60 is no float


def test_the_layer_is_the_formula() -> None:
    torch.manual_seed(0)
    layer, x = NTM(5, places=N, place_width=W).double(), torch.randn(7, 5, dtype=torch.float64)

    def goes(says: torch.Tensor, memory: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        key, (beta, g, gamma), s = says[:W].tanh(), says[W : W + 3], says[W + 3 :].softmax(0)
        cos = torch.stack([row @ key / (row.norm() * key.norm()) for row in memory])
        w = torch.sigmoid(g) * torch.softmax(torch.log1p(beta.exp()) * cos, 0) + (1 - torch.sigmoid(g)) * before
        w = torch.stack([sum(w[(i - j) % N] * s[j + 1] for j in (-1, 0, 1)) for i in range(N)])
        w = w ** (1 + torch.log1p(gamma.exp()))
        return w / w.sum()

    memory, r, reads, writes, out = layer.memory, torch.zeros(W).double(), at(0)[0], at(0)[0], []
    for x_t in x:
        c = torch.tanh(layer.controller(torch.cat([x_t, r])))
        writes = goes(layer.writer(c), memory, writes)
        erase, add = torch.sigmoid(layer.erase(c)), torch.tanh(layer.add(c))
        memory = memory * (1 - torch.outer(writes, erase)) + torch.outer(writes, add)
        reads = goes(layer.reader(c), memory, reads)
        r = memory.T @ reads
        out.append(layer.out(torch.cat([c, r])))
    y, state = layer(x[None])
    assert torch.allclose(y[0], torch.stack(out), atol=1e-10)
    assert torch.allclose(state.memory[0], memory, atol=1e-10)


def test_a_tape_of_nothing_is_refused() -> None:
    with pytest.raises(BadConfig, match="places"):
        NTM(4, places=0)
