"""Keys held rotated to where they were seen: the model rotates them, from a table, and nothing else may read them."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from archs import state, tiny  # noqa: E402
from remanence.cache.parts.composed import Piece, fill  # noqa: E402
from remanence.cache.parts.rope import TABLE  # noqa: E402
from remanence.cache.parts.still_rotary import StillRotary  # noqa: E402
from remanence.cache.parts.table_rotary import TableRotary  # noqa: E402
from remanence.cache.streaming import Streaming  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402

torch.set_num_threads(1)
IDS = torch.randint(3, 256, (1, 60), generator=torch.Generator().manual_seed(1))
SIZES = {"sinks": 2, "local": 10, "chunk": 64}
TRUE, COMPACT = Streaming(positions="true", **SIZES), Streaming(**SIZES)


def rotary_of(model):
    return model.model.rotary_emb


@torch.no_grad()
@pytest.mark.parametrize(("name", "kind"), [("llama", TableRotary), ("mistral window", StillRotary)])
def test_the_model_rotates_where_all_layers_read_so(name, kind):
    """Windowed layers are read another way, so there it is we who rotate. It says the same, and is left as it was."""
    model = tiny(name)
    before, rotary = state(model), rotary_of(model)
    with TRUE(model) as memory:
        assert isinstance(rotary_of(model), kind)
        cache = memory.read(IDS)
        said = model(IDS[:, -1:], past_key_values=cache).logits
        held = cache.memory_layers[0].held
        assert held.holds_rotated is (kind is TableRotary)
        assert held.rotated is None or not held.holds_rotated, "keys are held once"
    assert rotary_of(model) is rotary and state(model) == before
    assert said.isfinite().all()


@torch.no_grad()
@pytest.mark.parametrize("name", ["llama", "gpt neox", "gemma3", "llama yarn rope"])
def test_the_table_is_the_rotary_module(name):
    model = tiny(name)
    rotary = getattr(model, "model", None) or model.gpt_neox
    rotary = rotary.rotary_emb
    kinds = [()] if name != "gemma3" else [("full_attention",), ("sliding_attention",)]
    table, x = TableRotary(rotary), torch.zeros(2, 1, 64)
    for kind in kinds:
        for table.start, rows, tokens in (
            (5, 1, 1),
            (0, 1, 3),
            (7, 2, 2),
            (2500, 3, 1),
            (TABLE - 1, 1, 1),
            (TABLE - 1, 2, 3),
        ):
            place = torch.arange(table.start, table.start + tokens).expand(rows, -1)
            for mine, its in zip(table(x, place + 1, *kind), rotary(x, place, *kind), strict=True):
                assert torch.equal(mine, its), (place, kind)
    half, place = x.to(torch.bfloat16), torch.tensor([[5]])
    assert table(half, place, *kinds[0])[0].dtype == rotary(half, place, *kinds[0])[0].dtype
    assert all(cos.shape[1] <= TABLE for cos, _ in table.tables.values())


@torch.no_grad()
@pytest.mark.parametrize("name", ["llama", "llama dynamic rope"])  # there the table is not the module's for long texts
def test_what_was_let_go_of_changes_no_place(name):
    """Token by token, each sees the sinks and the last before it, where they were seen: as under a mask."""
    model = tiny(name)
    n = IDS.shape[1]
    at = torch.arange(n)
    sees = (at[:, None] >= at) & ((at < 2) | (at[:, None] - at <= 10))
    want = model(IDS, attention_mask=torch.where(sees, 0.0, -torch.inf)[None, None]).logits
    with Streaming(positions="true", stride=1, **SIZES)(model) as memory:
        assert (memory.table is not None) is (name == "llama")
        cache = memory.cache()
        said = torch.cat([model(token, past_key_values=cache).logits for token in IDS.split(1, 1)], 1)
        assert len(cache.memory_layers[0].held) == 12
    torch.testing.assert_close(said, want, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_a_file_says_how_its_keys_are_held(tmp_path):
    model, path = tiny("llama"), tmp_path / "text.cube"
    with TRUE(model) as memory:
        cache = memory.read(IDS)
        cache.save(path)
        want = model(IDS[:, :3], past_key_values=cache).logits
        assert torch.equal(model(IDS[:, :3], past_key_values=memory.load(path)).logits, want)
    wide = {"sinks": 2, "local": 100}
    with Streaming(positions="true", **wide)(model) as memory:
        memory.read(IDS).save(path)
    with Streaming(**wide)(model) as memory:
        with pytest.raises(BadConfig, match="holds keys rotated to where they were seen, as Streaming did"):
            memory.load(path)
        memory.read(IDS).save(path)
    with Streaming(positions="true", **wide)(model) as memory, pytest.raises(BadConfig, match="keys before rotation"):
        memory.load(path)


@torch.no_grad()
def test_they_are_not_put_together_from_pieces():
    model = tiny("llama")
    with TRUE(model) as memory:
        cache = memory.read(IDS[:, :8])
        with pytest.raises(BadConfig, match="give it positions='compact'"):
            Piece.of(cache.memory_layers[0].held)
    with COMPACT(model) as memory:
        pieces = [Piece.of(layer.held) for layer in memory.read(IDS[:, :8]).memory_layers]
    with TRUE(model) as memory, pytest.raises(BadConfig, match="positions='compact'"):
        fill(memory.cache(), pieces, IDS[:, :8])
