"""The laws of every cell the registry finds. What one rightly cannot do, it declares in `exceptions`."""

import inspect
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from cells import exactly  # noqa: E402
from remanence.layers.contract.cell import Cell  # noqa: E402
from remanence.registry import load, names  # noqa: E402

WIDTH, LENGTH = 8, 26
CELLS = [name for name in names("layers") if issubclass(load("layers", name), Cell)]


@pytest.fixture(autouse=True)
def _exactly() -> Iterator[None]:
    with exactly():
        yield


def cell(name: str, law: str = "", **settings: Any) -> Any:
    kind = load("layers", name)
    if law in kind.exceptions:
        pytest.skip(f"{name}: {kind.exceptions[law]}")
    made = kind(WIDTH, **settings)
    for parameter in made.parameters():  # what begins at zero could hide a mistake
        if not bool(parameter.any()):
            torch.nn.init.normal_(parameter, std=0.1)
    return made


def said(batch: int = 2, length: int = LENGTH) -> Any:
    return torch.randn(batch, length, WIDTH)


def off(a: Any, b: Any) -> float:
    return float((a - b).detach().abs().max()) if a.numel() else 0.0


def apart(a: Any, b: Any) -> float:
    theirs = dict(b.tensors())
    return max((off(x, theirs[name]) for name, x in a.tensors() if x.is_floating_point()), default=0.0)


def cuts(grain: int) -> list[list[int]]:
    every = list(range(grain, LENGTH, grain))
    return [every, every[:1], every[-1:], every[1::3]]


@pytest.mark.parametrize("name", CELLS)
def test_forms_agree(name: str) -> None:
    c, x = cell(name, "forms"), said()
    first, state = c(x, form=c.forms[0])
    for form in c.forms[1:]:
        y, other = c(x, form=form)
        assert off(y, first) < 1e-10
        assert apart(other, state) < 1e-10


@pytest.mark.parametrize("name", CELLS)
def test_forms_agree_in_single_precision(name: str) -> None:
    """Each form errs by no more than 1e-5, or a few times what the paper's does: some formulas magnify what is off."""
    c, x = cell(name, "forms"), said()
    true, _ = c(x, form=c.forms[0])
    errs = {form: off(c.float()(x.float(), form=form)[0].double(), true) for form in c.forms}
    for form in c.forms:
        assert errs[form] < max(1e-5 * max(1.0, float(true.detach().abs().max())), 4 * errs[c.forms[0]]), errs


@pytest.mark.parametrize("name", CELLS)
def test_whole_is_pieces(name: str) -> None:
    c, x = cell(name, "pieces"), said()
    for form in c.forms:
        whole, end = c(x, form=form)
        for at in cuts(c.grain):
            state, out = None, []
            for start, stop in pairwise([0, *at, LENGTH]):
                y, state = c(x[:, start:stop], state, form=form)
                out.append(y)
            assert off(torch.cat(out, 1), whole) < 1e-10
            assert apart(state, end) < 1e-10


@pytest.mark.parametrize("name", CELLS)
def test_no_token_sees_a_later_one(name: str) -> None:
    c, x = cell(name, "causal"), said()
    later = x.clone()
    later[:, 17:] = torch.randn_like(later[:, 17:])
    for form in c.forms:
        assert off(c(x, form=form)[0][:, :17], c(later, form=form)[0][:, :17]) < 1e-12


@pytest.mark.parametrize("name", CELLS)
def test_the_last_output_depends_on_the_first_input(name: str) -> None:
    c, x = cell(name, "remembers"), said(1).requires_grad_()
    c(x)[0][:, -1].square().sum().backward()
    assert float(x.grad[:, 0].abs().max()) > 0


@pytest.mark.parametrize("name", CELLS)
def test_rows_of_a_batch_do_not_talk(name: str) -> None:
    c, x = cell(name, "rows"), said(3)
    alone, state = c(x[1:2])
    together, all_ = c(x)
    assert off(together[1:2], alone) < 1e-10
    assert apart(all_.index_select(torch.tensor([1])), state) < 1e-10


@pytest.mark.parametrize("name", CELLS)
def test_gradients_reach_every_parameter_and_the_first_state(name: str) -> None:
    c, x = cell(name, "gradients"), said()
    _, state = c(x)  # one that was written to
    state = state.map(lambda t: t.detach().requires_grad_() if t.is_floating_point() else t)
    y, after = c(x, state)
    written = sum(t.square().sum() for _, t in after.tensors() if t.is_floating_point())
    (y.square().sum() + c(x)[0].square().sum() + written).backward()
    dead = [n for n, p in c.named_parameters() if p.grad is None or not bool(p.grad.abs().sum() > 0)]
    assert not dead
    parts = [t for _, t in state.tensors() if t.is_floating_point() and t.numel()]
    assert all(t.grad is not None and bool(t.grad.isfinite().all()) for t in parts)
    assert any(bool(t.grad.any()) for t in parts)


@pytest.mark.parametrize("name", CELLS)
def test_gradients_are_those_of_the_formula(name: str) -> None:
    c, x = cell(name, "gradcheck"), said(1, max(4, 2 * load("layers", name)(WIDTH).grain)).requires_grad_()
    for form in c.forms:
        assert torch.autograd.gradcheck(lambda x, form=form: c(x, form=form)[0], (x,), fast_mode=True)


@pytest.mark.parametrize("name", CELLS)
def test_to_begin_anew_is_to_be_fresh(name: str) -> None:
    c = cell(name, "reset")
    x = said(length=max(LENGTH, 4 * c.grain + 3))
    at = (2 * c.grain, 3 * c.grain)
    reset = torch.zeros(x.shape[:2], dtype=torch.bool)
    reset[0, at[0]] = reset[1, at[1]] = True
    y, _ = c(x, reset=reset)
    for row, start in enumerate(at):
        fresh, _ = c(x[row : row + 1, start:])
        before, _ = c(x[row : row + 1, :start])
        assert off(y[row, start:], fresh[0]) < 1e-10
        assert off(y[row, :start], before[0]) < 1e-10


@pytest.mark.parametrize("name", CELLS)
def test_padding_changes_nothing(name: str) -> None:
    c = cell(name, "padding")
    x = said(length=max(LENGTH, 3 * c.grain + 3))
    pads = 2 * c.grain if c.grain > 1 else 5
    mask = torch.ones(x.shape[:2], dtype=torch.bool)
    mask[0, :pads] = False
    for form in c.forms:
        y, _ = c(x, mask=mask, form=form)
        assert off(y[0, pads:], c(x[:1, pads:], form=form)[0][0]) < 1e-10
        assert off(y[1], c(x[1:], form=form)[0][0]) < 1e-10
        assert not bool(y[0, :pads].any())


@pytest.mark.parametrize("name", CELLS)
def test_block_size_is_speed_alone(name: str) -> None:
    if "block_size" not in inspect.signature(load("layers", name)).parameters:
        pytest.skip("has no blocks")
    c, x = cell(name, block_size=4), said()
    small, _ = c(x)
    c.block_size = 9
    assert off(c(x)[0], small) < 1e-10


@pytest.mark.parametrize("name", CELLS)
def test_a_state_is_kept_and_taken_up_again(name: str) -> None:
    c, x = cell(name, "state"), said()
    _, state = c(x)
    kept = {path: t.clone() for path, t in state.state_dict().items()}
    assert sum(t.nbytes for t in kept.values()) == state.nbytes
    again = state.map(torch.zeros_like).load(kept)
    assert off(c(x, again)[0], c(x, state)[0]) == 0
    swapped = state.index_select(torch.tensor([1, 0]))
    assert off(c(x.flip(0), swapped)[0].flip(0), c(x, state)[0]) < 1e-10
    assert state.to(torch.float32).nbytes < state.nbytes
    leaves, shape = torch.utils._pytree.tree_flatten(state)
    assert apart(torch.utils._pytree.tree_unflatten(leaves, shape), state) == 0


@pytest.mark.parametrize("name", CELLS)
def test_nothing_is_kept_on_the_module(name: str) -> None:
    c, x = cell(name), said()
    before = {n: t.clone() for n, t in c.state_dict().items()}
    first, _ = c(x)
    c(torch.randn_like(x))
    assert off(c(x)[0], first) == 0
    assert all(bool((before[n] == t).all()) for n, t in c.state_dict().items())


def test_a_form_that_is_not_there_is_named() -> None:
    from remanence.errors import BadConfig

    with pytest.raises(BadConfig, match="parallel"):
        cell("attention")(said(), form="chunk")
