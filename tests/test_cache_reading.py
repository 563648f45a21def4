"""What a policy chose is what queries see: rotation on read, positions, masks and holes, against slow loops.

The model's own rotary functions are asked one token at a time here, and softmax is spelled out.
"""

import math
from dataclasses import replace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from archs import KNOWN, SPECS, tiny  # noqa: E402
from remanence.cache.base import Base, Far  # noqa: E402
from remanence.cache.parts.attend import Read, Scores, attend, weights  # noqa: E402
from remanence.cache.parts.heard import Heard  # noqa: E402
from remanence.cache.parts.held import Held  # noqa: E402
from remanence.cache.parts.reading import MANY, Reading  # noqa: E402
from remanence.cache.parts.rope import Rope  # noqa: E402
from remanence.cache.parts.tokens import FEW, Tokens, by_column  # noqa: E402
from remanence.cache.top_blocks import TopBlocks  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402

torch.set_num_threads(1)
B, Q, H, D = 2, 4, 2, 16


def rope_of(name: str) -> tuple[Rope, Any]:
    with TopBlocks()(tiny(name)) as memory:
        return memory.rope, memory.attentions[-1]


def random(*shape: int, seed: int = 0) -> Any:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def held_of(n: int, real: Any = None) -> Held:
    k, v = random(B, H, n, D, seed=1), random(B, H, n, D, seed=2)
    held = Held(Tokens.like(k), Tokens.like(v), Heard())
    held.append(k, v, real)
    return held


class Chosen(Base):
    """Reads what it is told to."""

    budget = 0

    def far(self, held: Held, query: Any, start: int, end: int) -> Far:
        raise AssertionError


def turned(x: Any, place: float) -> Any:
    """One vector [D] rotated to a place, halves paired as in Llama, in double precision."""
    angle = place * 10_000.0 ** (-torch.arange(0, D, 2, dtype=torch.float64) / D)
    a, b = x.double().chunk(2)
    return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()])


@pytest.mark.parametrize("positions", ["compact", "true", "fixed"])
@pytest.mark.parametrize("t", [1, 3])
def test_part_of_the_past_is_read_as_a_slow_loop_reads_it(positions, t):
    """Two sinks, some of the far past, other tokens for each head, with holes, some for some queries only, padding."""
    n, until = 20, 14
    real = torch.ones(B, n, dtype=torch.bool)
    real[1, :3] = False
    held, q = held_of(n, real), random(B, Q, t, D, seed=3)
    ids = torch.tensor([[[4, 5, 9, -1], [3, 7, 8, 12]], [[5, 6, 7, 13], [4, -1, 11, 12]]])
    only = torch.ones(B, H, t, 4, dtype=torch.bool)
    only[0, 1, -1, 2] = False
    policy = Chosen(sinks=2, local=6, positions=positions)
    rope, module = rope_of("llama")
    reading = Reading(held, policy, rope, module, Scores())
    got = attend(reading.part(q, n - t, Far(ids, until, only)))
    for b in range(B):
        for head in range(Q):
            h = head // (Q // H)
            seen = [i for i in [0, 1, *ids[b, h].tolist(), *range(until, n)] if i >= 0 and real[b, i]]
            for i in range(t):
                me = n - t + i
                dropped = [] if only[b, h, i].all() else [int(ids[b, h, 2])]
                mine = [j for j in seen if j <= me and j not in dropped]
                s = []
                for j in mine:
                    if positions == "fixed" and j < until:
                        at = (policy.local, 0)
                    else:
                        at = (seen.index(me), seen.index(j)) if positions == "compact" else (me, j)
                    s.append(turned(q[b, head, i], at[0]) @ turned(held.k.data[b, h, j], at[1]) / math.sqrt(D))
                want = torch.stack(s).softmax(0) @ held.v.data[b, h, mine].double()
                torch.testing.assert_close(got[b, head, i].double(), want, rtol=1e-4, atol=1e-5)


def test_where_old_tokens_were_seen_is_not_copied_for_each_new_one():
    real = torch.ones(B, 20, dtype=torch.bool)
    real[1, :3] = False
    held, new = held_of(20, real), random(B, H, 1, D)
    kept = held.where.data
    for _ in range(10):
        held.append(new, new, None)
    held.crop(25)
    assert held.where.data is kept
    held.append(new, new, torch.tensor([[True], [False]]))
    assert held.places().tolist() == [[[*range(26)]], [[-1] * 3 + [*range(3, 25), -1]]]
    held.keep(torch.tensor([[[0, 5, 25], [1, 2, 3]]]))
    held.rows(torch.tensor([1, 1, 0]))
    held.append(new[[0, 0, 0]], new[[0, 0, 0]], None)
    padded, alone = [[-1, 5, -1, 26], [-1, -1, 3, 26]], [[0, 5, 25, 26], [1, 2, 3, 26]]
    assert held.places().tolist() == [padded, padded, alone]


@pytest.mark.parametrize("positions", ["compact", "true"])
def test_all_that_is_left_is_read_at_its_places(positions):
    """Keys are rotated once after others were let go of, and new ones go on from there."""
    rope, module = rope_of("llama")
    held, q = held_of(20), random(B, Q, 4, D, seed=3)
    reading = Reading(held, Chosen(positions=positions), rope, module, Scores())
    held.keep(torch.tensor([[[0, 3, 4, 17, 19], [1, 2, 9, 10, 18]]]))
    for i in range(4):
        new = random(B, H, 1, D, seed=4 + i)
        held.append(new, new, None)
        got, known = attend(reading.all(q[:, :, i : i + 1], 5 + i))[:, :, 0], held.rotated
        places = held.places() if positions == "true" else torch.arange(6 + i).expand(1, H, -1)
        for b in range(B):
            for head in range(Q):
                h = head // (Q // H)
                at, query = places[0, h].tolist(), turned(q[b, head, i], places[0, h, -1].item())
                s = torch.stack([query @ turned(held.k.span(j, j + 1)[b, h, 0], p) for j, p in enumerate(at)])
                want = (s / math.sqrt(D)).softmax(0) @ held.v.span(0, 6 + i)[b, h].double()
                torch.testing.assert_close(got[b, head].double(), want, rtol=1e-4, atol=1e-5)
        assert held.rotated is known and len(known) == 6 + i


@pytest.mark.parametrize(("sinks", "start"), [(0, 0), (0, 5), (3, 3), (3, 7), (3, 15)])
def test_a_run_of_tokens_is_read_as_the_same_tokens_gathered(sinks, start):
    held, q, rope_and_module = held_of(20), random(B, Q, 2, D, seed=3), rope_of("llama")
    for positions in ("compact", "true", "fixed"):
        reading = Reading(held, Chosen(sinks=sinks, local=3, positions=positions), *rope_and_module, Scores())
        run = Far.span(start, 15, q.device)
        got, want = (attend(reading.part(q, 18, far)) for far in (run, replace(run, run=False)))
        assert torch.equal(got, want)


def test_tokens_are_those_appended_be_they_few_or_many_and_what_was_handed_out_stays():
    many = FEW // (B * H * D)
    x, want, handed = random(B, H, many, D), random(B, H, 0, D), []
    tokens = Tokens.like(want)
    for n in (3, 1, 1, many // 2, 1, 1, many, 1, 1):
        tokens.append(x[:, :, :n])
        want = torch.cat([want, x[:, :, :n]], 2)
        handed.append((tokens.span(0, len(tokens)), want))
    assert all(torch.equal(got, then) for got, then in handed)
    tokens.keep(torch.tensor([[[0, 2, many, many + 3]]]))
    tokens.crop(3)
    tokens.append(x[:, :, :2])
    assert torch.equal(tokens.span(0, 5), torch.cat([want[:, :, [0, 2, many]], x[:, :, :2]], 2))
    assert tokens.data.shape[2] == 5, "what was let go of takes no room"


@pytest.mark.parametrize("t", [1, 3])
def test_keys_by_column_are_read_as_keys_by_row(t):
    k, v, q = random(B, H, 40, D, seed=1), random(B, H, 40, D, seed=2), random(B, Q, t, D, seed=3)
    by_row, turned_round = Tokens.like(k), Tokens.like(k, by_column)
    for tokens in (by_row, turned_round):
        for piece in k.split(15, 2):  # room is made on the way
            tokens.append(piece)
        tokens.rows(torch.tensor([1, 0]))
        tokens.crop(30)
    rows, columns = by_row.span(0, 30), turned_round.span(0, 30)
    assert columns.stride(2) == 1 and torch.equal(rows, columns)
    some = random(B, 1, t, 30, seed=4) > 0
    for mask in (None, some):
        want, got = (attend(Read(q, keys, v[:, :, :30], Scores(0.3), mask, causal=True)) for keys in (rows, columns))
        torch.testing.assert_close(got, want, rtol=0 if t > 1 else 1e-5, atol=0 if t > 1 else 1e-6)


def test_many_keys_that_are_all_read_lie_by_column():
    held, rope, module = held_of(MANY), *rope_of("llama")
    reading = Reading(held, Chosen(), rope, module, Scores())
    assert reading.all(random(B, Q, MANY, D), 0).keys.stride(3) == 1, "as attention takes them, where all are new"
    new, q = random(B, H, 1, D, seed=3), random(B, Q, 1, D, seed=4)
    held.append(new, new, None)
    read = reading.all(q, MANY)
    assert read.keys.stride(2) == 1
    k, v = rope.rotate(module, held.k.span(0, MANY + 1), 0), held.v.span(0, MANY + 1)
    torch.testing.assert_close(attend(read), attend(Read(rope.rotate(module, q, MANY), k, v, Scores())))


def test_a_hole_that_nobody_speaks_of_is_found():
    held, q = held_of(20), random(B, Q, 1, D, seed=3)
    rope, module = rope_of("llama")
    reading = Reading(held, Chosen(sinks=2, local=6), rope, module, Scores())
    few, holes = torch.tensor([[[4, 9]]]), torch.tensor([[[-1, 4, -1, 9]]])
    torch.testing.assert_close(attend(reading.part(q, 19, Far(holes, 14))), attend(reading.part(q, 19, Far(few, 14))))


@pytest.mark.parametrize("softcap", [None, 5.0])
@pytest.mark.parametrize("sink", [None, 0.7])
def test_attention_is_a_softmax_spelled_out(softcap, sink):
    """Heads of a group share keys; a soft cap bends products, a learned sink takes weight and gives nothing."""
    q, k, v = random(B, Q, 1, D, seed=4), random(B, H, 9, D, seed=5), random(B, H, 9, D, seed=6)
    sinks = None if sink is None else torch.full((Q,), sink)
    got = attend(Read(q, k, v, Scores(0.5, softcap, sinks)))
    for b in range(B):
        for head in range(Q):
            s = 0.5 * k[b, head // 2] @ q[b, head, 0]
            s = s if softcap is None else softcap * torch.tanh(s / softcap)
            e = s.exp()
            want = e @ v[b, head // 2] / (e.sum() + (0 if sink is None else math.exp(sink)))
            torch.testing.assert_close(got[b, head, 0], want, rtol=1e-4, atol=1e-5)


def test_weights_are_what_attention_uses():
    read = Read(
        random(B, Q, 3, D, seed=4), random(B, H, 9, D, seed=5), random(B, H, 9, D, seed=6), Scores(), causal=True
    )
    by_hand = weights(read) @ read.values.repeat_interleave(2, 1)
    torch.testing.assert_close(by_hand, attend(read), rtol=1e-4, atol=1e-5)
    assert not weights(read)[:, :, 0, 7:].any(), "the first of three queries sees the first seven of nine"


# Rotation

ROTATING = [name for name in KNOWN if name not in ("cohere2", "smollm3", "exaone4")]  # whose last layer does not


@pytest.mark.parametrize("name", KNOWN)
def test_rotation_is_relative_in_every_convention(name):
    """Halves or pairs, all of the width or a part of it, cosines as wide as the head or half: always distances."""
    (rope, module), config = rope_of(name), tiny(name).config
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    q, k = random(1, 4, 1, width, seed=1), random(1, 2, 1, width, seed=2)

    def product(at: int, of: int) -> Any:
        q_at = rope.rotate_at(module, q, torch.tensor([[[at]]]), at + 1)
        k_at = rope.rotate(module, k, of)
        assert torch.equal(rope.both(module, q, k, at)[0], q_at)
        return q_at[0, 0, 0] @ k_at[0, 0, 0]

    torch.testing.assert_close(product(47, 40), product(7, 0), rtol=1e-4, atol=1e-4)
    moves = not torch.allclose(product(47, 40), product(47, 30), rtol=1e-3, atol=1e-3)
    assert moves == (name in ROTATING)


def test_a_place_for_each_head_is_as_one_for_all():
    rope, module = rope_of("gpt neox")
    x = random(B, H, 5, D, seed=1)
    places = torch.tensor([3, 9, 4, 40, 41])
    alike = rope.rotate_at(module, x, places[None, None], 42)
    assert torch.equal(rope.rotate_at(module, x, places.expand(B, H, -1), 42), alike)
    assert torch.equal(rope.rotate_at(module, x, places.expand(B, H, -1), 10**6), alike), "beyond the table"


@pytest.mark.parametrize("seen", [1_000_000, 10_000_000])
def test_keys_seen_at_millions_are_read_near_by_exactly(seen):
    """The nearest simpler way, keys kept rotated and turned back by the difference, is off by a hundred times more."""
    rope, module = rope_of("llama")
    q, k = random(1, 1, 1, D, seed=1), random(1, 1, 1, D, seed=2)
    true = turned(q[0, 0, 0], 45) @ turned(k[0, 0, 0], 40)
    ours = rope.rotate(module, q, 45)[0, 0, 0] @ rope.rotate(module, k, 40)[0, 0, 0]
    assert abs(ours - true) <= 1e-4 * abs(true)
    kept = rope.rotate(module, k, seen)
    back = rope.rotary.forward(k, torch.tensor([[float(40 - seen)]]))
    turned_back = rope.apply(kept[:, :0], kept, *back)[1]
    simpler = rope.rotate(module, q, 45)[0, 0, 0] @ turned_back[0, 0, 0]
    assert abs(simpler - true) > 1e-3 * abs(true)


@pytest.mark.parametrize("name", ["llama dynamic rope", "phi3 longrope"])
def test_frequencies_that_change_with_length_are_those_of_short_texts(name):
    """A long text makes the rotary module change its frequencies; what is read near by must not see it."""
    if name not in KNOWN:
        pytest.skip("its settings are spelled otherwise here")
    model = tiny.__wrapped__(name)
    limit = 4096 if "dynamic" in name else 512
    x = random(1, 1, 1, D)
    with TopBlocks()(model) as memory:
        before = memory.rope.rotate(memory.attentions[0], x, 300)
        again = Rope(memory.rotary, memory.attentions[0])
        memory.rotary.forward(x, torch.tensor([[limit + 500]]))
        assert torch.equal(again.rotate(memory.attentions[0], x, 300), before)
        with pytest.raises(BadConfig, match=f"beyond {limit} tokens"):
            again.rotate(memory.attentions[0], x, limit)
    assert name in SPECS


def test_the_same_frequencies_to_the_end_of_the_window():
    model = tiny.__wrapped__("llama dynamic rope")
    x = random(1, 1, 4096, D)
    model.model.rotary_emb(x, torch.tensor([[5000]]))  # a long text, read before
    with TopBlocks()(model) as memory:
        got = memory.rope.rotate(memory.attentions[0], x, 0)
    rope, module = rope_of("llama")
    torch.testing.assert_close(got, rope.rotate(module, x, 0), rtol=1e-4, atol=1e-4)
