"""What a layer costs on a CPU, forward and backward, and against the bars set.

    python benchmarks/layers_speed.py                           # batch 4, 1024 tokens, width 256, 4 heads
    python benchmarks/layers_speed.py --length 4096 --rounds 5
    python benchmarks/layers_speed.py --json

One thread, fp32, weights as they fall. All run in turn, round after round, so that what else the machine does falls on
all of them; each twice, and the second counts, which finds memory as the same layer left it, as in training. A cell is
the median over rounds of the CPU time of the one thread (time.thread_time); a ratio is the median of the ratios of
rounds. Cores are what stands between the projections: q, k and v are given; all else is whole.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from remanence.layers.larimar import Larimar
from remanence.layers.memory_layers import MemoryLayers
from remanence.layers.parts.delta_rule import delta_rule
from remanence.layers.persistent_memory import PersistentMemory
from remanence.layers.product_keys import ProductKeys
from remanence.layers.titans import Titans

HEADS, BLOCK = 4, 32
BARS = (  # what, against what, at most
    ("delta rule, blocks (core)", "delta rule, recurrent (core)", 1 / 12),
    ("delta rule, blocks (core)", "causal attention (core)", 1.0),
    ("product keys, k 8", "feed-forward, 4x", 1.1),
    ("product keys, k 8, keys of D", "feed-forward, 4x", 1.1),
    ("product keys, k 8, keys of D / 2", "feed-forward, 4x", 1.1),
)


def contenders(batch: int, length: int, width: int) -> tuple[dict[str, Callable[[], Tensor]], nn.ModuleList]:
    x = torch.randn(batch, length, width, requires_grad=True)
    q, k, v = (F.normalize(torch.randn(batch, HEADS, length, width // HEADS), dim=-1) for _ in range(3))
    beta, s = torch.rand(batch, HEADS, length), torch.zeros(batch, HEADS, width // HEADS, width // HEADS)
    for given in (q, k, v, beta):
        given.requires_grad_()
    feed_forward = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
    titans, larimar = Titans(width, HEADS, grad_chunk=64, conv=0), Larimar(width, HEADS, conv=0)
    keys = ProductKeys(width, keys=128, heads=4, k=8)
    wide, half = (ProductKeys(width, keys=128, heads=4, k=8, key_width=width // n) for n in (1, 2))
    pool, vectors = MemoryLayers(width, keys=128, heads=4, k=8), PersistentMemory(width, 2 * width, HEADS)
    modules = nn.ModuleList([feed_forward, titans, larimar, keys, wide, half, pool, vectors])
    return {
        "delta rule, blocks (core)": lambda: delta_rule(q, k, v, beta, None, s, "chunk", BLOCK)[0],
        "delta rule, recurrent (core)": lambda: delta_rule(q, k, v, beta, None, s, "recurrent", BLOCK)[0],
        "causal attention (core)": lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        "titans, linear, chunks of 64": lambda: titans(x)[0],
        "larimar": lambda: larimar(x)[0],
        "feed-forward, 4x": lambda: feed_forward(x),
        "product keys, k 8": lambda: keys(x),
        "product keys, k 8, keys of D": lambda: wide(x),
        "product keys, k 8, keys of D / 2": lambda: half(x),
        "memory layer, k 8": lambda: pool(x),
        "persistent memory, 2 D vectors": lambda: vectors(x),
    }, modules


def once(run: Callable[[], Tensor], gradient: Tensor) -> float:
    """Milliseconds of CPU, forward and backward, with a gradient that has an entry for every place, as in training."""
    start = time.thread_time()
    y = run()
    y.backward(gradient.view_as(y))
    return 1000 * (time.thread_time() - start)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("batch", 4), ("length", 1024), ("width", 256), ("rounds", 3)):
        ask.add_argument(f"--{name}", type=int, default=default)
    ask.add_argument("--json", action="store_true")
    said = ask.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    runs, modules = contenders(said.batch, said.length, said.width)
    gradient = torch.randn(said.batch * said.length * said.width)
    took: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(said.rounds):
        for name, run in runs.items():
            for _ in range(2):
                modules.zero_grad()  # to None, as in training: nothing is added to what was there
                ms = once(run, gradient)
            took[name].append(ms)
    medians = {name: statistics.median(ms) for name, ms in took.items()}
    ratios = [statistics.median(x / y for x, y in zip(took[a], took[b], strict=True)) for a, b, _ in BARS]
    if said.json:
        sys.stdout.write(json.dumps({"torch": torch.__version__, "cpu_ms": medians, "ratios": ratios}) + "\n")
        return
    lines = [f"{name:34}{ms:10.0f} ms" for name, ms in medians.items()]
    for (a, b, bar), ratio in zip(BARS, ratios, strict=True):
        lines.append(f"{a} / {b}: {ratio:.3f}, bar {bar:.3f}: {'met' if ratio <= bar else 'missed'}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
