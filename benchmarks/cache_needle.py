"""Needles far beyond a model's window, found by every cache memory at the same number of tokens read.

    python scripts/train_recall.py
    python benchmarks/cache_needle.py                                     # 512, 1024 and 4096 tokens
    python benchmarks/cache_needle.py --lengths 512,16384 --memory top_blocks --out results.jsonl
    python benchmarks/cache_needle.py --crowd                             # 24 needles inside the window, a part read

The model was trained on windows of 128 tokens. Here a query reads 132 of the past: 4 first, 32 newest, 96 of those
between, however the policy chooses them; a policy that reads less or more says so under `tokens`. Rows are those of
`remanence bench needle`, so `remanence report` draws a map of length by depth for each.
"""

import argparse
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from remanence.bench.cache_memory import FULL, CacheMemory, Frozen
from remanence.bench.progress import Bar
from remanence.bench.row import Row
from remanence.bench.run import run
from remanence.bench.table import table
from remanence.bench.tasks.needle import Needle

MODEL = Path(__file__).parent.parent / "tests" / "data" / "recall"
SINKS, LOCAL, FAR = 4, 32, 96
EACH = {"sinks": SINKS, "local": LOCAL, "chunk": 32}
POLICIES: dict[str, dict[str, Any]] = {
    FULL: {},
    "streaming": EACH | {"local": LOCAL + FAR},
    "sirllm": EACH | {"keep": SINKS + LOCAL + FAR, "turn": 128},
    "camelot": EACH | {"states": FAR},
    "moviechat": EACH | {"states": FAR},
    "longheads": EACH | {"block": 8, "blocks": FAR // 8 - 1},  # what fills no block is read too: up to 7 tokens
    "em_llm": EACH | {"tokens": FAR, "least": 2, "most": 8},
    "top_blocks": EACH | {"block": 8, "blocks": FAR // 8 - 1},
    "loki": EACH | {"tokens": FAR},
    "extended_mind": EACH | {"k": FAR},
    "memorizing_transformer": EACH | {"k": FAR},
    "think": EACH,  # reads every token, of its key only a part
}


def crowd(part: int) -> dict[str, dict[str, Any]]:
    """Settings that read so many of 100 tokens: one first, four newest, and the rest of what is between."""
    few = {"sinks": 1, "local": 4, "chunk": 128}
    far = part - 5
    return {
        FULL: {},
        "streaming": few | {"local": part - 1},
        "sirllm": few | {"keep": part, "turn": 128},
        "moviechat": few | {"states": far},
        "top_blocks": few | {"block": 2, "blocks": far // 2},
        "loki": few | {"tokens": far, "calibration": 64},
        "extended_mind": few | {"k": far},
    }


def rows(task: Needle, policies: Mapping[str, dict[str, Any]], model: Frozen, seed: int) -> Iterator[Row]:
    with closing(Bar(sys.stderr)) as bar:
        for name, settings in policies.items():
            yield from run(task, [CacheMemory(name, model, settings)], seed=seed, progress=bar)


def main() -> None:
    parser = argparse.ArgumentParser(description="Needles at equal tokens read.")
    parser.add_argument("--model", default=str(MODEL), help="folder (default: %(default)s)")
    parser.add_argument("--lengths", default="512,1024,4096")
    parser.add_argument("--memory", nargs="+", choices=POLICIES, default=list(POLICIES))
    parser.add_argument("--contexts", type=int, default=8, help="of each length, with 8 questions each")
    parser.add_argument("--crowd", action="store_true", help="24 needles in 100 tokens instead")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="append the rows here")
    options = parser.parse_args()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    model = Frozen(options.model)
    if options.crowd:
        plans = [(Needle(lengths="100", needles=24, contexts=8), crowd(part)) for part in (10, 20, 40)]
    else:
        chosen = {name: POLICIES[name] for name in options.memory}
        plans = [(Needle(lengths=options.lengths, contexts=options.contexts), chosen)]
    for task, policies in plans:
        found = []
        for row in rows(task, policies, model, options.seed):
            found.append(row)
            if options.out:
                with options.out.open("a", encoding="utf-8") as file:
                    file.write(row.json() + "\n")
        sys.stdout.write(f"{task.needles} needles\n{table(found)}\n\n{table(found, by='length')}\n\n")


if __name__ == "__main__":
    main()
