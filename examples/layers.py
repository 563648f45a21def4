"""A small language model taught to recall in half a minute of one core, then read a token at a time with a state.

    python examples/layers.py

Multi-query associative recall: pairs of keys and values, then every key once more, to be answered with its value.
"""

import sys
import tempfile
from contextlib import closing
from dataclasses import replace

import torch
from transformers import AutoModelForCausalLM
from transformers.utils.logging import disable_progress_bar

from remanence.bench.learning import Recipe, learn
from remanence.bench.lessons.base import UNASKED
from remanence.bench.lessons.mqar import MQAR
from remanence.bench.progress import Bar
from remanence.layers.lm.config import LMConfig

LESSON = MQAR(vocabulary=64, length=32, pairs=4)
RECIPE = Recipe(steps=600, batch=32, lr=0.01, warm_up=50, exam=200)


@torch.no_grad()
def main(mixer: str = "gated_deltanet", steps: int = RECIPE.steps) -> None:
    disable_progress_bar()
    config = LMConfig(LESSON.vocab_size, width=32, depth=2, mixer=mixer)
    with torch.enable_grad(), closing(Bar(sys.stderr)) as bar:
        model, learned = learn(LESSON, config, replace(RECIPE, steps=steps), bar)
    print(f"{mixer}: {learned.accuracy:.2f} of the answers right after {learned.steps} steps, {learned.cpu_s:.0f} s")

    with tempfile.TemporaryDirectory() as folder:  # a model like any other: kept, loaded, and it generates
        model.save_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(folder).eval()

    example, state, said = LESSON.examples(1, torch.Generator().manual_seed(7)), None, []
    for token in example.ids[0]:
        out = model(token.view(1, 1), past_key_values=state)
        state = out.past_key_values
        said.append(int(out.logits[0, -1].argmax()))
        if state.seen in (1, LESSON.length):
            print(f"after {state.seen} tokens the state has {state.nbytes:,} bytes")
    for at in (example.labels[0] != UNASKED).nonzero().flatten().tolist():
        print(f"key {example.ids[0, at]}: answered {said[at]}, right is {example.labels[0, at]}")


if __name__ == "__main__":
    main()
