"""Memories that outlive their process: the same answers, the same model or none, a whole file or none."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from archs import tiny  # noqa: E402
from remanence.cache.base import Base  # noqa: E402
from remanence.cache.parts import disk  # noqa: E402
from remanence.cache.parts.held import Held  # noqa: E402
from remanence.cache.parts.memory_cache import MemoryCache  # noqa: E402
from remanence.cache.parts.tokens import Tokens  # noqa: E402
from remanence.cache.streaming import Streaming  # noqa: E402
from remanence.cache.top_blocks import TopBlocks  # noqa: E402
from remanence.errors import BadConfig, BadInput, Corrupt, NewerVersion, NotAttached, OtherModel, ReadOnly  # noqa: E402

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "cache_disk.py"
SIZES = {"sinks": 2, "local": 8, "chunk": 16}
PART = TopBlocks(blocks=3, block=4, **SIZES)
ALL = TopBlocks(blocks=10**6, block=4, **SIZES)
STREAM = Streaming(**SIZES)
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    with torch.no_grad():
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "book.cube"


def ids(rows: int, n: int, seed: int = 0) -> Any:
    return torch.randint(3, 256, (rows, n), generator=torch.Generator().manual_seed(seed))


def saved(path: Path, policy: Base = PART, name: str = "llama", rows: int = 1, tokenizer: Any = None) -> Any:
    """A file, and the logits of what was read after it."""
    model = tiny(name)
    with policy(model) as memory:
        cache = memory.read(ids(rows, 90))
        cache.save(path, tokenizer)
        return model(ids(rows, 7, 1), past_key_values=cache).logits


def reread(path: Path, policy: Base = PART, model: Any = None, rows: int = 1) -> Any:
    model = tiny("llama") if model is None else model
    with policy(model) as memory:
        return model(ids(rows, 7, 1), past_key_values=memory.load(path)).logits


@pytest.mark.parametrize("name", ["llama", "gemma2", "gpt oss", "gpt neox"])
@pytest.mark.parametrize("policy", [PART, ALL, STREAM], ids=["part", "all", "streaming"])
def test_reopened_it_answers_the_same_to_the_bit(path: Path, policy: Base, name: str) -> None:
    before = saved(path, policy, name)
    assert torch.equal(reread(path, policy, tiny(name)), before)


def test_rows_with_padding_come_back(path: Path) -> None:
    model, mask = tiny("llama"), torch.ones(2, 90, dtype=torch.long)
    mask[0, :5] = 0
    whole = torch.cat([mask, torch.ones(2, 7, dtype=torch.long)], 1)
    with PART(model) as memory:
        cache = memory.cache()
        model(ids(2, 90), attention_mask=mask, past_key_values=cache)
        cache.save(path)
        before = model(ids(2, 7, 1), attention_mask=whole, past_key_values=cache).logits
        after = model(ids(2, 7, 1), attention_mask=whole, past_key_values=memory.load(path)).logits
    assert torch.equal(after, before)
    assert torch.equal(reread(path, rows=2), before), "it is known which tokens were padding"


def test_the_index_is_not_made_again(path: Path) -> None:
    model = tiny("llama")
    with PART(model) as memory:
        cache = memory.read(ids(1, 90))
        cache.save(path)
        for old, new in zip(cache.memory_layers, memory.load(path).memory_layers, strict=True):
            n = len(old.policy.bounds)
            assert n == len(new.policy.bounds) > 10
            assert torch.equal(old.policy.bounds.span(0, n), new.policy.bounds.span(0, n))


def test_the_layout_is_what_it_says_and_others_can_read_it(path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    saved(path)
    tensors = safetensors.load_file(path)
    assert tensors["layers.1.k"].shape == tensors["layers.0.v"].shape == (1, 2, 90, 16)
    assert tensors["read.ids"].flatten().tolist() == ids(1, 90)[0].tolist()
    assert len(disk.read(path).tensors) == len(tensors)
    assert (int.from_bytes(path.read_bytes()[:8], "little") + 8) % 4096 == 0, "the data begins at a page"


def test_generate_goes_on_from_a_document(path: Path) -> None:
    model, question = tiny("llama"), ids(1, 5, 2)
    how = {"max_new_tokens": 8, "do_sample": False, "pad_token_id": 0}
    with PART(model) as memory:
        cache = memory.read(ids(1, 90))
        cache.save(path)
        want = model.generate(cache.prompt(question), past_key_values=cache, **how)
        loaded = memory.load(path)
        assert torch.equal(loaded.ids, ids(1, 90))
        got = model.generate(loaded.prompt(question), past_key_values=loaded, **how)
    assert torch.equal(got, want) and got.shape == (1, 103)
    assert torch.equal(loaded.ids, want[:, :-1]), "the last one was not read"


def test_several_questions_share_one_document(path: Path) -> None:
    model, questions = tiny("llama"), ids(3, 5, 3)
    saved(path)
    with PART(model) as memory:
        alone = [model(question[None], past_key_values=memory.load(path)).logits for question in questions]
        cache = memory.load(path)
        base = cache.memory_layers[0].held.k.base
        cache.batch_repeat_interleave(3)
        together = model(questions, past_key_values=cache).logits
        assert torch.allclose(together, torch.cat(alone), atol=1e-4)
        assert cache.memory_layers[0].held.k.base is base and base.shape[0] == 1, "no row has a copy"
        assert cache.prompt(questions).shape == (3, 100)


def test_a_loaded_memory_that_grew_can_be_saved_again(path: Path) -> None:
    model = tiny("llama")
    saved(path)
    with PART(model) as memory:
        cache = memory.read(ids(1, 30, 4), memory.load(path))
        cache.save(path)  # over the file it is mapped from
        want = model(ids(1, 7, 1), past_key_values=cache).logits
        assert torch.equal(model(ids(1, 7, 1), past_key_values=memory.load(path)).logits, want)
        assert memory.load(path).get_seq_length() == 120


def test_reading_on_and_writing_to_what_was_loaded_leave_the_file_alone(path: Path) -> None:
    saved(path)
    before = path.read_bytes()
    with PART(tiny("llama")) as memory:
        cache = memory.read(ids(1, 60, 5), memory.load(path))
        cache.memory_layers[0].held.k.base.zero_()
        cache.crop(-30)
    assert path.read_bytes() == before


class Words:
    """What of a tokenizer is looked at."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def get_vocab(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self.words)}


def changed(what: str) -> Any:
    """The tiny model with one thing changed."""
    import copy

    model = copy.deepcopy(tiny("llama"))
    if what == "weights":
        model.model.layers[1].mlp.up_proj.weight.mul_(1.001)
    elif what == "dtype":
        model = model.to(torch.bfloat16)
    elif what == "rope":
        model.config.rope_parameters = {**model.config.rope_parameters, "rope_theta": 777.0}
    elif what == "layers":
        model.config.num_key_value_heads = 4
    elif what == "revision":
        model.config._commit_hash = "beef"
    return model


@pytest.mark.parametrize("what", ["weights", "dtype", "rope", "layers", "revision"])
def test_another_model_is_refused_and_told_in_what_it_differs(path: Path, what: str) -> None:
    model = changed("")
    model.config._commit_hash = "cafe"
    with PART(model) as memory:
        memory.read(ids(1, 20)).save(path)
    other = changed(what)
    with PART(tiny("llama")) as memory:
        memory.model = other  # a memory cannot be attached to some of these
        with pytest.raises(OtherModel, match=rf"with another: .*{what}"):
            memory.load(path)


def test_another_tokenizer_is_refused_where_both_are_known(path: Path) -> None:
    saved(path, tokenizer=Words("a", "b"))
    with PART(tiny("llama")) as memory:
        memory.load(path)
        memory.load(path, Words("a", "b"))
        with pytest.raises(OtherModel, match="tokenizer"):
            memory.load(path, Words("b", "a"))


def test_the_same_model_under_another_name_is_the_same(path: Path) -> None:
    before = saved(path)
    model = changed("")
    model.config.name_or_path = "moved/elsewhere"
    assert torch.equal(reread(path, model=model), before)


@pytest.mark.parametrize("left", [0, 5, 8, 100, 5000, -1])
def test_a_file_cut_short_is_damaged(path: Path, left: int) -> None:
    saved(path)
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(Corrupt, match="damaged"):
        reread(path)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"__metadata__": {"format": "pt"}},
        {"__metadata__": {"remanence": "[]"}},
        {"__metadata__": {"remanence": '{"version": 1}'}},
        {"__metadata__": {"remanence": '{"version": 1}'}, "x": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}},
        {"__metadata__": {"remanence": '{"version": 1}'}, "x": {"dtype": "F9", "shape": [1], "data_offsets": [0, 4]}},
        {"__metadata__": {"remanence": '{"version": 1}'}, "x": {"dtype": "F32", "shape": [-1], "data_offsets": [4, 0]}},
        {"__metadata__": {"remanence": '{"version": 1}'}, "x": 3},
        [],
    ],
)  # fmt: skip
def test_what_is_not_a_memory_is_said_to_be_none(path: Path, header: Any) -> None:
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    with pytest.raises(Corrupt):
        reread(path)


def test_a_newer_format_is_told(path: Path) -> None:
    disk.write(path, list, {"version": 99})
    with pytest.raises(NewerVersion, match="format 99"):
        reread(path)


def test_a_save_that_fails_leaves_what_was_there(path: Path) -> None:
    before = saved(path)

    def interrupted(done: int, total: int) -> None:
        assert 0 < done <= total
        raise KeyboardInterrupt

    with STREAM(tiny("llama")) as memory, pytest.raises(KeyboardInterrupt):
        memory.read(ids(1, 40)).save(path, progress=interrupted)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert torch.equal(reread(path), before)


def test_progress_comes_to_its_end(path: Path) -> None:
    seen: list[tuple[int, int]] = []
    with PART(tiny("llama")) as memory:
        memory.read(ids(1, 40)).save(path, progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen}) and seen[-1][0] == seen[-1][1]


def test_nothing_can_be_saved_of_nothing(path: Path) -> None:
    model = tiny("llama")
    with PART(model) as memory, pytest.raises(BadInput, match="nothing was read"):
        memory.cache().save(path)
    with pytest.raises(NotAttached):
        MemoryCache(model.config, PART).save(path)
    with PART(model) as memory, pytest.raises(FileNotFoundError):
        memory.load(path)


def test_a_folder_that_takes_no_file_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(disk.tempfile, "mkstemp", denied)  # a test may run as root, whom no folder refuses
    with PART(tiny("llama")) as memory, pytest.raises(ReadOnly):
        memory.read(ids(1, 20)).save(path)


@pytest.mark.parametrize("other", [STREAM, TopBlocks(blocks=1, block=8, sinks=0, local=6, chunk=16)])
def test_another_policy_goes_on_where_nothing_was_let_go_of(path: Path, other: Base) -> None:
    model = tiny("llama")
    saved(path, ALL)
    with ALL(model) as memory:
        held = [layer.held for layer in memory.load(path).memory_layers]
    with other(model) as memory:
        cache = memory.cache()  # the same keys and values, given to it in another way
        for layer, known in zip(cache.memory_layers, held, strict=True):
            layer.lazy_initialization(known.k.data)
            layer.held = Held(Tokens.like(known.k.data), Tokens.like(known.v.data), layer.heard, layer.index)
            layer.held.append(known.k.span(0, 90), known.v.span(0, 90), None)
        want = model(ids(1, 7, 1), past_key_values=cache).logits
    assert torch.equal(reread(path, other), want)


def test_another_policy_is_refused_where_tokens_are_gone(path: Path) -> None:
    saved(path, STREAM)
    with pytest.raises(BadConfig, match=r"Streaming, which let go of \d+ of its 90 tokens"):
        reread(path, PART)


class Listening(TopBlocks):
    @property
    def hears(self) -> bool:
        return True


def test_what_the_model_said_comes_back_and_cannot_be_made_up(path: Path) -> None:
    listening = Listening(blocks=3, block=4, **SIZES)
    saved(path, PART)
    with pytest.raises(BadConfig, match="did not listen"):
        reread(path, listening)
    before = saved(path, listening)
    assert torch.equal(reread(path, listening), before)
    model = tiny("llama")
    with listening(model) as memory:
        cache, loaded = memory.read(ids(1, 90)), memory.load(path)
        for each in (cache, loaded):
            model(ids(1, 7, 1), past_key_values=each)
        heard, again = cache.memory_layers[0].heard, loaded.memory_layers[0].heard
    assert torch.equal(heard.surprise, again.surprise) and torch.equal(heard.entropy, again.entropy)
    assert heard.surprise[0, 90] > 0, "of the first token after loading too"


def test_ids_that_are_not_known_are_not_made_up(path: Path) -> None:
    model = tiny("llama")
    with PART(model) as memory:
        cache = memory.read(ids(1, 20))
        model(inputs_embeds=torch.randn(1, 3, 64), past_key_values=cache)
        with pytest.raises(BadInput, match="20 of 23"):
            cache.prompt(ids(1, 2))
        cache.save(path)
        assert memory.load(path).get_seq_length() == 23


@LINUX
def test_opening_reads_next_to_nothing_and_answering_little(path: Path) -> None:
    model, n = tiny("llama"), 200_000
    policy = TopBlocks(blocks=8, block=32, **SIZES)
    with policy(model) as memory:
        cache, x = memory.cache(), torch.randn(1, 2, n, 16)
        for layer in cache.memory_layers:
            layer.lazy_initialization(x[:, :, :0])
            layer.held = Held(Tokens(x, n), Tokens(x, n), layer.heard, layer.index, n)
            layer.policy.far(layer.held, torch.ones(1, 4, 1, 16), 2, n - 8)
        cache.save(path)
        memory.load(path)
        before = resident()
        loaded = memory.load(path)
        assert resident() - before < 0.01 * path.stat().st_size
        for token in range(3, 8):
            model(torch.tensor([[token]]), past_key_values=loaded)
        assert resident() - before < 0.2 * path.stat().st_size


def resident() -> int:
    """Bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@LINUX
@pytest.mark.slow
def test_a_gigabyte_opens_in_no_time_and_stays_on_the_disk(path: Path) -> None:
    spec = importlib.util.spec_from_file_location("cache_disk", BENCHMARK)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    benchmark.made(path, 262_144)
    row = benchmark.another(path)
    assert row["open_ms"] < benchmark.OPEN_MS
    assert row["grown"] < benchmark.GROWTH * path.stat().st_size
