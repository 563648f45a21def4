"""Attaching a memory to a model and leaving it again, and what is refused on the way."""

import copy
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers import DynamicCache, StaticCache  # noqa: E402

from archs import state, tiny  # noqa: E402
from remanence.cache.base import Base, Far  # noqa: E402
from remanence.cache.streaming import Streaming  # noqa: E402
from remanence.cache.top_blocks import TopBlocks  # noqa: E402
from remanence.errors import BadConfig, BadInput, CannotAttach, NotAttached  # noqa: E402

torch.set_num_threads(1)
MEMORY = TopBlocks(sinks=2, local=8, block=4, blocks=2, chunk=8)
IDS = torch.randint(3, 256, (1, 40), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def model():
    return tiny("llama")


class Listening(TopBlocks):
    """Notes how many tokens it has heard of, each time it chooses."""

    @property
    def hears(self) -> bool:
        return True

    def far(self, held: Any, query: Any, start: int, end: int) -> Far:
        HEARD.append((len(held), len(held.heard)))
        return super().far(held, query, start, end)


HEARD: list[tuple[int, int]] = []


def test_nothing_is_left_on_the_model(model):
    before, said = state(model), model(IDS).logits
    with MEMORY(model) as memory:
        assert state(model) != before
        memory.read(IDS)
        model.generate(IDS, max_new_tokens=2, do_sample=False)
    assert state(model) == before
    assert torch.equal(model(IDS).logits, said)


def test_the_rotary_module_turns_nothing_and_comes_back(model):
    rotary, x, places = model.model.rotary_emb, torch.zeros(2, 3, 64), torch.arange(6).view(2, 3)
    width = rotary(x, places)[0].shape[-1]
    with TopBlocks()(model) as memory:
        assert memory.rotary is rotary is not model.model.rotary_emb
        for n in (3, 1, 2):
            one, zero = model.model.rotary_emb(x[:, :n], places[:, :n])
            assert torch.equal(one, torch.ones(2, n, width)) and torch.equal(zero, torch.zeros(2, n, width))
    assert model.model.rotary_emb is rotary


def test_nothing_is_left_after_an_error(model):
    before = state(model)
    with pytest.raises(ZeroDivisionError), MEMORY(model) as memory:
        memory.read(IDS)
        raise ZeroDivisionError
    assert state(model) == before
    bad = torch.tensor([[10**6]])  # no such token: the model itself fails halfway
    with pytest.raises(IndexError), MEMORY(model):
        model(bad)
    assert state(model) == before


def test_a_model_that_is_not_reproduced_is_refused(model):
    """Somebody else's hook on the rotary module: what it does is lost on a memory, which asks the module itself."""
    hook = model.model.rotary_emb.register_forward_hook(lambda module, args, out: (1.5 * out[0], 1.5 * out[1]))
    before = state(model)
    try:
        with pytest.raises(CannotAttach, match="not reproduced"), MEMORY(model):
            pytest.fail("it was attached")
        assert state(model) == before
    finally:
        hook.remove()


def test_a_memory_smaller_than_the_probe_is_no_mistake(model):
    with Streaming(sinks=0, local=1)(model) as memory:
        memory.read(IDS)


def test_a_model_takes_one_memory_at_a_time(model):
    with MEMORY(model):
        inside = state(model)
        with pytest.raises(CannotAttach, match="already"), MEMORY(model):
            pytest.fail("it was attached")
        assert state(model) == inside
    with MEMORY(model):  # and again, after the block
        model(IDS)


def test_a_memory_outside_of_its_block_never_forgets_in_silence(model):
    """Without the attention function, a token decoded alone has no mask, and would see but itself."""
    with MEMORY(model) as memory:
        cache = memory.read(IDS)
        adopted = DynamicCache(config=model.config)
        model(IDS, past_key_values=adopted)
        copied = copy.deepcopy(cache)
    for past in (cache, adopted, copied):
        with pytest.raises(NotAttached):
            model(IDS[:, :1], past_key_values=past)
        assert past.get_seq_length() == 40
    with MEMORY(model):  # attached again, it goes on
        model(IDS[:, :1], past_key_values=cache)
    assert cache.get_seq_length() == 41
    assert copied.get_seq_length() == 40


def test_a_cache_goes_on_under_another_attachment_with_its_own_policy(model):
    with MEMORY(model) as memory:
        whole = model(IDS[:, 30:], past_key_values=memory.read(IDS[:, :30])).logits
    with MEMORY(model) as memory:
        cache = memory.read(IDS[:, :30])
    with Streaming(sinks=0, local=2)(model):
        assert torch.equal(model(IDS[:, 30:], past_key_values=cache).logits, whole)


def test_caches_it_cannot_read_are_refused(model):
    filled = DynamicCache(config=model.config)
    model(IDS, past_key_values=filled)
    with MEMORY(model):
        with pytest.raises(BadInput, match="DynamicCache with 40 tokens"):
            model(IDS, past_key_values=filled)
        with pytest.raises(BadInput, match="StaticCache"):
            model(IDS, past_key_values=StaticCache(config=model.config, max_cache_len=64))


def test_a_mask_that_is_more_than_padding_is_refused(model):
    with MEMORY(model), pytest.raises(BadInput, match="padding"):
        model(IDS, attention_mask=torch.zeros(1, 1, 40, 40))


def test_a_policy_that_hears_must_know_the_tokens(model):
    embedded = model.get_input_embeddings()(IDS)
    with MEMORY(model):
        model(inputs_embeds=embedded)  # this one need not
    with Listening(sinks=2, local=8, block=4, blocks=2)(model), pytest.raises(BadInput, match="input_ids"):
        model(inputs_embeds=embedded)


def test_what_a_model_says_is_heard_one_piece_late(model):
    HEARD.clear()
    with Listening(sinks=2, local=8, block=4, blocks=2, chunk=8)(model) as memory, torch.no_grad():
        cache = memory.read(IDS, step=20)
        heard = cache.layers[0].heard
    # Layers of the second piece choose while its own 20 tokens are still to be said anything of.
    assert {known for held, known in HEARD if held > 20} == {20}
    log_p = model(IDS[:, :20]).logits.log_softmax(-1)
    surprise = -log_p[0].gather(1, IDS[0, 1:21, None])[:, 0]  # of the last by what was said before its piece came
    assert float(heard.surprise[0, 0]) == 0
    torch.testing.assert_close(heard.surprise[0, 1:21], surprise, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(heard.entropy[0, :20], -(log_p.exp() * log_p).sum(-1)[0], rtol=1e-5, atol=1e-5)


def test_generate_is_made_to_say_all_it_knows_to_a_policy_that_hears(model):
    HEARD.clear()
    with Listening(sinks=2, local=8, block=4, blocks=2)(model) as memory:
        cache = memory.cache()
        model.generate(IDS, max_new_tokens=3, do_sample=False, past_key_values=cache)
    assert len(cache.layers[0].heard) == cache.get_seq_length() == 42


def test_layers_with_a_window_keep_it():
    """Far tokens change nothing that such a layer says, and it lets go of them."""
    model, far = tiny("mistral window"), torch.randint(3, 256, (1, 200), generator=torch.Generator().manual_seed(2))
    said = model(far).logits[:, -1]
    with TopBlocks(local=4, block=4, blocks=1)(model) as memory, torch.no_grad():
        cache = memory.read(far[:, :-1], step=16)
        assert torch.allclose(model(far[:, -1:], past_key_values=cache).logits[:, -1], said, atol=1e-4)
    window, chunk = 16, 512
    assert all(len(layer.held) <= 2 * window + chunk for layer in cache.memory_layers)


def test_windows_let_go_of_what_is_far_beyond(model):
    from remanence.cache.parts.window import Window

    with Window(window=8)(model) as memory:
        cache = memory.read(torch.randint(3, 256, (1, 1100), generator=torch.Generator().manual_seed(3)))
        assert {len(layer.held) for layer in cache.memory_layers} <= {*range(8, 2 * 8 + 512 + 1)}
        with pytest.raises(BadInput, match="too far"):
            cache.crop(-1090)


def test_what_was_let_go_of_cannot_be_taken_back(model):
    with Streaming(sinks=2, local=8, chunk=8)(model) as memory:
        cache = memory.read(IDS)
        with pytest.raises(BadInput, match="Streaming lets go of tokens"):
            cache.crop(-1)


def test_keys_shared_between_layers_are_refused(model):
    from remanence.cache.parts.attention import memory_attention

    q, k = torch.randn(1, 4, 3, 16), torch.randn(1, 2, 3, 16)
    with MEMORY(model) as memory:
        memory_attention(memory.attentions[0], q, k, k, None)
        with pytest.raises(CannotAttach, match="shares keys"):
            memory_attention(memory.attentions[1], q, k, k, None)


@pytest.mark.parametrize("wrong", [{"sinks": -1}, {"local": 0}, {"chunk": 0}, {"stride": 0}, {"positions": "exact"}])
def test_settings_that_cannot_be(wrong):
    (name,) = wrong
    with pytest.raises(BadConfig, match=name):
        TopBlocks(**wrong)


def test_a_policy_is_not_changed_by_being_used(model):
    policy = TopBlocks(sinks=2, local=8, block=4, blocks=2)
    with policy(model) as memory:
        memory.read(IDS)
    assert policy.bounds is None
    assert isinstance(policy, Base)
