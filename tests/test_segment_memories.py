"""The laws of every segment memory the registry finds, around a small decoder."""

from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from cells import exactly  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402
from remanence.layers.contract.segment import SegmentMemory, SegmentRunner  # noqa: E402
from remanence.layers.lm.decoder import Decoder  # noqa: E402
from remanence.registry import load, names  # noqa: E402

VOCABULARY, WIDTH, DEPTH, SEGMENT = 13, 8, 2, 6
MEMORIES = [name for name in names("layers") if issubclass(load("layers", name), SegmentMemory)]
every = pytest.mark.parametrize("name", MEMORIES)


@pytest.fixture(autouse=True)
def _exactly() -> Iterator[None]:
    with exactly():
        yield


def runner(name: str, law: str = "", **how: Any) -> Any:
    kind = load("layers", name)
    if law in kind.exceptions:
        pytest.skip(f"{name}: {kind.exceptions[law]}")
    torch.manual_seed(1)
    backbone, memory = Decoder(VOCABULARY, WIDTH, DEPTH), kind(WIDTH, DEPTH)
    for parameter in [*backbone.parameters(), *memory.parameters()]:
        if parameter.dim() > 1 or not bool(parameter.any()):
            torch.nn.init.normal_(parameter, std=0.3)
    return SegmentRunner(backbone, memory, SEGMENT, **how)


def said(batch: int = 2, segments: int = 4) -> Any:
    return torch.randint(VOCABULARY, (batch, segments * SEGMENT))


def off(a: Any, b: Any) -> float:
    return float((a - b).detach().abs().max()) if a.numel() else 0.0


def gradients(run: Any, ids: Any) -> dict[str, Any]:
    for module in (run.backbone, run.memory):
        module.zero_grad()
    logits, state = run(ids)
    (logits.square().sum() + sum(t.square().sum() for _, t in state.tensors() if t.is_floating_point())).backward()
    both = [*run.backbone.named_parameters("backbone"), *run.memory.named_parameters("memory")]
    return {n: None if p.grad is None else p.grad.clone() for n, p in both}


@every
def test_whole_is_pieces(name: str) -> None:
    run, ids = runner(name, "pieces"), said()
    whole, end = run(ids)
    for cut in (SEGMENT, 3 * SEGMENT):
        first, state = run(ids[:, :cut])
        rest, last = run(ids[:, cut:], state)
        assert off(torch.cat([first, rest], 1), whole) < 1e-10
        assert all(off(a, b) < 1e-10 for (_, a), (_, b) in zip(last.tensors(), end.tensors(), strict=True))


@every
def test_no_token_sees_a_later_one(name: str) -> None:
    run, ids = runner(name, "causal"), said()
    for at in (SEGMENT + 2, 3 * SEGMENT):  # within a segment, and at its start
        later = ids.clone()
        later[:, at:] = (later[:, at:] + 1) % VOCABULARY
        assert off(run(ids)[0][:, :at], run(later)[0][:, :at]) < 1e-12


@every
def test_the_last_segment_depends_on_the_first(name: str) -> None:
    run, ids = runner(name, "remembers"), said(1, segments=3)
    other = ids.clone()
    other[:, :SEGMENT] = (other[:, :SEGMENT] + 1) % VOCABULARY
    assert off(run(ids)[0][:, 2 * SEGMENT :], run(other)[0][:, 2 * SEGMENT :]) > 1e-9


@every
def test_rows_of_a_batch_do_not_talk(name: str) -> None:
    run, ids = runner(name, "rows"), said(3)
    together, all_ = run(ids)
    alone, state = run(ids[1:2])
    assert off(together[1:2], alone) < 1e-10
    picked = all_.index_select(torch.tensor([1]))
    assert all(off(a, b) < 1e-10 for (_, a), (_, b) in zip(picked.tensors(), state.tensors(), strict=True))


@every
def test_gradients_reach_every_parameter(name: str) -> None:
    found = gradients(runner(name, "gradients"), said())
    assert not [n for n, g in found.items() if g is None or not bool(g.abs().sum() > 0)]


@every
def test_replay_gives_the_gradients_of_full(name: str) -> None:
    ids = said()
    full, replayed = gradients(runner(name, "replay"), ids), gradients(runner(name, "replay", bptt="replay"), ids)
    assert all(off(full[n], g) < 1e-9 for n, g in replayed.items() if g is not None)
    assert {n for n, g in full.items() if g is not None} == {n for n, g in replayed.items() if g is not None}


@every
def test_detached_states_give_no_gradient_back(name: str) -> None:
    ids = said(1, segments=2)
    run = runner(name, bptt="detach")
    state = run.memory.init_state(1)
    _, state = run.segment(ids[:, :SEGMENT], state)
    state = state.map(lambda t: t.detach().requires_grad_() if t.is_floating_point() else t)
    run(ids[:, SEGMENT:], state)[0].sum().backward()
    assert all(t.grad is None or not bool(t.grad.any()) for _, t in state.tensors())


@every
def test_a_state_is_kept_and_taken_up_again(name: str) -> None:
    run, ids = runner(name), said()
    _, state = run(ids)
    kept = {path: t.detach().clone() for path, t in state.state_dict().items()}
    assert sum(t.nbytes for t in kept.values()) == state.nbytes
    assert off(run(ids, state.map(torch.zeros_like).load(kept))[0], run(ids, state)[0]) == 0


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(BadConfig, match="segment_len"):
        SegmentRunner(Decoder(VOCABULARY, WIDTH), runner("rmt").memory, 0)
    with pytest.raises(BadConfig, match="bptt"):
        runner("rmt", bptt=0)
