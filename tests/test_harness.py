"""The adapter to lm-evaluation-harness: a task of our own, from a folder, asked of a model with a memory attached."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from remanence.bench import recall  # noqa: E402
from remanence.bench.harness import harness  # noqa: E402
from remanence.cache.streaming import Streaming  # noqa: E402
from remanence.cache.top_blocks import TopBlocks  # noqa: E402
from remanence.errors import MissingExtra  # noqa: E402

torch.set_num_threads(1)
MODEL = Path(__file__).parent / "data" / "recall"
TASK = """\
task: recall
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{context}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{answer}}}}"
metric_list: [{{metric: acc}}]
"""
FAR = {"sinks": 1, "local": 32, "chunk": 32}


def written(folder: Path) -> None:
    """A task of eight questions about pairs in 512 tokens of noise, four times the model's window."""
    world = recall.contexts(np.random.default_rng(3), 8, 512, 1)
    tokens, answers = world.asked(0)
    choices = [f"w{value}" for value in recall.VALUES]
    docs = [
        {"context": " ".join(f"w{i}" for i in row), "choices": choices, "answer": choices.index(f"w{answer}")}
        for row, answer in zip(tokens.tolist(), answers.tolist(), strict=True)
    ]
    file = folder / "docs.jsonl"
    file.write_text("\n".join(map(json.dumps, docs)))
    (folder / "recall.yaml").write_text(TASK.format(file=file))


def words() -> Any:
    """A tokenizer for which every token is a word: w0, w1, ..."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    kept = Tokenizer(models.WordLevel({f"w{i}": i for i in range(recall.VOCABULARY)}, unk_token="w0"))
    kept.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=kept, eos_token="w0", pad_token="w0")


@pytest.mark.filterwarnings("ignore")  # of the harness and what it imports
def test_the_harness_asks_through_the_memory(tmp_path, monkeypatch):
    lm_eval = pytest.importorskip("lm_eval", reason="lm-evaluation-harness is not installed: pip install lm_eval")
    from lm_eval.tasks import TaskManager

    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    written(tmp_path)
    model = transformers.LlamaForCausalLM.from_pretrained(MODEL).eval()
    tasks = TaskManager(include_path=str(tmp_path), include_defaults=False)
    right = {}
    for policy in (TopBlocks(blocks=12, block=8, **FAR), Streaming(**FAR)):
        with harness(model, words(), policy, device="cpu") as lm:
            told: Any = lm_eval.simple_evaluate(
                model=lm, tasks=["recall"], task_manager=tasks, bootstrap_iters=0, log_samples=False
            )
        right[type(policy).__name__] = told["results"]["recall"]["acc,none"]
    assert right["TopBlocks"] == 1
    assert right["Streaming"] < 0.5
    assert model.config._attn_implementation == "sdpa", "the model is as it was"


def test_without_the_harness_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "lm_eval.models.huggingface", None)
    monkeypatch.setitem(sys.modules, "lm_eval.models", None)
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    model = transformers.LlamaForCausalLM.from_pretrained(MODEL)
    with pytest.raises(MissingExtra, match=r"remanence\[eval\]"), harness(model, None, Streaming()):
        pass
