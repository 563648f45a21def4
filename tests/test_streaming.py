"""Attention sinks and a window: what is read is exactly them, however much was let go of."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers import DynamicCache  # noqa: E402

from archs import tiny  # noqa: E402
from remanence.cache.streaming import Streaming  # noqa: E402

torch.set_num_threads(1)
IDS = torch.randint(3, 256, (1, 300), generator=torch.Generator().manual_seed(1))


def shallow():
    """One layer: what a token says depends on the tokens its one attention reads, and on nothing before them."""
    model = tiny.__wrapped__("llama")
    del model.model.layers[1]
    model.config.num_hidden_layers = 1
    return model


@torch.no_grad()
def test_the_last_token_sees_sinks_and_window_and_nothing_else():
    """As if the text were the sinks, the window and the token; a window alone (the simpler way) says another."""
    model, sinks, local = shallow(), 4, 16
    near = torch.cat([IDS[:, :sinks], IDS[:, 299 - local :]], 1)
    with Streaming(sinks=sinks, local=local, chunk=32)(model) as memory:
        cache = memory.read(IDS[:, :-1], step=50)
        said = model(IDS[:, -1:], past_key_values=cache).logits[:, -1]
    torch.testing.assert_close(said, model(near).logits[:, -1], rtol=1e-4, atol=1e-4)
    without = model(IDS[:, 299 - local :]).logits[:, -1]
    assert not torch.allclose(said, without, rtol=1e-2, atol=1e-2)


@torch.no_grad()
def test_where_it_was_seen_if_that_is_wanted():
    """Sinks stand as far off as they were seen; closed up (the simpler way) it says another."""
    model, sinks, local = shallow(), 4, 16
    places = torch.tensor([[*range(sinks), *range(299 - local, 300)]])
    want = model(IDS[:, places[0]], position_ids=places, attention_mask=torch.ones_like(places)).logits[:, -1]
    said = {}
    for positions in ("true", "compact"):
        with Streaming(sinks=sinks, local=local, chunk=32, positions=positions)(model) as memory:
            cache = memory.read(IDS[:, :-1], step=50)
            said[positions] = model(IDS[:, -1:], past_key_values=cache).logits[:, -1]
    torch.testing.assert_close(said["true"], want, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(said["compact"], want, rtol=1e-2, atol=1e-2)


@torch.no_grad()
def test_the_window_grows_by_a_stride_and_is_cut_back():
    with Streaming(sinks=2, local=8, stride=4)(shallow()) as memory:
        cache = memory.read(IDS[:, :40], step=10)
        sizes = []
        for token in IDS[:, 40:50].split(1, 1):
            memory.read(token, cache)
            sizes.append(len(cache.memory_layers[0].held))
    assert sizes == [11, 12, 13, 10] * 2 + [11, 12]


@torch.no_grad()
def test_a_chunk_looks_back_from_where_it_begins():
    """Queries of one piece share the window before the piece, and see each other."""
    model = shallow()
    with Streaming(sinks=2, local=8, chunk=10)(model) as memory:
        cache = memory.read(IDS[:, :100], step=10)
        said = model(IDS[:, 100:110], past_key_values=cache).logits
    text = torch.cat([IDS[:, :2], IDS[:, 92:110]], 1)
    torch.testing.assert_close(said, model(text).logits[:, -10:], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_memory_and_places_stay_bounded():
    model = shallow()
    with Streaming(sinks=4, local=16, chunk=8)(model) as memory:
        cache, sizes = memory.cache(), []
        for piece in IDS.split(4, 1):
            memory.read(piece, cache)
            sizes.append(cache.nbytes)
            assert len(cache.memory_layers[0].held) < 4 + 16 + 8
        assert cache.get_seq_length() == 300
    full = DynamicCache(config=model.config)
    model(IDS, past_key_values=full)
    whole = sum(layer.keys.nbytes + layer.values.nbytes for layer in full.layers)
    assert max(sizes) < 0.12 * whole


def test_sinks_are_real_tokens_in_every_row_of_a_padded_batch():
    """A batch padded on the left, longer than the window: the padding is not taken for the first tokens."""
    model, short = shallow(), IDS[:, :240]
    both = torch.cat([torch.cat([torch.zeros(1, 60, dtype=torch.long), short], 1), IDS], 0)
    mask = torch.ones_like(both)
    mask[0, :60] = 0
    with Streaming(sinks=4, local=16, chunk=30)(model) as memory, torch.no_grad():
        alone = model(short).logits[:, -1]
        padded = model(both, attention_mask=mask).logits[:1, -1]
        again = memory.cache()
        model(both[:, :31], attention_mask=mask[:, :31], past_key_values=again)  # a first piece of padding alone
        model(both[:, 31:], attention_mask=mask, past_key_values=again)
        assert [layer.padding for layer in again.memory_layers] == [60]
    torch.testing.assert_close(padded, alone, rtol=1e-4, atol=1e-4)
