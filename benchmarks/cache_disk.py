"""What a memory on disk costs: to open, in memory while it is read, and for each token that is generated from it.

    python benchmarks/cache_disk.py                      # 262,144 tokens (1 GB) and 1,048,576 (4 GB), then deleted
    python benchmarks/cache_disk.py --tokens 65536 --folder /mnt/disk

The model: 4 layers, 256 wide, 8 heads, 4 key-value heads, fp32, one thread. Keys and values are random, and the blocks
of a token are hardly those of the next, which is the worst there is for pages. Each size is opened twice, each time in
a process of its own: saving leaves nothing in the system's cache, so the first reads from the disk, and the second
finds what the first has looked at. Times are of the wall. Memory is resident pages (/proc/self/statm), those of the
mapped file among them. Linux.
"""

import argparse
import json
import mmap
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from remanence.cache.parts.held import Held
from remanence.cache.parts.tokens import Tokens
from remanence.cache.top_blocks import TopBlocks

TOKENS = (262_144, 1_048_576)
OPENED, DECODED, STRIDE, LAYERS, HEADS, WIDTH = 5, 48, 8, 4, 4, 32
OPEN_MS, GROWTH = 25, 0.15  # the bars, for 262,144 tokens


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--tokens", type=int, nargs="+", default=TOKENS)
    ask.add_argument("--folder", default=tempfile.gettempdir())
    ask.add_argument("--open", type=Path, help=argparse.SUPPRESS)  # this process is to open it
    said = ask.parse_args()
    torch.set_num_threads(1)
    if said.open:
        print(json.dumps(opened(said.open)))
        return
    with tempfile.TemporaryDirectory(dir=said.folder) as folder:
        for n in said.tokens:
            path = Path(folder) / f"{n}.cube"
            saving = made(path, n)
            size = path.stat().st_size
            print(f"{n:,} tokens, {size / 2**20:,.0f} MB, saved in {saving:.1f} s")
            for how in ("from disk", "again"):
                told(how, size, another(path))
            path.unlink()


def model() -> LlamaForCausalLM:
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=1024, hidden_size=256, intermediate_size=512, num_hidden_layers=LAYERS, num_attention_heads=8,
            num_key_value_heads=HEADS, max_position_embeddings=4096, initializer_range=0.15,
        )
    ).eval()  # fmt: skip


def policy() -> TopBlocks:
    return TopBlocks(blocks=32, block=32, local=512, stride=STRIDE)


def made(path: Path, n: int) -> float:
    """Seconds to save a memory of n tokens with its index; all layers hold the same numbers, to need less memory."""
    lm = model()
    with torch.no_grad(), policy()(lm) as memory:
        cache, x = memory.cache(), torch.randn(1, HEADS, n, WIDTH)
        for layer in cache.memory_layers:
            layer.lazy_initialization(x[:, :, :0])
            layer.held = Held(Tokens(x, n), Tokens(x, n), layer.heard, layer.index, n)
        cache.memory_layers[0].heard.note(torch.randint(1024, (1, n)))
        for layer in cache.memory_layers:
            layer.policy.far(layer.held, torch.randn(1, 8, 1, WIDTH), 4, n - 512)
        start = time.perf_counter()
        cache.save(path)
        return time.perf_counter() - start


def another(path: Path) -> dict[str, float]:
    done = subprocess.run([sys.executable, __file__, "--open", str(path)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def opened(path: Path) -> dict[str, float]:
    """In a process that has read nothing yet."""
    lm = model()
    with torch.no_grad(), policy()(lm) as memory:
        memory.read(torch.arange(2048)[None] % 1024)  # what is loaded once is not the memory's
        before = resident()
        opening = []
        for _ in range(OPENED):
            start = time.perf_counter()
            cache = memory.load(path)
            opening.append(time.perf_counter() - start)
        at_open = resident() - before
        token, times = torch.tensor([[1]]), []
        for _ in range(DECODED):
            start = time.perf_counter()
            token = lm(token, past_key_values=cache).logits[:, -1:].argmax(-1)
            times.append(time.perf_counter() - start)
        return {
            "open_ms": 1e3 * statistics.median(opening),
            "open_first_ms": 1e3 * opening[0],  # the modules that do it are imported then
            "open_mb": at_open / 2**20,
            "ms_a_token": 1e3 * sum(times) / DECODED,
            "first_ms": 1e3 * times[0],
            "grown": resident() - before,
        }


def resident() -> int:
    """Bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


def told(how: str, size: int, row: dict[str, float]) -> None:
    share = row["grown"] / size
    print(
        f"  {how:9} open {row['open_ms']:.1f} ms (bar {OPEN_MS}; first {row['open_first_ms']:.1f}), "
        f"{row['open_mb']:+.0f} MB; {DECODED} tokens: "
        f"+{row['grown'] / 2**20:.0f} MB, {share:.1%} of the file (bar {GROWTH:.0%}); first {row['first_ms']:.0f} ms, "
        f"mean {row['ms_a_token']:.1f} ms a token"
    )


if __name__ == "__main__":
    main()
