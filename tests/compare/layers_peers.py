"""What our layers compute and cost beside the same layers of others, in packages of the registry.

    python -m venv PEERS; PEERS/bin/pip install torch==2.13.0
    PEERS/bin/pip install titans-pytorch==0.5.5 product-key-memory==0.3.0 infini-transformer-pytorch==0.2.1
    PEERS/bin/pip install --no-deps fla-core==0.6.0
    PYTHONPATH=src PEERS/bin/python tests/compare/layers_peers.py
    PYTHONPATH=src PEERS/bin/python tests/compare/layers_peers.py --rounds 5 --length 2048

Run by hand. First the greatest difference, in double precision, with the weights of one put into the other; then the
CPU time of one thread, forward and backward, median of rounds in which both run in turn.

Titans:       theirs made a matrix, without norm, residual and momentum, a token a step; ours with momentum 0.
              Theirs has no short convolution, so ours is timed without, and with.
Product keys: theirs normalises each half of a query and ours both together, so both are compared without.
Delta rule:   fla-core's chunks in plain PyTorch, 32 tokens, which multiplies queries by D ** -0.5. One file of it is
              loaded, as the package needs a GPU's compiler.
Infini:       their memory with the delta rule, driven segment by segment; their gate is the mirror of the paper's.
"""

import argparse
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from infini_transformer_pytorch.infini_transformer import FastweightMemory
from product_key_memory import PKM
from titans_pytorch import MemoryMLP, NeuralMemory
from torch import Tensor, nn

from remanence.layers.infini_attention import InfiniAttention
from remanence.layers.parts.associative import Tokens
from remanence.layers.parts.delta_rule import delta_rule
from remanence.layers.product_keys import ProductKeys
from remanence.layers.titans import Titans


@torch.no_grad()
def titans_off() -> float:
    width, length = 8, 24
    theirs = NeuralMemory(
        width, chunk_size=1, batch_size=1, momentum=False, pre_rmsnorm=False, mem_model_norm_add_residual=False,
        model=MemoryMLP(width, depth=1), store_memory_loss_fn=lambda y, v: (y - v).square().sum(-1) / 2,
    ).double()  # fmt: skip
    ours = Titans(width, grad_chunk=1, conv=0).double()
    x = torch.randn(2, length, width, dtype=torch.float64)
    k, v = theirs.to_keys(x)[:, None], theirs.to_values(x)[:, None]
    alpha = theirs.to_decay_factor(x).sigmoid().view(2, 1, length)
    theta = theirs.to_adaptive_step(x).sigmoid().view(2, 1, length)
    tokens = Tokens(k, k, v, torch.ones_like(theta), alpha, torch.zeros_like(theta), theta)
    first = theirs.memory_model_parameters[0].expand(2, 1, width, width)
    state = replace(ours.init_state(2), u=(first,), start=(first,))
    for token in tokens.split([1] * length):
        _, state = ours._chunk(token, state, "chunk")
    _, after = theirs(x)
    (last,) = after.states[0].values()
    return float((last.view(2, 1, width, width) - state.u[0]).abs().max())


@torch.no_grad()
def product_keys_off() -> float:
    ours = ProductKeys(6, keys=9, heads=3, k=4, key_width=8).double()
    theirs = PKM(6, heads=3, num_keys=9, topk=4, dim_head=4).double()
    ours.norm = theirs.norm = nn.Identity()
    theirs.to_queries.weight.copy_(ours.query.weight.view(3, 2, 4, 6).transpose(0, 1).reshape(24, 6))
    theirs.keys.copy_(ours.halves.transpose(1, 2))
    theirs.values.weight.copy_(ours.values)
    x = torch.randn(2, 20, 6, dtype=torch.float64)
    return float((ours(x) - theirs(x)).abs().max())


@torch.no_grad()
def infini_off() -> float:
    ours = InfiniAttention(6, heads=2, segment=5, conv=0).double()
    ours.beta.normal_()
    theirs = FastweightMemory(2, use_mem_delta_rule=True).double()
    theirs.head_gates.copy_(-ours.beta)
    x = torch.randn(2, 20, 6, dtype=torch.float64)
    memories, out = None, []
    for piece in x.split(5, 1):
        q, k, v, _ = ours.qkv(piece, ours.qkv.init_state(2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        out.append(theirs.retrieve_and_add_to_output(y, q, memories))
        memories = theirs.create_new_memories(k, v, memories)
    return float((ours.out(torch.cat(out, 2)) - ours(x)[0])[:, 5:].abs().max())  # in the first nothing is remembered


def fla_chunks() -> Callable[..., tuple[Tensor, Tensor]]:
    """Their delta rule in chunks of tensors [B, H, T, width], without the package around it."""
    package = importlib.util.find_spec("fla")
    assert package is not None and package.submodule_search_locations
    file = Path(package.submodule_search_locations[0]) / "ops/delta_rule/naive.py"
    spec = importlib.util.spec_from_file_location("fla_delta_rule", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    chunks: Callable[..., tuple[Tensor, Tensor]] = module.delta_rule_chunkwise
    return chunks


def delta_given(batch: int, length: int, width: int) -> tuple[Tensor, ...]:
    """q, k, v and β, each wanting its gradient."""
    q, k, v = (F.normalize(torch.randn(batch, 4, length, width // 4), dim=-1) for _ in range(3))
    return tuple(x.requires_grad_() for x in (q, k, v, torch.rand(batch, 4, length)))


def ours_delta(q: Tensor, k: Tensor, v: Tensor, beta: Tensor) -> Tensor:
    s = q.new_zeros(*q.shape[:2], q.shape[3], v.shape[3])
    return delta_rule(q * q.shape[3] ** -0.5, k, v, beta, None, s, "chunk", 32)[0]


@torch.no_grad()
def delta_off() -> float:
    given = delta_given(2, 128, 64)
    return float((ours_delta(*given) - fla_chunks()(*given)[0]).abs().max())


def timed(rounds: int, gradient: Tensor, *runs: Callable[[], Tensor]) -> tuple[float, float, float]:
    """Milliseconds of CPU of two, and the ratio: all medians over rounds."""
    took: list[list[float]] = [[] for _ in runs]
    for i in range(rounds + 1):
        for run, ms in zip(runs, took, strict=True):
            start = time.thread_time()
            run().backward(gradient)
            if i:  # the first is to warm up
                ms.append(1000 * (time.thread_time() - start))
    ratio = statistics.median(a / b for a, b in zip(*took, strict=True))
    return statistics.median(took[0]), statistics.median(took[1]), ratio


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("batch", 4), ("length", 1024), ("width", 256), ("rounds", 3)):
        ask.add_argument(f"--{name}", type=int, default=default)
    said = ask.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    offs = {"titans": titans_off, "product keys": product_keys_off, "infini-attention": infini_off, "delta": delta_off}
    for name, off in offs.items():
        sys.stdout.write(f"{name:24}differs by {off():.1e}\n")
    x, heads = torch.randn(said.batch, said.length, said.width, requires_grad=True), 4
    head = said.width // heads
    titans, bare = Titans(said.width, heads, grad_chunk=64), Titans(said.width, heads, grad_chunk=64, conv=0)
    neural = NeuralMemory(
        said.width, chunk_size=64, batch_size=64, heads=heads, dim_head=head, model=MemoryMLP(head, depth=1)
    )
    keys = ProductKeys(said.width, keys=128, heads=heads, k=8, key_width=2 * head)
    pkm = PKM(said.width, heads=heads, num_keys=128, topk=8, dim_head=head)
    given, fla = delta_given(said.batch, said.length, said.width), fla_chunks()
    pairs: dict[str, tuple[Callable[[], Tensor], Callable[[], Tensor]]] = {
        "titans, chunks of 64": (lambda: bare(x)[0], lambda: neural(x)[0]),
        "the same, convolved": (lambda: titans(x)[0], lambda: neural(x)[0]),
        "product keys, k 8": (lambda: keys(x), lambda: pkm(x)),
        "delta rule, chunks of 32": (
            lambda: ours_delta(*given).mT.reshape(x.shape),
            lambda: fla(*given)[0].mT.reshape(x.shape),
        ),
    }
    for name, pair in pairs.items():
        ours, theirs, ratio = timed(said.rounds, torch.randn_like(x), *pair)
        sys.stdout.write(f"{name:24}{ours:8.0f} ms, theirs {theirs:8.0f} ms: {ratio:.2f}\n")


if __name__ == "__main__":
    main()
