"""A document of 1,024 tokens read once by a model made for 128, kept in a file, and asked about afterwards.

    python examples/cache.py

The model is the small one of tests/data/recall: asked for a key, it answers with the value that followed it. Where that
folder is not there one with random weights takes its place, whose answers mean nothing. Nothing is downloaded.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from remanence.bench.recall import VOCABULARY, contexts
from remanence.cache.streaming import Streaming
from remanence.cache.top_blocks import TopBlocks

TRAINED = Path(__file__).parent.parent / "tests" / "data" / "recall"
POLICIES = {
    "everything, as the model does by itself": TopBlocks(blocks=10**6),
    "sinks and the newest": Streaming(sinks=4, local=112),
    "sinks, the newest, and the best blocks": TopBlocks(sinks=4, local=32, block=4, blocks=20, chunk=32),
}


def small_model() -> PreTrainedModel:
    disable_progress_bar()
    if TRAINED.is_dir():
        return LlamaForCausalLM.from_pretrained(TRAINED).eval()
    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
    return LlamaForCausalLM(LlamaConfig(vocab_size=VOCABULARY, eos_token_id=None, **sizes)).eval()


def main() -> None:
    model, world = small_model(), contexts(np.random.default_rng(0), rows=1, length=1024, pairs=8)
    for what, policy in POLICIES.items():
        with tempfile.TemporaryDirectory() as folder, policy(model) as memory:
            book, start = Path(folder) / "book.cube", time.perf_counter()
            memory.read(torch.from_numpy(world.tokens)).save(book)
            took, right = time.perf_counter() - start, 0
            for key, value in zip(world.keys[0], world.values[0], strict=True):
                cache = memory.load(book)
                ids = cache.prompt(torch.tensor([[key]]))
                answer = model.generate(ids, past_key_values=cache, max_new_tokens=1, do_sample=False)[0, -1]
                right += int(answer == value)
            print(f"{what}: {right} of 8 answers right; read once in {took:.1f} s, {book.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
