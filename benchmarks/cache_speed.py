"""What a decoded token costs with a memory attached, beside transformers' DynamicCache, and against the bars set.

    python benchmarks/cache_speed.py                               # 1k to 64k tokens, and 256k for the retrieval
    python benchmarks/cache_speed.py --contexts 1024 16384 --rounds 20

The model: 4 layers, 256 wide, 8 heads, 4 key-value heads, fp32, one thread, weights as they fall. Contexts are filled
without computing them: the same random keys and values are put into every cache. Then all decode in turn, eight tokens
at a time, so that what else the machine does falls on all of them. A round holds a whole stride, so the step that
chooses is in it; another goes before it, untimed, so that each finds the machine's caches as it left them itself. A
cell is the median over rounds of the CPU time of the one thread (time.thread_time) for a token; a ratio is the median
of the ratios of rounds, its parts measured within the same seconds.
"""

import argparse
import json
import statistics
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.cache_utils import Cache, DynamicCache

from remanence.cache.base import Base
from remanence.cache.streaming import Streaming
from remanence.cache.top_blocks import TopBlocks

STRIDE, LAYERS, HEADS, WIDTH = 8, 4, 4, 32
CONTEXTS = (1024, 4096, 16_384, 65_536, 262_144)
EVERYTHING = 10**6  # blocks: more than any context here has
POLICIES: dict[str, Base | None] = {
    "DynamicCache": None,
    "everything": TopBlocks(blocks=EVERYTHING),
    "top blocks": TopBlocks(blocks=32, block=32, local=512, stride=STRIDE),
    "top blocks, stride 1": TopBlocks(blocks=32, block=32, local=512),
    "streaming": Streaming(local=512),
}
FLAT, LONGEST = "top blocks", 65_536  # the one that goes on beyond: where all is read, a token takes a second there
BARS: tuple[tuple[str, int, float], ...] = (  # policy, context, times faster than DynamicCache
    ("everything", 1024, 1.0),
    ("everything", 65_536, 6.0),
    ("top blocks", 16_384, 3.5),
    ("top blocks", 65_536, 30.0),
)
Laps = dict[tuple[str, int], list[float]]  # policy and context, milliseconds
SLOPE, INDEX = 1.10, 0.035  # 256k against 4k; bytes of the bounds against those of keys and values


@dataclass
class Reader:
    """One cache, and the model as it must be while that cache is read."""

    policy: Base | None
    cache: Cache

    def around(self, model: LlamaForCausalLM) -> AbstractContextManager[object]:
        return nullcontext() if self.policy is None else self.policy(model)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--contexts", type=int, nargs="+", default=CONTEXTS)
    ask.add_argument("--policies", nargs="+", default=[*POLICIES], choices=[*POLICIES])
    ask.add_argument("--rounds", type=int, default=12)
    ask.add_argument("--json", action="store_true")
    said = ask.parse_args()
    torch.set_num_threads(1)
    model = tiny()
    cells = [(name, n) for n in said.contexts for name in said.policies if n <= LONGEST or name == FLAT]
    readers = {(name, n): filled(model, POLICIES[name], n) for name, n in cells}
    laps = measured(model, readers, said.rounds)
    index = {n: indexed(reader) for (name, n), reader in readers.items() if name == FLAT}
    if said.json:
        print(json.dumps({"ms": [[*cell, *times] for cell, times in laps.items()], "index": index}))
        return
    print(f"{'tokens':>9}" + "".join(f"{name:>24}" for name in said.policies))
    for n in said.contexts:
        print(f"{n:>9,}" + "".join(f"{shown(laps, name, n):>24}" for name in said.policies))
    print("\n".join(bars(laps, index)))


def tiny() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=512,
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=LAYERS,
        num_attention_heads=8,
        num_key_value_heads=HEADS,
        max_position_embeddings=2**20,
    )
    return LlamaForCausalLM(config).eval()


def filled(model: LlamaForCausalLM, policy: Base | None, n: int) -> Reader:
    """A cache with n random tokens in it."""
    kv = [torch.randn(2, 1, HEADS, n, WIDTH, generator=torch.manual_seed(i)) for i in range(LAYERS)]
    if policy is None:
        cache = DynamicCache(config=model.config)
        for i, (k, v) in enumerate(kv):
            cache.update(k, v, i)
        return Reader(None, cache)
    with policy(model) as memory:
        ours = memory.cache()
    for layer, (k, v) in zip(ours.memory_layers, kv, strict=True):
        layer.lazy_initialization(k, v)
        layer.held.append(k, v, None)
        layer.policy.added(layer.held)
    return Reader(policy, ours)


def measured(model: LlamaForCausalLM, readers: dict[tuple[str, int], Reader], rounds: int) -> Laps:
    """Milliseconds of CPU for a token, in each round."""
    laps: Laps = {cell: [] for cell in readers}
    token = torch.tensor([[7]])
    for _ in range(rounds + 1):
        for cell, reader in readers.items():
            with reader.around(model):
                decode(model, token, reader.cache, STRIDE)  # as when it goes on and on, not just after another cache
                began = time.thread_time()
                decode(model, token, reader.cache, STRIDE)
                laps[cell].append(1000 * (time.thread_time() - began) / STRIDE)
    return {cell: times[1:] for cell, times in laps.items()}


@torch.no_grad()
def decode(model: LlamaForCausalLM, token: Tensor, cache: Cache, steps: int) -> None:
    for _ in range(steps):
        model(token, past_key_values=cache, use_cache=True)


def indexed(reader: Reader) -> float:
    """Bytes of what the policy noted, against those of the keys and values."""
    layers = reader.cache.memory_layers
    return sum(layer.policy.nbytes for layer in layers) / sum(layer.held.nbytes for layer in layers)


def times(laps: Laps, slow: tuple[str, int], fast: tuple[str, int]) -> float | None:
    """How many times longer one takes than another."""
    if slow not in laps or fast not in laps:
        return None
    return statistics.median(a / b for a, b in zip(laps[slow], laps[fast], strict=True))


def shown(laps: Laps, name: str, n: int) -> str:
    if (name, n) not in laps:
        return "-"
    ratio = None if name == "DynamicCache" else times(laps, ("DynamicCache", n), (name, n))
    return f"{statistics.median(laps[name, n]):.2f} ms" + (f" ({ratio:.2f}x)" if ratio else "")


def bars(laps: Laps, index: dict[int, float]) -> list[str]:
    """What was measured, the bar, and whether it is kept."""
    rows = [
        (f"{name} at {n:,}, times faster", times(laps, ("DynamicCache", n), (name, n)), bar) for name, n, bar in BARS
    ]
    rows += [("top blocks, 4k against 256k", times(laps, (FLAT, 4096), (FLAT, 262_144)), 1 / SLOPE)]
    lines = [f"{what}: {x:.2f}, bar {bar:.2f} {verdict(x >= bar)}" for what, x, bar in rows if x is not None]
    return lines + [
        f"bounds at {n:,}: {x:.2%} of the bytes, bar {INDEX:.1%} {verdict(x <= INDEX)}" for n, x in index.items()
    ]


def verdict(kept: bool) -> str:
    return "kept" if kept else "MISSED"


if __name__ == "__main__":
    main()
