"""A model with a memory attached, as lm-evaluation-harness takes it, so that all of its tasks can be asked.

    with harness(model, tokenizer, TopBlocks(blocks=32)) as lm:
        results = lm_eval.simple_evaluate(model=lm, tasks=["niah_single_1"])

Source:  "Lessons from the Trenches on Reproducible Evaluation of Language Models", Biderman et al. 2024
         (arXiv 2405.14782).
Idea:    the harness calls `forward` and `generate`, and a model with a memory attached answers both through it. Each
         call begins with nothing read, as the harness means it.
Differs: contexts are not cut to the window that the model was trained on, which a memory is there to go beyond.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from remanence.errors import MissingExtra

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from remanence.cache.base import Base as Policy

LONGEST = 1 << 20  # tokens


@contextmanager
def harness(
    model: "PreTrainedModel", tokenizer: Any, policy: "Policy", *, longest: int = LONGEST, **settings: Any
) -> Iterator[Any]:
    """An HFLM over the attached model; `settings` go to it, and inside the block it may be asked.

    The harness reads one text a call unless `batch_size` says otherwise. It fills a batch up on the right, without a
    word to the model, and the fillers would have a say in what the newest queries read: leave it at one.
    """
    try:
        from lm_eval.models.huggingface import HFLM
    except ModuleNotFoundError as error:
        raise MissingExtra(f"the harness needs {error.name}: pip install 'remanence[eval]', torch first") from None
    with policy(model):
        yield HFLM(pretrained=model, tokenizer=tokenizer, max_length=longest, backend="causal", **settings)
