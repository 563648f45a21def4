"""Needles by kvpress and by us: the same model, contexts and questions, as many tokens read.

    python -m venv kvpress && kvpress/bin/pip install torch==2.13.0
    kvpress/bin/pip install kvpress==0.5.5 transformers==5.2.0     # the newest that kvpress takes
    PYTHONPATH=src kvpress/bin/python tests/compare/kvpress_compare.py

Run by hand; both are in one process, and take turns question by question. A context has 100 tokens, which is inside the
model's window. A press sees all of it with full attention, before the question, and keeps a part for all questions.
Ours read the context in one piece, so with full attention too, hold it, and read as many tokens for each question.
Milliseconds are medians of the CPU time of one thread: for the question's token, for which ours choose what to read,
and for each of the AFTER tokens that follow, which share that choice (`stride`) where it is tokens that are chosen. A
press has chosen beforehand, for all of them. Needles are drawn by recall.contexts.

ThinK thins keys instead of tokens: a column says which share of their channels is left. Ours thins them while the
context is read, sixteen tokens at a time, so that later tokens read thin keys already.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import kvpress  # before ours: at its import it wraps every attention function that is there
import numpy as np
import torch
from transformers import AutoModelForCausalLM
from transformers.cache_utils import DynamicCache
from transformers.utils.logging import disable_progress_bar

from remanence.bench import recall
from remanence.cache.loki import Loki
from remanence.cache.streaming import Streaming
from remanence.cache.think import ThinK
from remanence.cache.top_blocks import TopBlocks

MODEL = Path(__file__).parent.parent / "data" / "recall"
TOKENS = 100
KEPT = (40, 20, 10)
AFTER = 7
Ask = Callable[
    [torch.Tensor], tuple[int, float, float]
]  # the answer to a key, milliseconds for it and for one after it
FEW = {"sinks": 1, "local": 4, "chunk": 128, "stride": 1 + AFTER}


def presses(share: float) -> dict[str, Any]:
    gone = 1 - share
    return {
        "kvpress full": None,
        "kvpress StreamingLLM": kvpress.StreamingLLMPress(gone, n_sink=1),
        "kvpress Knorm": kvpress.KnormPress(gone),
        "kvpress KeyDiff": kvpress.KeyDiffPress(gone),
        "kvpress SnapKV": kvpress.SnapKVPress(gone, window_size=4),
        "kvpress ExpectedAttention": kvpress.ExpectedAttentionPress(gone),
        "kvpress ThinK": kvpress.ThinKPress(gone),
    }


def policies(kept: int, share: float) -> dict[str, Any]:
    far = kept - FEW["sinks"] - FEW["local"]
    return {
        "our Streaming": Streaming(**FEW | {"local": kept - 1}),
        "our TopBlocks": TopBlocks(block=2, blocks=far // 2, **FEW),
        "our Loki": Loki(tokens=far, calibration=64, **FEW),
        "our ThinK": ThinK(pruned=1 - share, group=16, **FEW | {"chunk": 16}),
    }


@torch.inference_mode()
def by_press(model: Any, press: Any, context: torch.Tensor) -> Ask:
    cache = DynamicCache()
    if press is None:
        model(context, past_key_values=cache)
    else:
        with press(model):
            model(context, past_key_values=cache)
    return lambda key: answer(model, key, deepcopy(cache))


@torch.inference_mode()
def by_policy(model: Any, policy: Any, context: torch.Tensor) -> Ask:
    with policy(model) as memory:
        cache = memory.read(context)

    def asked(key: torch.Tensor) -> tuple[int, float, float]:
        with policy(model) as again:
            mine = deepcopy(cache)
            again.adopt(mine)
            return answer(model, key, mine)

    return asked


@torch.inference_mode()
def answer(model: Any, key: torch.Tensor, cache: Any) -> tuple[int, float, float]:
    """The likeliest token after the key, and the milliseconds it and each that follows took."""
    clock, said = [time.thread_time()], []
    for place in range(TOKENS, TOKENS + 1 + AFTER):
        key = model(key, past_key_values=cache, position_ids=torch.tensor([[place]])).logits[:, -1:].argmax(-1)
        clock.append(time.thread_time())
        said.append(int(key))
    return said[0], 1000 * (clock[1] - clock[0]), 1000 * (clock[-1] - clock[1]) / AFTER


def main() -> None:
    parser = argparse.ArgumentParser(description="Needles by kvpress and by us.")
    parser.add_argument("--questions", type=int, default=192)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(MODEL).eval()
    for needles in (24, 8):
        lines: dict[str, list[str]] = {}
        for kept in KEPT:
            world = recall.contexts(np.random.default_rng(options.seed), options.questions // needles, TOKENS, needles)
            right: dict[str, list[bool]] = {}
            laps: dict[str, list[list[float]]] = {}
            for row in range(len(world.tokens)):
                context = torch.from_numpy(world.tokens[row : row + 1])
                asked = {name: by_press(model, press, context) for name, press in presses(kept / TOKENS).items()}
                ours = policies(kept, kept / TOKENS).items()
                asked |= {name: by_policy(model, policy, context) for name, policy in ours}
                for pair in range(needles):
                    key = torch.tensor([[int(world.keys[row, pair])]])
                    for name, ask in asked.items():
                        said, *ms = ask(key)
                        right.setdefault(name, []).append(said == world.values[row, pair])
                        laps.setdefault(name, []).append(ms)
            for name, marks in right.items():
                first, after = (statistics.median(times) for times in zip(*laps[name], strict=True))
                lines.setdefault(name, []).append(f"{np.mean(marks):.2f} {first:.2f}, {after:.2f} ms")
        head = "".join(f"{f'{kept} read':>22}" for kept in KEPT)
        table = "\n".join(f"{name:26}" + "".join(f"{cell:>22}" for cell in cells) for name, cells in lines.items())
        sys.stdout.write(
            f"{needles} needles in {TOKENS} tokens, {options.questions} questions\n{'':26}{head}\n{table}\n\n"
        )


if __name__ == "__main__":
    main()
