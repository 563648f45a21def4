"""Laws every cache memory obeys. A new file under cache/ or cache/wrappers/ is tested here without being named here.

A law has a condition where it needs one (a memory that forgets cannot take back), asked of the policy, not of its name.
Policies are tried at a sixteenth of their defaults, so that a text of a few hundred tokens is long to them.
"""

import copy
import importlib
import pkgutil
from dataclasses import MISSING, fields
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers import DynamicCache  # noqa: E402

import remanence.cache.wrappers  # noqa: E402
from archs import state, tiny  # noqa: E402
from remanence.cache.base import Base  # noqa: E402
from remanence.cache.parts.held import Held  # noqa: E402
from remanence.cache.parts.keep import Keep  # noqa: E402
from remanence.cache.parts.tokens import Tokens  # noqa: E402
from remanence.cache.parts.wrapper import Wrapper  # noqa: E402
from remanence.cache.top_blocks import TopBlocks  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402
from remanence.registry import load, names  # noqa: E402

torch.set_num_threads(1)
SMALLER = 16  # times
LONG, CHUNK = 192, 32  # tokens; the default chunk, as much smaller
CLOSE: dict[str, Any] = {"rtol": 0, "atol": 2e-3}  # logits are of size 5; pieces of other sizes round otherwise


def wrapper(name: str) -> type[Wrapper]:
    module = importlib.import_module(f"remanence.cache.wrappers.{name}")
    (cls,) = [c for c in vars(module).values() if isinstance(c, type) and c.__module__ == module.__name__
              and issubclass(c, Wrapper)]  # fmt: skip
    return cls


def wrapped(name: str, policy: Base, **settings: Any) -> Base:
    """A wrapper around a policy; one that goes around several is given as many."""
    cls = wrapper(name)
    wanted = [f for f in fields(cls) if f.init and f.default is MISSING and f.default_factory is MISSING]
    return cls(*(copy.copy(policy) for _ in wanted), **settings)


def built(name: str, **settings: Any) -> Base:
    """A policy by name, or a wrapper around one: "quantized around top_blocks"."""
    outer, _, inner = name.rpartition(" around ")
    policy: Base = load("cache", inner)(**settings)
    return wrapped(outer, policy) if outer else policy


def goes(name: str) -> bool:
    """A wrapper may refuse what it cannot go around."""
    try:
        built(name)
    except BadConfig:
        return False
    return True


WRAPPERS = [module.name for module in pkgutil.iter_modules(remanence.cache.wrappers.__path__)]
AROUND = [f"{name} around {of}" for name in WRAPPERS for of in ("top_blocks", "streaming")]
ALL = [*names("cache"), *filter(goes, AROUND)]


def small(name: str, **settings: Any) -> Base:
    """Each number of it that is a count at a sixteenth of its default, where the others allow it."""
    counts = {f.name: max(1, f.default // SMALLER) for f in fields(load("cache", name.rpartition(" ")[2]))
              if f.init and type(f.default) is int}  # fmt: skip
    settings = {"chunk": CHUNK} | settings
    left = counts.keys() - settings.keys()
    for _ in counts:  # one may be allowed only after another
        for key in sorted(left):
            try:
                built(name, **settings, **{key: counts[key]})
            except BadConfig:
                continue
            settings[key] = counts[key]
        left -= settings.keys()
    return built(name, **settings)


@pytest.fixture(params=ALL)
def name(request):
    return request.param


@pytest.fixture
def model():
    return tiny("llama")


def text(n: int = LONG, rows: int = 1, seed: int = 1) -> Any:
    return torch.randint(3, 256, (rows, n), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def logits(model: Any, ids: Any, past: Any, step: int = CHUNK, mask: Any = None) -> Any:
    """Read in pieces. `mask` [B, tokens] is of all of ids, as `generate` gives it."""
    out, at = [], 0
    for piece in ids.split(step, 1):
        at += piece.shape[1]
        more = {} if mask is None else {"attention_mask": mask[:, :at]}
        out.append(model(piece, past_key_values=past, use_cache=True, **more).logits)
    return torch.cat(out, 1)


def stores_exactly(policy: Base) -> bool:
    """Whether what is held is what was given: not rounded, not thinned."""
    x = torch.randn(1, 2, 4, 16)
    return all(type(policy.on(0, 2).store(x, what)) is Tokens for what in ("keys", "values"))


def test_the_registry_finds_policies_and_the_folder_wrappers():
    assert {"streaming", "top_blocks"} <= {*names("cache")}
    assert all(issubclass(load("cache", name), Base) for name in names("cache"))
    assert all(any(name.startswith(wrapper) for name in ALL) for wrapper in WRAPPERS)
    assert all(issubclass(wrapper(name), Wrapper) for name in WRAPPERS)


def test_keeping_all_changes_nothing(name, model):
    """At its defaults, a text shorter than the local window is read as if there were no memory, bit for bit."""
    ids = text(96, rows=2)
    before = {step: logits(model, ids, DynamicCache(config=model.config), step) for step in (96, 20)}
    with built(name, chunk=20)(model) as memory:
        for step, said in before.items():
            assert torch.equal(logits(model, ids, memory.cache(), step), said)


def test_a_budget_that_covers_everything_changes_nothing(name, model):
    ids, policy = text(96, rows=2), built(name, local=8, chunk=20)
    if not (policy.covers(96) and stores_exactly(policy)):
        return  # it reads less by its nature, or not what was given
    before = {step: logits(model, ids, DynamicCache(config=model.config), step) for step in (96, 20)}
    with policy(model) as memory:
        for step, said in before.items():
            assert torch.equal(logits(model, ids, memory.cache(), step), said)


def test_it_makes_a_difference_at_this_length(name, model):
    """Or the other laws would say nothing."""
    ids, policy = text(), small(name)
    if policy.covers(LONG) and stores_exactly(policy):
        return  # it reads everything, always
    with policy(model) as memory:
        said = logits(model, ids, memory.cache())
    assert not torch.allclose(said, logits(model, ids, DynamicCache(config=model.config)), **CLOSE)


def test_one_long_text_is_read_in_pieces_of_chunk(name, model):
    policy = small(name)
    if policy.hears:
        return  # what the model says of a piece is known when it has been read
    ids = text()
    with policy(model) as memory:
        whole = logits(model, ids, memory.cache(), LONG)
        torch.testing.assert_close(logits(model, ids, memory.cache(), policy.chunk), whole, **CLOSE)
        with torch.no_grad():
            torch.testing.assert_close(model(ids, use_cache=False).logits, whole, **CLOSE)


def test_what_is_held_is_bounded_or_all(name, model):
    policy, ids = small(name), text()
    with policy(model) as memory:
        cache = memory.cache()
        for n in (LONG, LONG + 40):
            logits(model, ids, cache)
            logits(model, ids[:, :8], cache, 1)  # and some one by one
            ids = ids[:, :32]
            for layer in cache.memory_layers:
                held = len(layer.held)
                if isinstance(policy, Keep):
                    assert held == policy.keep
                elif policy.forgets:
                    assert held <= policy.sinks + policy.local + policy.budget + policy.chunk
                else:
                    assert held == n + 8
        assert cache.get_seq_length() == LONG + 48


def test_what_is_read_is_within_the_budget(name, model):
    """Of each layer's own policy, as layers may differ."""
    ids, read = text(), []
    with small(name)(model) as memory:
        cache = memory.cache()
        for layer in cache.memory_layers:
            watch(layer.policy, read)
        logits(model, ids, cache)
        logits(model, ids[:, :2], cache, 1)
    assert read
    for policy, x in read:
        most = policy.sinks + policy.local + policy.budget
        looked = x.values.shape[2] if x.mask is None else int(x.mask.sum(-1).max())
        assert policy.covers(x.values.shape[2]) or looked <= most + max(
            x.query.shape[2], policy.chunk
        )  # what has come since the last piece is near


def watch(policy: Base, read: list[Any]) -> None:
    attend = policy.attend

    def watched(x: Any, held: Held) -> Any:
        read.append((policy, x))
        return attend(x, held)

    policy.attend = watched  # of this one, in this one cache


def test_rows_of_a_batch_do_not_talk(name, model):
    ids = text(rows=2)
    with small(name)(model) as memory:
        both = logits(model, ids, memory.cache())
        for i in range(2):
            torch.testing.assert_close(logits(model, ids[i : i + 1], memory.cache()), both[i : i + 1], **CLOSE)


def test_padding_on_the_left_changes_nothing(name, model):
    """A row padded by a whole chunk, so that its pieces are the same; beside it a row that is not padded."""
    ids, policy = text(), small(name)
    if not stores_exactly(policy):
        return  # it codes many tokens at once, now and then, and padding moves the moment
    padded = torch.cat([torch.cat([torch.zeros_like(ids[:, :CHUNK]), ids], 1), text(LONG + CHUNK, seed=2)])
    mask = torch.ones_like(padded)
    mask[0, :CHUNK] = 0
    with policy(model) as memory:
        alone = logits(model, ids, memory.cache())
        got = logits(model, padded, memory.cache(), mask=mask)[:1, CHUNK:]
    torch.testing.assert_close(got, alone, **CLOSE)


def test_beams_take_their_memory_along(name, model):
    ids, more = text(rows=3), text(8, rows=3, seed=2)
    rows = torch.tensor([2, 0, 0])
    with small(name)(model) as memory:
        cache = memory.cache()
        logits(model, ids, cache)
        cache.reorder_cache(rows)
        got = logits(model, more, cache, 1)
        again = memory.cache()
        logits(model, ids[rows], again)
        torch.testing.assert_close(got, logits(model, more, again, 1), **CLOSE)


def test_what_was_taken_back_was_never_read(name, model):
    policy, ids, more = small(name), text(), text(2 * CHUNK, seed=2)
    if policy.forgets or policy.hears or not stores_exactly(policy):
        return  # gone is gone, rounded is rounded, and what was said after the last token left is not known any more
    with policy(model) as memory:
        cache, never = memory.cache(), memory.cache()
        logits(model, ids, cache)
        logits(model, text(2 * CHUNK, seed=3), cache)  # so many that some are far past by the end
        cache.crop(-2 * CHUNK)
        logits(model, ids, never)
        assert cache.get_seq_length() == LONG
        torch.testing.assert_close(logits(model, more, cache, 8), logits(model, more, never, 8), **CLOSE)


def test_a_copy_goes_its_own_way(name, model):
    ids, left, right = text(), text(40, seed=2), text(40, seed=3)
    with small(name)(model) as memory:
        cache, other = memory.cache(), memory.cache()
        logits(model, ids, cache)
        logits(model, ids, other)
        copied = copy.deepcopy(cache)
        logits(model, left, cache, 8)
        assert torch.equal(logits(model, right, copied, 8), logits(model, right, other, 8))
        assert cache.get_seq_length() == copied.get_seq_length() == LONG + 40


def test_a_cache_reset_is_a_new_one(name, model):
    ids = text()
    with small(name)(model) as memory:
        cache = memory.cache()
        mask = torch.ones_like(ids)
        mask[:, :5] = 0
        logits(model, ids, cache, mask=mask)
        cache.reset()
        assert torch.equal(logits(model, ids, cache), logits(model, ids, memory.cache()))


def test_generating_is_decoding_by_hand(name, model):
    ids = text()
    with small(name)(model) as memory:
        said = model.generate(ids, max_new_tokens=6, do_sample=False, pad_token_id=0)[:, LONG:]
        cache, token, by_hand = memory.cache(), ids, []
        for _ in range(6):
            token = logits(model, token, cache, LONG)[:, -1:].argmax(-1)
            by_hand.append(token)
    assert torch.equal(torch.cat(by_hand, 1), said)


def test_nothing_is_left_behind(name, model):
    before = state(model)
    with pytest.raises(KeyError), small(name)(model) as memory:
        logits(model, text(), memory.cache())
        raise KeyError
    assert state(model) == before


def test_bytes_are_those_that_are_there(name, model):
    """What it says it keeps is no less than its tokens, and no more than the tensors it has."""
    policy, ids = small(name), text()
    with policy(model) as memory:
        cache = memory.cache()
        logits(model, ids, cache)
    there = sum(reachable(layer.held) + reachable(layer.policy) for layer in cache.memory_layers)
    assert cache.nbytes <= there
    if stores_exactly(policy):
        tokens = sum(layer.held.k.data[:, :, 0].numel() * 2 * 4 * len(layer.held) for layer in cache.memory_layers)
        assert (
            tokens
            <= cache.nbytes
            <= tokens + sum(layer.policy.nbytes + 8 * 4 * len(layer.held) for layer in cache.memory_layers)
        )


def reachable(thing: Any, seen: set[int] | None = None) -> int:
    """Bytes of the tensors an object holds, and the objects it holds."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return 0
    seen.add(id(thing))
    if isinstance(thing, torch.Tensor):
        return thing.numel() * thing.element_size()
    inner = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list | tuple) else None
    if inner is None:
        inner = vars(thing).values() if hasattr(thing, "__dict__") else ()
    return sum(reachable(x, seen) for x in inner)


def test_wrappers_take_settings_from_what_they_are_around():
    for name in WRAPPERS:
        around = wrapped(name, TopBlocks(sinks=3, local=7))
        assert (around.sinks, around.local) == (3, 7)
        with pytest.raises(BadConfig, match="local"):
            wrapped(name, TopBlocks(), local=9)
