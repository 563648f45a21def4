"""Make tests/data/recall, a Llama of two layers that recalls values by their keys within 128 tokens.

    pip install torch transformers safetensors
    python scripts/train_recall.py

The world it learns is that of remanence/bench/recall.py. Recall is made of two heads, one that looks a token back and
one that looks for what followed last time (induction; Olsson et al. 2022, arXiv 2209.11895). Training starts from the
first (`look_back`); cycles of random tokens, where nearly every token is a lesson, make the second. Their period has to
vary: one period for all is foretold by counting back, and the model that learned that answers no question.

One thread of a 2025 server core: two and a half minutes. Every draw is seeded; the last digits of the weights depend on
the processor and on the version of PyTorch.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaAttention
from transformers.utils.logging import disable_progress_bar

from remanence.bench import recall
from remanence.bench.progress import Bar

OUT = Path(__file__).parent.parent / "tests" / "data" / "recall"
WINDOW = 128  # tokens
ASKED = ((96, 8, 512), (127, 8, 512), (100, 24, 504), (256, 8, 128), (512, 8, 128), (1024, 8, 64))
README = """\
Made by `python scripts/train_recall.py --seed {seed}` in {steps} steps: a Llama of two layers trained to recall values
by their keys within 128 tokens. `remanence.bench.recall` is its vocabulary and its world. The weights are kept in half
precision. Share of the values it gives by full attention when each key is asked for once, after the context:

| tokens of context | pairs | questions | right |
|---|---|---|---|
{rows}
"""
FAST, SHARP = 4, 6.0  # rotary frequencies that tell a token from its neighbour; the size of the biases
RATE, WARM = 1.5e-3, 50  # Adam's rate, reached after so many steps


@dataclass(frozen=True)
class Stage:
    """Lessons of one length. It ends after `steps`, or sooner when `enough` was reached in ten steps in a row."""

    length: int  # tokens
    rows: int
    steps: int
    pairs: int = 0  # at most so many in a context; with none all lessons are cycles
    enough: float = 2.0  # share of right answers; two is never reached
    fall: bool = False  # does the rate fall to nothing


STAGES = (
    Stage(length=37, rows=40, steps=1500, enough=0.95),
    Stage(length=73, rows=32, steps=500, enough=0.97),
    Stage(length=WINDOW, rows=24, steps=1000, pairs=24, fall=True),
)


def untrained(seed: int) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=recall.VOCABULARY,
            hidden_size=128,
            intermediate_size=256,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=WINDOW,
            attention_bias=True,  # see look_back
            initializer_range=0.08,
            bos_token_id=recall.BOS,
            eos_token_id=None,  # else token 2, a key, would end what `generate` writes
            architectures=["LlamaForCausalLM"],
            dtype="float32",
        )
    )
    look_back(model.model.layers[0].self_attn, model.model.rotary_emb.inv_freq)
    return model


@torch.no_grad()
def look_back(attention: LlamaAttention, frequency: torch.Tensor) -> None:
    """The first key head and its queries begin by looking one token back, by their biases alone, and are free to learn.

    A query turned by `frequency` for each place and a key that is not differ least when the query stands one ahead.
    """
    width, share, fast = attention.head_dim, attention.num_key_value_groups, frequency[:FAST]
    attention.k_proj.weight[:width] = 0
    attention.q_proj.weight[: share * width] = 0
    attention.k_proj.bias[:FAST] = SHARP
    for query in attention.q_proj.bias[: share * width].view(share, 2, -1):
        query[0, :FAST] = SHARP * fast.cos()
        query[1, :FAST] = -SHARP * fast.sin()


def lesson(stage: Stage, step: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens and targets. One lesson in four is a cycle to the end, lest the heads be forgotten."""
    if not stage.pairs or step % 4 == 0:
        tokens, targets = recall.cycles(rng, stage.rows, stage.length, int(rng.integers(3, stage.length // 2)))
    else:
        tokens, targets = recall.lessons(rng, stage.rows, stage.length, int(rng.integers(2, stage.pairs + 1)))
    return torch.from_numpy(tokens), torch.from_numpy(targets)


def train(
    stages: tuple[Stage, ...], seed: int, minutes: float, progress: Callable[[str, int, int], None]
) -> tuple[LlamaForCausalLM, list[float]]:
    """The model and the loss of every step."""
    began, rng, model = time.monotonic(), np.random.default_rng(seed), untrained(seed)
    adam = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.1)
    losses: list[float] = []
    for number, stage in enumerate(stages, 1):
        good = 0
        for step in range(stage.steps):
            if time.monotonic() - began > 60 * minutes:
                raise SystemExit(f"not trained in {minutes:g} minutes: stage {number} of {len(stages)}, step {step}")
            adam.param_groups[0]["lr"] = RATE * min(1, (len(losses) + 1) / WARM) * (1 - stage.fall * step / stage.steps)
            tokens, targets = lesson(stage, step, rng)
            logits = model(tokens, use_cache=False).logits
            loss = cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=recall.UNGRADED)
            adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            adam.step()
            losses.append(loss.item())
            graded = targets != recall.UNGRADED
            right = (logits.argmax(-1) == targets)[graded].float().mean().item()
            good = good + 1 if right >= stage.enough else 0
            progress(f"stage {number} of {len(stages)}, right {right:.2f}", step + 1, stage.steps)
            if good == 10:
                break
    return model.eval(), losses


@torch.inference_mode()
def accuracy(model: LlamaForCausalLM, length: int, pairs: int, questions: int = 512) -> float:
    """The share of values the model gives by full attention when each key is asked for once, after the context."""
    world = recall.contexts(np.random.default_rng(length), questions // pairs, length, pairs)
    right = []
    for pair in range(pairs):
        tokens, answers = world.asked(pair)
        given = model(torch.from_numpy(tokens), use_cache=False, logits_to_keep=1).logits[:, 0].argmax(-1)
        right.append((given.numpy() == answers).mean())
    return float(np.mean(right))


def keep(model: LlamaForCausalLM, out: Path) -> None:
    """The weights in half precision, and a config by which transformers reads them back in single."""
    out.mkdir(parents=True, exist_ok=True)
    weights = {name: weight.detach().half().contiguous() for name, weight in model.state_dict().items()}
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    model.config.save_pretrained(out)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the small model that recalls.")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--minutes", type=float, default=10.0, help="give up after so many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    disable_progress_bar()  # of transformers; ours is below
    bar = Bar(sys.stderr)
    model, losses = train(STAGES, options.seed, options.minutes, bar)
    bar.close()
    keep(model, options.out)
    model = LlamaForCausalLM.from_pretrained(options.out)  # what was rounded is what is measured
    rows = ["| {} | {} | {} | {:.3f} |".format(*asked, accuracy(model, *asked)) for asked in ASKED]
    (options.out / "README.md").write_text(README.format(seed=options.seed, steps=len(losses), rows="\n".join(rows)))


if __name__ == "__main__":
    main()
