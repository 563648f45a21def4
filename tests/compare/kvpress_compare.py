"""Needles by kvpress and by us: the same model, contexts and questions, as many tokens read.

    python -m venv kvpress && kvpress/bin/pip install torch==2.13.0
    kvpress/bin/pip install kvpress==0.5.5 transformers==5.2.0     # the newest that kvpress takes
    PYTHONPATH=src kvpress/bin/python tests/compare/kvpress_compare.py

Run by hand; both are in one process, and take turns question by question. A context has 100 tokens, which is inside the
model's window. A press sees all of it with full attention, before the question, and keeps a part for all questions.
Ours read the context in one piece, so with full attention too. Those that let go of tokens (Streaming, KNorm) keep the
very tokens that the press of that name keeps, where they were seen, and like it let go of no more while they answer;
the others hold all, and read as many tokens for each question. Milliseconds are medians of the CPU time of one thread:
for the question's token, for which those others choose what to read, and for each of the AFTER tokens that follow,
which share that choice (`stride`). Each has a copy of the model, so that ours stay attached. Where there is a press of
the same idea, "alike" is the share of questions that both answer with the same token, and "x" the median of the ratios
of their times, question by question. KNorm keeps the newest token whatever its key. Needles are drawn by
recall.contexts.

ThinK thins keys instead of tokens: a column says which share of their channels is left.

A hundred tokens show what is remembered, but not what reading costs: there a token takes as long as Python takes to
call the model's layers. So times are taken once more where what is kept is long, on a model of four layers with weights
as they fall: of the question's token, and of each of the AFTER that follow.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kvpress  # before ours: at its import it wraps every attention function that is there
import numpy as np
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
from transformers.cache_utils import DynamicCache
from transformers.utils.logging import disable_progress_bar

from remanence.bench import recall
from remanence.cache.loki import Loki
from remanence.cache.parts.held import Held
from remanence.cache.parts.keep import Keep
from remanence.cache.streaming import Streaming
from remanence.cache.think import ThinK
from remanence.cache.top_blocks import TopBlocks

MODEL = Path(__file__).parent.parent / "data" / "recall"
TOKENS = 100
KEPT = (40, 20, 10)
AFTER = 7
LENGTH, SHARES, TURNS = 4096, (0.5, 0.2, 0.1), 24
Ask = Callable[
    [torch.Tensor], tuple[int, float, float]
]  # the answer to a key, milliseconds for it and for one after it
Read = Callable[[torch.Tensor], Ask]  # a context to what answers questions about it
FEW = {"sinks": 1, "local": 4, "chunk": 128, "stride": 1 + AFTER}
ONCE = {"chunk": 128, "stride": 2 + AFTER, "positions": "true"}  # let go after the context, and not before the answer
TWINS = {"our Streaming": "kvpress StreamingLLM", "our KNorm": "kvpress Knorm", "our ThinK": "kvpress ThinK"}


@dataclass
class KNorm(Keep):
    """The tokens whose keys are small (arXiv 2406.11430), as a policy: a press in one line."""

    def score(self, held: Held, start: int, end: int) -> torch.Tensor:
        return -held.k.span(start, end).norm(dim=-1)


def gone_of(tokens: int, kept: int) -> float:
    """The share a press is told to drop: they round down, and 100 (1 - 0.8) is less than 20."""
    return 1 - (kept + 0.5) / tokens


def presses(kept: int) -> dict[str, Any]:
    gone = gone_of(TOKENS, kept)
    return {
        "kvpress full": None,
        "kvpress StreamingLLM": kvpress.StreamingLLMPress(gone, n_sink=1),
        "kvpress Knorm": kvpress.KnormPress(gone),
        "kvpress KeyDiff": kvpress.KeyDiffPress(gone),
        "kvpress SnapKV": kvpress.SnapKVPress(gone, window_size=4),
        "kvpress ExpectedAttention": kvpress.ExpectedAttentionPress(gone),
        "kvpress ThinK": kvpress.ThinKPress(gone),
    }


def policies(kept: int) -> dict[str, Any]:
    far = kept - FEW["sinks"] - FEW["local"]
    return {
        "our Streaming": Streaming(sinks=1, local=kept - 1, **ONCE),
        "our KNorm": KNorm(keep=kept, sinks=0, local=1, **ONCE),
        "our TopBlocks": TopBlocks(block=2, blocks=far // 2, **FEW),
        "our Loki": Loki(tokens=far, calibration=64, **FEW),
        "our ThinK": ThinK(pruned=1 - kept / TOKENS, group=16, **FEW),
    }


def pairs(share: float) -> dict[str, tuple[Any, Any]]:
    """A press and a policy that keep the same of LENGTH tokens."""
    kept = int(LENGTH * share)
    gone = gone_of(LENGTH, kept)
    once = ONCE | {"chunk": LENGTH}
    return {
        "Streaming": (kvpress.StreamingLLMPress(gone, n_sink=4), Streaming(sinks=4, local=kept - 4, **once)),
        "KNorm": (kvpress.KnormPress(gone), KNorm(keep=kept, sinks=0, local=1, **once)),
        "ThinK": (kvpress.ThinKPress(1 - share), ThinK(pruned=1 - share, sinks=4, local=32)),
    }


def at_length() -> str:
    """Milliseconds a token of both, and the medians of their ratios, turn by turn."""
    torch.manual_seed(0)
    shape = {"hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 8, "num_key_value_heads": 4}
    config = LlamaConfig(vocab_size=512, num_hidden_layers=4, max_position_embeddings=2 * LENGTH, **shape)
    model = LlamaForCausalLM(config).eval()
    context, key, lines = torch.randint(0, 512, (1, LENGTH)), torch.tensor([[1]]), []
    for share in SHARES:
        for name, (press, policy) in pairs(share).items():
            other = deepcopy(model)
            with policy(other) as memory:
                asks = by_press(model, press)(context), by_policy(other, memory)(context)
                laps = [[ask(key)[1:] for ask in asks] for _ in range(TURNS + 1)][1:]  # the first is to warm up
            cells = []
            for i in (0, 1):
                theirs, ours = (statistics.median(lap[who][i] for lap in laps) for who in (0, 1))
                ratio = statistics.median(b[i] / a[i] for a, b in laps)
                cells.append(f"{theirs:6.2f} {ours:6.2f} ms, x {ratio:.2f}")
            lines.append(f"{name:12}{share:6.2f}   " + "   ".join(cells))
    return f"{LENGTH} tokens: share kept, theirs and ours for the question's token and for each after\n" + "\n".join(
        lines
    )


def by_press(model: Any, press: Any) -> Read:
    @torch.inference_mode()
    def read(context: torch.Tensor) -> Ask:
        cache = DynamicCache()
        with nullcontext() if press is None else press(model):
            model(context, past_key_values=cache)
        return lambda key: answer(model, key, deepcopy(cache), context.shape[1])

    return read


def by_policy(model: Any, memory: Any) -> Read:
    def read(context: torch.Tensor) -> Ask:
        cache = memory.read(context, step=memory.policy.chunk)
        return lambda key: answer(model, key, deepcopy(cache), context.shape[1])

    return torch.inference_mode()(read)


@torch.inference_mode()
def answer(model: Any, key: torch.Tensor, cache: Any, start: int) -> tuple[int, float, float]:
    """The likeliest token after the key, and the milliseconds it and each that follows took."""
    clock, said = [time.thread_time()], []
    for place in range(start, start + 1 + AFTER):
        key = model(key, past_key_values=cache, position_ids=torch.tensor([[place]])).logits[:, -1:].argmax(-1)
        clock.append(time.thread_time())
        said.append(int(key))
    return said[0], 1000 * (clock[1] - clock[0]), 1000 * (clock[-1] - clock[1]) / AFTER


def readers(models: dict[str, Any], kept: int, stack: ExitStack) -> dict[str, Read]:
    theirs = {name: by_press(models[name], press) for name, press in presses(kept).items()}
    ours = {name: by_policy(models[name], stack.enter_context(p(models[name]))) for name, p in policies(kept).items()}
    return theirs | ours


def main() -> None:
    parser = argparse.ArgumentParser(description="Needles by kvpress and by us.")
    parser.add_argument("--questions", type=int, default=192)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(MODEL).eval()
    models = {name: deepcopy(model) for name in presses(KEPT[0]) | policies(KEPT[0])}
    for needles in (24, 8):
        lines: dict[str, list[str]] = {}
        for kept in KEPT:
            world = recall.contexts(np.random.default_rng(options.seed), options.questions // needles, TOKENS, needles)
            said: dict[str, list[int]] = {}
            laps: dict[str, list[tuple[float, float]]] = {}
            with ExitStack() as stack:
                read = readers(models, kept, stack)
                for tokens, keys in zip(world.tokens, world.keys[:, :needles], strict=True):
                    asked = {name: of(torch.from_numpy(tokens[None])) for name, of in read.items()}
                    for key in keys:
                        for name, ask in asked.items():
                            value, *ms = ask(torch.tensor([[int(key)]]))
                            said.setdefault(name, []).append(value)
                            laps.setdefault(name, []).append((ms[0], ms[1]))
            for name, values in said.items():
                share = np.mean(np.equal(values, world.values[:, :needles].flatten()))
                first, after = (statistics.median(times) for times in zip(*laps[name], strict=True))
                cell = f"{share:.2f} {first:.2f}, {after:.2f} ms"
                if name in TWINS:
                    alike = np.mean(np.equal(values, said[TWINS[name]]))
                    slower = [
                        statistics.median(a[i] / b[i] for a, b in zip(laps[name], laps[TWINS[name]], strict=True))
                        for i in (0, 1)
                    ]
                    cell = f"{alike:.2f} alike, x {slower[0]:.2f}, {slower[1]:.2f}   {cell}"
                lines.setdefault(name, []).append(cell)
        head = "".join(f"{f'{kept} read':>48}" for kept in KEPT)
        table = "\n".join(f"{name:26}" + "".join(f"{cell:>48}" for cell in cells) for name, cells in lines.items())
        sys.stdout.write(
            f"{needles} needles in {TOKENS} tokens, {options.questions} questions\n{'':26}{head}\n{table}\n\n"
        )
    sys.stdout.write(at_length() + "\n")


if __name__ == "__main__":
    main()
