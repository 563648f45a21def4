"""Memory^3: a few keys and values of each document answer what the model without the document cannot."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch import Tensor  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

import remanence.cache.memory3 as file  # noqa: E402
from archs import tiny  # noqa: E402
from remanence.bench import recall  # noqa: E402
from remanence.cache.memory3 import Memory3  # noqa: E402
from remanence.cache.parts.heard import Heard  # noqa: E402
from remanence.cache.parts.held import Held  # noqa: E402
from remanence.cache.parts.tokens import Tokens  # noqa: E402
from remanence.cache.wrappers.quantized import Quantized  # noqa: E402
from remanence.errors import BadConfig, BadInput  # noqa: E402

RECALL = Path(__file__).parent / "data" / "recall"
CLOSE: dict[str, Any] = {"rtol": 0, "atol": 5e-5}  # logits are of size 5; sums in another order round otherwise
DOCUMENTS, LENGTH, PAIRS = 16, 128, 2


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def some(n: int, seed: int) -> Tensor:
    return torch.randint(3, 256, (n,), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def slowly(model: Any, documents: list[Tensor], text: Tensor, depth: int, apart: int = 0) -> Tensor:
    """The text's logits where it sees documents in the first `depth` layers, each at the positions 0, 1, ..."""
    n, t = len(documents[0]), len(text)
    past = n * len(documents)
    places = torch.cat([torch.arange(n) + i * apart for i in range(len(documents))] + [torch.arange(n, n + t)])
    looks = torch.ones(past + t, past + t, dtype=torch.bool)
    looks[:past, :past] = torch.arange(past)[:, None] // n == torch.arange(past) // n
    looks &= torch.ones_like(looks).tril()
    alone = looks.clone()
    alone[past:, :past] = False
    seen, unseen = (torch.where(x, 0.0, torch.finfo(torch.float32).min)[None, None] for x in (looks, alone))
    hooks = [
        layer.register_forward_pre_hook(lambda m, a, kw: (a, kw | {"attention_mask": unseen}), with_kwargs=True)
        for layer in model.model.layers[depth:]
    ]
    try:
        ids = torch.cat([*documents, text])[None]
        logits: Tensor = model(ids, position_ids=places[None], attention_mask=seen).logits[:, past:]
    finally:
        for hook in hooks:
            hook.remove()
    return logits


@pytest.mark.parametrize("depth", [1, 2])
def test_references_are_read_at_the_same_positions_in_the_first_layers(depth: int) -> None:
    """Where every token is kept and every reference read, nothing is left to choice."""
    model, documents, text = tiny("llama"), [some(12, seed) for seed in range(3)], some(9, 9)
    with Memory3(references=3, tokens=12, length=12, depth=depth / 2)(model) as memory, torch.no_grad():
        cache = memory.policy.write(memory, documents)
        got = torch.cat([model(piece, past_key_values=cache).logits for piece in text[None].split(3, 1)], 1)
    torch.testing.assert_close(got, slowly(model, documents, text, depth), **CLOSE)
    assert (got - slowly(model, documents, text, depth, apart=12)).abs().max() > 0.05, "one after the other differs"
    assert (got - slowly(model, documents, text, 3 - depth)).abs().max() > 0.05, "so do other layers"


def test_a_token_counts_for_the_most_that_any_other_attends_to_it() -> None:
    draw = torch.Generator().manual_seed(0)
    keys, query = torch.randn(1, 2, 10, 8, generator=draw), torch.randn(1, 4, 10, 8, generator=draw)
    held = Held(Tokens.like(keys), Tokens.like(keys), Heard())
    held.append(keys, keys, None)
    weighing = file._Weighing()
    assert weighing.choose(held, query, 0) is None and weighing.weight is not None
    for head in range(2):
        most = torch.zeros(10)
        for q in (*query[0, 2 * head], *query[0, 2 * head + 1]):
            score = torch.exp(keys[0, head] @ q / 8**0.5)
            most = torch.maximum(most, score / score.sum())
        torch.testing.assert_close(weighing.weight[0, head], most)


class Library:
    """Documents of noise with two keys and values each; no key is in two of them."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        world = recall.contexts(rng, DOCUMENTS, LENGTH, PAIRS)
        self.keys = (rng.permutation(len(recall.KEYS))[: DOCUMENTS * PAIRS] + recall.KEYS.start).reshape(-1, PAIRS)
        tokens = world.tokens.copy()
        for row, keys in zip(tokens, self.keys, strict=True):
            row[np.isin(row, recall.KEYS)] = keys
        self.documents, self.values = [*torch.from_numpy(tokens)], world.values
        self.text = torch.from_numpy(rng.integers(recall.NOISE.start, recall.NOISE.stop, (1, 8)))
        self.model: Any = AutoModelForCausalLM.from_pretrained(RECALL).eval()

    @torch.no_grad()
    def share(self, cache: Any) -> float:
        """Of the questions after a text, how many are answered; each is taken back before the next."""
        self.model(self.text, past_key_values=cache)
        right = []
        for key, value in zip(self.keys.flat, self.values.flat, strict=True):
            said = self.model(torch.tensor([[int(key)]]), past_key_values=cache).logits[0, -1].argmax()
            right.append(int(said) == value)
            cache.crop(-1)
        return float(np.mean(right))


@pytest.fixture(scope="module")
def library() -> Library:
    return Library()


def answered(library: Library, **settings: Any) -> tuple[float, int]:
    """The share, and the bytes of the library as it was written."""
    with Memory3(depth=1.0, stride=1, **settings)(library.model) as memory:
        cache = memory.policy.write(memory, library.documents)
        n = cache.nbytes
        return library.share(cache), n


def test_a_few_tokens_of_each_document_answer_what_the_model_alone_cannot(library: Library) -> None:
    right, n = answered(library)
    assert right >= 0.9
    assert answered(library, references=1)[0] >= 0.9, "and the right one is found among them all"
    with Memory3()(library.model) as memory:
        assert library.share(memory.cache()) <= 0.1
        full = sum(memory.read(document[None]).nbytes for document in library.documents)
    assert n == 2 * 2 * DOCUMENTS * 8 * (2 * 32 * 4 + 8), "layers, heads, tokens, and numbers with a place"
    assert n < 0.07 * full, "8 of 128 tokens; half as much where half of the layers have memories"


def others(kind: str) -> type[Any]:
    class Other(file._Weighing):
        def choose(self, held: Held, query: Tensor, past: int) -> None:
            keys = held.k.span(0, len(held))
            s = query.unflatten(1, (keys.shape[1], -1)) @ keys[:, :, None].transpose(3, 4) * query.shape[-1] ** -0.5
            causal = torch.ones_like(s[0, 0, 0], dtype=torch.bool).tril()
            self.weight = {
                "random": torch.rand(keys.shape[:3], generator=torch.Generator().manual_seed(held.layer)),
                "sum": s.softmax(-1).sum((2, 3)),
                "causal": s.masked_fill(~causal, -torch.inf).softmax(-1).amax((2, 3)),
            }[kind]

    return Other


@pytest.mark.parametrize("kind", ["random", "sum", "causal"])
def test_other_choices_of_tokens_lose(library: Library, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "_Weighing", others(kind))
    assert answered(library)[0] <= 0.4


def test_references_are_looked_up_again_every_stride_tokens(library: Library) -> None:
    with Memory3(depth=1.0, stride=3, references=2)(library.model) as memory, torch.no_grad():
        cache = memory.policy.write(memory, library.documents)
        policy, found = cache.memory_layers[1].policy, []
        library.model(library.text, past_key_values=cache)
        for _ in range(7):
            library.model(library.text[:, :1], past_key_values=cache)
            found.append(policy.found)
            assert policy.found.shape == (1, 2, 2 * 8)
    assert [a is b for a, b in pairwise(found)] == [True, False, True, True, False, True]


def test_a_library_is_written_once_and_shared(library: Library, tmp_path: Path) -> None:
    with Memory3(depth=1.0, stride=1)(library.model) as memory, torch.no_grad():
        cache = memory.policy.write(memory, library.documents)
        cache.save(tmp_path / "library")
        loaded = memory.load(tmp_path / "library")
        assert library.share(loaded) == library.share(cache)
        rows = memory.load(tmp_path / "library")
        rows.batch_repeat_interleave(2)
        asked = torch.from_numpy(library.keys[:1].T.copy())  # two questions, one a row
        library.model(library.text.expand(2, -1), past_key_values=rows)
        said = library.model(asked, past_key_values=rows).logits[:, -1].argmax(-1)
        assert said.tolist() == library.values[0].tolist()
        out = library.model.generate(loaded.prompt(asked[:1]), past_key_values=loaded, max_new_tokens=1, pad_token_id=0)
        assert out[0, -1] == library.values[0, 0]


def test_a_library_at_half_depth_is_saved_too(tmp_path: Path) -> None:
    model, text = tiny("llama"), some(5, 5)[None]
    with Memory3(length=16)(model) as memory, torch.no_grad():
        cache = memory.policy.write(memory, [some(39, 1)])
        held = [layer.held for layer in cache.memory_layers]
        assert [len(x) for x in held] == [3 * 8, 0], "39 tokens are 16, 16, and the last 16"
        assert held[0].places().max() < 16
        cache.save(tmp_path / "library")
        expected = model(text, past_key_values=cache).logits
        cache.crop(-5)
        assert torch.equal(model(text, past_key_values=cache).logits, expected), "what was asked can be taken back"
        assert torch.equal(model(text, past_key_values=memory.load(tmp_path / "library")).logits, expected)


def test_documents_and_settings_that_cannot_be() -> None:
    with Memory3()(tiny("llama")) as memory:
        with pytest.raises(BadInput, match="at least tokens = 8 tokens, got 5"):
            memory.policy.write(memory, [some(5, 0)])
        with pytest.raises(BadInput, match="a document at least"):
            memory.policy.write(memory, [])
    with Memory3()(tiny("mistral window")) as memory, pytest.raises(BadConfig, match="look back a window only"):
        memory.policy.write(memory, [some(20, 0)])
    with (
        Quantized(Memory3())(tiny("llama")) as memory,
        pytest.raises(BadConfig, match="Quantized cannot be put"),
    ):
        memory.policy.policy.write(memory, [some(20, 0)])
    for settings in ({"tokens": 0}, {"references": 0}, {"length": 7}, {"depth": 0.0}, {"depth": 1.1}):
        with pytest.raises(BadConfig, match=next(iter(settings))):
            Memory3(**settings)
