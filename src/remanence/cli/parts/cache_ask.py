"""Answer a question from files that were read before.

\b
    remanence cache ask ./qwen3-0.6b docs.cube "What is the notice period?" --tokens 100

MODEL must be the one that read them. The file is not changed by being asked.
"""

from pathlib import Path

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.local_model import memory_of_file, model_and_tokenizer
from remanence.cli.parts.options import command
from remanence.cli.parts.progress import Progress
from remanence.cli.parts.run import Run

PROMPT = "\n\nQuestion: {question}\nAnswer:"


@command
@click.argument("model", metavar="MODEL")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("question")
@click.option("--tokens", type=click.IntRange(min=1), default=64, show_default=True, help="At most so many, in answer.")
def ask(run: Run, model: str, file: Path, question: str, tokens: int) -> Answer:
    policy = memory_of_file(file)
    lm, tokenizer = model_and_tokenizer(model)
    with policy(lm) as attached, Progress("answering") as progress:
        cache = attached.load(file, tokenizer)
        new = tokenizer(PROMPT.format(question=question), return_tensors="pt", add_special_tokens=False).input_ids
        ids = cache.prompt(new.to(lm.device))
        said = lm.generate(
            ids,
            attention_mask=ids.new_ones(ids.shape),
            past_key_values=cache,
            max_new_tokens=tokens,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id or 0,
            streamer=_Counting(progress, tokens),
        )[0, ids.shape[1] :]
    text = tokenizer.decode(said, skip_special_tokens=True).strip()
    return Answer({"answer": text, "tokens": len(said)}, text=text, empty="(the model said nothing)")


class _Counting:
    """Told of every token that is generated, as transformers tells its streamers."""

    def __init__(self, progress: Progress, most: int) -> None:
        self.progress, self.most, self.seen = progress, most, -1  # the prompt comes first

    def put(self, value: object) -> None:
        self.seen += 1
        self.progress(self.seen, self.most)

    def end(self) -> None:
        self.progress(self.most, self.most)
