"""With a budget that covers everything, a memory changes nothing: on every architecture, in every way of generating.

What is left out (architectures this version of transformers has not heard of) is left out of KNOWN, nothing else is.
"""

import subprocess
import venv
from functools import cache
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers import DynamicCache  # noqa: E402

from archs import KNOWN, REFUSED, SPECS, WINDOW, state, tiny  # noqa: E402
from remanence.cache.streaming import Streaming  # noqa: E402
from remanence.cache.top_blocks import TopBlocks  # noqa: E402
from remanence.errors import CannotAttach  # noqa: E402

torch.set_num_threads(1)
EVERYTHING = TopBlocks(local=8, block=4, blocks=10**6)
ROTATED = Streaming(local=10**6, positions="true")  # keys are held rotated, and the model rotates them
TOKENS, NEW = 40, 6
GREEDY: dict[str, Any] = {"max_new_tokens": NEW, "do_sample": False, "pad_token_id": 0}
WAYS: dict[str, dict[str, Any]] = {
    "greedy": {},
    "prefill in chunks": {"prefill_chunk_size": 16},
    "three beams": {"num_beams": 3},
    "sampling": {"do_sample": True, "temperature": 0.8, "top_k": 20},
    "no cache": {"use_cache": False},
}


@pytest.fixture(params=KNOWN)
def name(request):
    return request.param


def prompt(rows: int = 2, seed: int = 1) -> Any:
    return torch.randint(3, 256, (rows, TOKENS), generator=torch.Generator().manual_seed(seed))


def generated(model: Any, ids: Any, **how: Any) -> list[list[int]]:
    torch.manual_seed(7)
    return model.generate(ids, **GREEDY | how).tolist()


@torch.no_grad()
def logits(model: Any, ids: Any, step: int, past: Any) -> Any:
    return torch.cat([model(x, past_key_values=past, use_cache=True).logits for x in ids.split(step, 1)], 1)


@cache
def reference(name: str) -> dict[int, Any]:
    """What the model says without a memory, read in pieces of so many tokens."""
    model = tiny(name)
    return {step: logits(model, prompt(), step, DynamicCache(config=model.config)) for step in (TOKENS, 12, 1)}


def test_enough_architectures():
    assert len(SPECS) >= 24
    assert len(KNOWN) >= 24


@pytest.mark.parametrize("policy", [EVERYTHING, ROTATED], ids=["held unrotated", "held rotated"])
def test_logits_are_the_models_own(name, policy):
    model, ids, before = tiny(name), prompt(), reference(name)
    with policy(model) as memory, torch.no_grad():
        assert torch.equal(model(ids).logits, before[TOKENS])
        assert torch.equal(model(ids, use_cache=False).logits, before[TOKENS])
        for step in (TOKENS, 12):
            assert torch.equal(logits(model, ids, step, memory.cache()), before[step])
        assert torch.equal(logits(model, ids, 12, DynamicCache(config=model.config)), before[12])
        decoded = logits(model, ids, 1, memory.cache())
    # One query alone is multiplied in another order than many are; the model itself is no closer to itself.
    noise = max((before[1] - before[TOKENS]).abs().max(), 1e-6 * before[1].abs().max())
    assert (decoded - before[1]).abs().max() <= 2 * noise
    assert torch.equal(model(ids).logits, before[TOKENS])


def test_gathering_everything_is_reading_everything(name):
    """The path of retrieval, with all blocks chosen: gathered, positioned and rotated anew for each chunk."""
    model, ids, before = tiny(name), prompt(), reference(name)
    for positions in ("compact", "true"):
        with Gathering(local=8, block=4, blocks=10**6, positions=positions)(model) as memory:
            assert torch.equal(logits(model, ids, 12, memory.cache()), before[12]), positions


class Gathering(TopBlocks):
    def covers(self, tokens: int) -> bool:
        return tokens <= self.sinks + self.local


@pytest.mark.parametrize("way", WAYS)
def test_generates_the_same_tokens(name, way):
    model, how = tiny(name), WAYS[way]
    whole = {k: v for k, v in how.items() if k != "prefill_chunk_size"}  # transformers 5.2 itself goes wrong in chunks
    before = generated(model, prompt(), **whole)
    for policy in (EVERYTHING, ROTATED):
        with policy(model):
            assert generated(model, prompt(), **how) == before


def test_two_turns_on_one_cache(name):
    model, ids, more = tiny(name), prompt(1), prompt(1, seed=2)[:, :5]

    def turns(past: Any) -> list[list[int]]:
        first = torch.tensor(generated(model, ids, past_key_values=past))
        return generated(model, torch.cat([first, more], 1), past_key_values=past)

    before = turns(DynamicCache(config=model.config))
    with EVERYTHING(model) as memory:
        assert turns(memory.cache()) == before


def test_looks_ahead_in_its_prompt(name):
    """Candidates that are not taken are cropped away again; what comes out is what greedy decoding gives."""
    ids = prompt(1)[:, : WINDOW - NEW].repeat(1, 2)  # something to find
    model = tiny(name)
    before = generated(model, ids)
    with EVERYTHING(model):
        assert generated(model, ids, prompt_lookup_num_tokens=2) == before


def test_padding_on_the_left(name):
    model, ids = tiny(name), prompt()
    ids[0, :7], mask = 0, torch.ones_like(ids)
    mask[0, :7] = 0
    before = generated(model, ids, attention_mask=mask)
    for policy in (EVERYTHING, ROTATED, Gathering(local=8, block=4, blocks=10**6)):
        with policy(model):
            assert generated(model, ids, attention_mask=mask) == before


@pytest.mark.parametrize("name", ["llama", "gemma2", "gpt oss"])
def test_half_precision(name):
    model, ids = tiny.__wrapped__(name).to(torch.bfloat16), prompt()
    before = [logits(model, ids, step, DynamicCache(config=model.config)) for step in (TOKENS, 12)]
    with EVERYTHING(model) as memory:
        assert all(
            torch.equal(logits(model, ids, s, memory.cache()), x) for s, x in zip((TOKENS, 12), before, strict=True)
        )


@pytest.mark.parametrize("refused", REFUSED)
def test_refuses_what_it_would_not_reproduce(refused):
    model = tiny(refused)
    before = state(model)
    with pytest.raises(CannotAttach), EVERYTHING(model):
        pytest.fail("it was attached")
    assert state(model) == before


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("version", ["5.2.0", "4.57.6"])
def test_older_transformers(version, tmp_path):
    """This very file, in an environment of its own."""
    venv.create(tmp_path, with_pip=True)
    python, here = tmp_path / "bin" / "python", Path(__file__)
    install = [python, "-m", "pip", "install", "--quiet", "torch==2.13.0"]
    subprocess.run(install, check=True)  # alone and first: see pyproject.toml
    subprocess.run([*install, f"transformers=={version}", "safetensors", "pytest", "pytest-timeout"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", here.parent.parent], check=True)
    subprocess.run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", here], check=True)
