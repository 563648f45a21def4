"""Prompt Cache: modules read alone and put together are one text in which no module sees another."""

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch import Tensor  # noqa: E402
from transformers import DynamicCache  # noqa: E402

from archs import WINDOW, tiny  # noqa: E402
from remanence.cache.parts.schema import laid_out  # noqa: E402
from remanence.cache.prompt_cache import PromptCache, Slot  # noqa: E402
from remanence.errors import BadConfig, BadInput, UnknownName  # noqa: E402

CLOSE: dict[str, Any] = {"rtol": 0, "atol": 5e-5}  # logits are of size 5; sums in another order round otherwise


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def some(n: int, seed: int) -> list[int]:
    return torch.randint(3, 256, (n,), generator=torch.Generator().manual_seed(seed)).tolist()


SYSTEM, LONGER, SHORTER, BEFORE, AFTER, DAYS = (some(n, n) for n in (20, 30, 25, 10, 6, 3))
SCHEMA = {"system": SYSTEM, "city": {"paris": LONGER, "rome": SHORTER}, "plan": [*BEFORE, Slot("days", 5), *AFTER]}
QUESTION = torch.tensor([some(7, 7)])


Text = tuple[int, list[int]]  # from which position on


@torch.no_grad()
def slowly(model: Any, modules: list[Text], new: list[Text], blank: range, window: int | None = None) -> Tensor:
    """The logits of the last text: all read at once, under a mask and at positions. `blank` is seen by its module."""
    texts = modules + new
    ids = [i for _, text in texts for i in text]
    places = torch.tensor([start + i for start, text in texts for i in range(len(text))])
    alone = torch.tensor([n for n, (_, text) in enumerate(modules) for _ in text])
    looks, n = torch.ones(len(ids), len(ids), dtype=torch.bool), len(alone)
    looks[:n, :n] = alone[:, None] == alone
    looks[n:, :n] &= (places[:n] < blank.start) | (places[:n] >= blank.stop)
    looks &= torch.ones_like(looks).tril()
    if window is not None:
        looks &= places[:, None] - places < window
    mask = torch.where(looks, 0.0, torch.finfo(torch.float32).min)[None, None]
    logits: Tensor = model(torch.tensor([ids]), position_ids=places[None], attention_mask=mask).logits
    return logits[:, -len(new[-1][1]) :]


def as_one(model: Any, window: int | None = None) -> Tensor:
    """System, rome and plan for DAYS."""
    modules = [(0, SYSTEM), (20, SHORTER), (50, [*BEFORE, *[0] * 5, *AFTER])]
    return slowly(model, modules, [(60, DAYS), (71, QUESTION[0].tolist())], range(60, 65), window)


@torch.no_grad()
def composed(model: Any, prompts: PromptCache, rows: int = 1, step: int = 7) -> Tensor:
    with prompts(model) as memory:
        cache = prompts.compose(prompts.read(memory), ["plan", "system", "rome"], days=DAYS)
        assert cache.get_seq_length() == 71
        if rows > 1:
            cache.batch_repeat_interleave(rows)
        pieces = QUESTION.expand(rows, -1).split(step, 1)
        return torch.cat([model(piece, past_key_values=cache).logits for piece in pieces], 1)


@pytest.mark.parametrize(("name", "window"), [("llama", None), ("gpt neox", None), ("mistral window", WINDOW)])
def test_modules_are_read_where_the_schema_puts_them(name: str, window: int | None) -> None:
    model = tiny(name)
    torch.testing.assert_close(composed(model, PromptCache(SCHEMA)), as_one(model, window), **CLOSE)


@torch.no_grad()
def test_a_gap_counts_also_where_a_layer_looks_back_further_than_to_it() -> None:
    model, prompts = tiny("mistral window"), PromptCache({"a": AFTER, "not used": DAYS, "b": DAYS})
    with prompts(model) as memory:
        cache = prompts.compose(prompts.read(memory), ["a", "b"])
        logits = model(QUESTION[:, :3], past_key_values=cache).logits
    said = slowly(model, [(0, AFTER), (9, DAYS)], [(12, QUESTION[0, :3].tolist())], range(0), WINDOW)
    torch.testing.assert_close(logits, said, **CLOSE)


@pytest.mark.parametrize(("rows", "step"), [(1, 1), (1, 3), (2, 1), (2, 7)])
def test_so_they_are_token_by_token_and_by_several_rows(rows: int, step: int) -> None:
    model = tiny("llama")
    expected = as_one(model).expand(rows, -1, -1)
    torch.testing.assert_close(composed(model, PromptCache(SCHEMA), rows, step), expected, **CLOSE)


@torch.no_grad()
def test_what_was_said_after_modules_can_be_taken_back() -> None:
    model, prompts = tiny("llama"), PromptCache(SCHEMA)
    with prompts(model) as memory:
        cache = prompts.compose(prompts.read(memory), ["system", "rome", "plan"], days=DAYS)
        model(torch.tensor([LONGER]), past_key_values=cache)
        cache.crop(-len(LONGER))
        logits = model(QUESTION, past_key_values=cache).logits
    torch.testing.assert_close(logits, as_one(model), **CLOSE)


def test_closing_the_gaps_is_something_else() -> None:
    model = tiny("llama")
    closed = composed(model, PromptCache(SCHEMA, positions="compact"))
    assert (closed - as_one(model)).abs().max() > 0.05


@torch.no_grad()
def test_a_module_that_comes_first_is_a_prefix_read_before() -> None:
    model, prompts = tiny("llama"), PromptCache({"book": LONGER, "other": SHORTER})
    prefix = DynamicCache(config=model.config)
    model(torch.tensor([LONGER]), past_key_values=prefix)
    expected = model(QUESTION, past_key_values=prefix).logits
    with prompts(model) as memory:
        cache = prompts.compose(prompts.read(memory), ["book"])
        assert torch.equal(model(QUESTION, past_key_values=cache).logits, expected)


@torch.no_grad()
def test_a_slot_filled_to_the_brim_leaves_no_gap_and_keeps_its_place() -> None:
    model = tiny("llama")
    prompts = PromptCache({"plan": [*BEFORE, Slot("days", 3), *AFTER]})
    with prompts(model) as memory:
        modules = prompts.read(memory)
        cache = prompts.compose(modules, ["plan"], days=DAYS)
        held = cache.memory_layers[0].held
        assert held is not None and held.where is None
        assert cache.ids.tolist() == [[*BEFORE, *DAYS, *AFTER]]
        first = model.get_input_embeddings()(torch.tensor([DAYS]))
        k = model.model.layers[0].self_attn.k_proj(model.model.layers[0].input_layernorm(first))
        there = held.k.span(10, 13).transpose(1, 2).flatten(2)
        torch.testing.assert_close(there, k)


@torch.no_grad()
def test_generating_goes_on_from_modules_that_nothing_reads_again() -> None:
    model, prompts = tiny("llama"), PromptCache(SCHEMA)
    read: list[int] = []
    with prompts(model) as memory:
        modules = prompts.read(memory)
        hook = model.register_forward_pre_hook(
            lambda m, args, kwargs: read.append((args[0] if args else kwargs["input_ids"]).shape[1]), with_kwargs=True
        )
        try:
            cache = prompts.compose(modules, ["system", "rome"])
            said = model.generate(cache.prompt(QUESTION), past_key_values=cache, max_new_tokens=4, do_sample=False)
        finally:
            hook.remove()
        assert read == [7, 1, 1, 1]
        cache, token, by_hand = prompts.compose(modules, ["system", "rome"]), QUESTION, []
        for _ in range(4):
            token = model(token, past_key_values=cache).logits[:, -1:].argmax(-1)
            by_hand.append(token)
    assert torch.equal(said[:, -4:], torch.cat(by_hand, 1))


@torch.no_grad()
def test_modules_and_what_was_composed_can_be_saved(tmp_path: Path) -> None:
    model, prompts = tiny("llama"), PromptCache(SCHEMA)
    with prompts(model) as memory:
        for name, module in prompts.read(memory).items():
            module.save(tmp_path / name)
        loaded = {name: memory.load(tmp_path / name) for name in ("system", "rome", "plan")}
        cache = prompts.compose(loaded, ["system", "rome", "plan"], days=DAYS)
        cache.save(tmp_path / "all")
        four = memory.load(tmp_path / "all")
        four.batch_repeat_interleave(2)
        logits = model(QUESTION.expand(2, -1), past_key_values=four).logits
    torch.testing.assert_close(logits, as_one(model).expand(2, -1, -1), **CLOSE)


def test_the_layout_gives_each_its_place_and_alternatives_the_same() -> None:
    places = laid_out(SCHEMA, blank=9)
    assert {name: (place.start, place.end) for name, place in places.items()} == {
        "system": (0, 20), "paris": (20, 50), "rome": (20, 45), "plan": (50, 71)}  # fmt: skip
    assert places["plan"].ids == (*BEFORE, 9, 9, 9, 9, 9, *AFTER) and places["plan"].slots[0][0] == 60


@pytest.mark.parametrize(
    ("names", "said", "error", "words"),
    [
        (["system", "tokyo"], {}, UnknownName, "no module 'tokyo'. Known: paris, plan, rome, system"),
        (["paris", "rome"], {}, BadInput, "'paris' and 'rome' stand at the same positions; use one of them"),
        (["system", "system"], {}, BadInput, "uses a module once"),
        ([], {}, BadInput, "one module at least"),
        (["plan"], {}, BadInput, "slot 'days' is empty: say days=ids, 5 tokens at most"),
        (["plan"], {"days": some(6, 1)}, BadInput, "room for 1 to 5 tokens, got 6"),
        (["plan"], {"days": [5], "day": [5]}, UnknownName, "called 'day'. Did you mean 'days'"),
    ],
)
def test_prompts_that_the_schema_does_not_allow(names: list[str], said: Any, error: Any, words: str) -> None:
    prompts = PromptCache(SCHEMA)
    with prompts(tiny("llama")) as memory:
        modules = prompts.read(memory)
        with pytest.raises(error, match=words.replace("(", r"\(")):
            prompts.compose(modules, names, **said)


def test_modules_of_another_schema_are_refused() -> None:
    old, new = PromptCache({"a": SYSTEM}), PromptCache({"a": LONGER, "b": SHORTER})
    with old(tiny("llama")) as memory:
        modules = old.read(memory)
        with pytest.raises(BadInput, match="another text"):
            new.compose(modules, ["a"])
        with pytest.raises(BadInput, match="'b' of the schema was not read"):
            new.compose(modules, ["b"])


@pytest.mark.parametrize(
    "schema",
    [
        {"a": SYSTEM, "b": {"a": LONGER}},
        {"a": []},
        {"a": [1, Slot("x", 2)], "b": [Slot("x", 1)]},
    ],
)
def test_schemas_that_cannot_be_are_refused(schema: Any) -> None:
    with pytest.raises(BadConfig):
        laid_out(schema, 0)


@pytest.mark.parametrize(("name", "tokens"), [("x", 0), ("two words", 3)])
def test_slots_that_cannot_be_are_refused(name: str, tokens: int) -> None:
    with pytest.raises(BadConfig, match="slot"):
        Slot(name, tokens)
