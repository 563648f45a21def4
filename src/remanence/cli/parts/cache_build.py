"""Read files with a local model and keep what it computed.

\b
    remanence cache build ./qwen3-0.6b handbook.md faq.md -o docs.cube
    remanence cache build ./qwen3-0.6b book.txt -o book.cube --memory top_blocks --set blocks=64

MODEL is a folder, or a name that transformers knows. The files are read as one text, in this order.
"""

from pathlib import Path
from typing import Any

import click

from remanence.cli.parts.answer import Answer
from remanence.cli.parts.local_model import memory_of, model_and_tokenizer
from remanence.cli.parts.options import command, pairs, sure
from remanence.cli.parts.progress import Progress
from remanence.cli.parts.run import Run
from remanence.errors import BadInput

STEP = 512  # tokens between two words of progress


@command
@click.argument("model", metavar="MODEL")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Where to keep it.")
@click.option("--memory", default="top_blocks", show_default=True, metavar="NAME", help="What is kept and read of it.")
@click.option("--set", "about", multiple=True, metavar="KEY=VALUE", callback=pairs, help="A setting of that memory.")
@sure
def build(
    run: Run, model: str, files: tuple[Path, ...], out: Path, memory: str, about: dict[str, Any], yes: bool
) -> Answer:
    if out.is_file():
        run.sure(f"Replace {out}?", yes)
    text = "\n\n".join(_text(file) for file in files)
    policy = memory_of(memory, about)
    lm, tokenizer = model_and_tokenizer(model)
    ids = tokenizer(text, return_tensors="pt", verbose=False).input_ids
    if not ids.numel():
        raise BadInput("the files hold no text")
    with policy(lm) as attached:
        cache = attached.cache()
        with Progress("reading") as progress:
            for start in range(0, ids.shape[1], STEP):
                attached.read(ids[:, start : start + STEP], cache)
                progress(min(start + STEP, ids.shape[1]), ids.shape[1])
        with Progress("saving") as progress:
            cache.save(out, tokenizer, progress)
    size = out.stat().st_size
    told = f"{ids.shape[1]:,} tokens read, {size / 2**20:,.1f} MB in {out}"
    return Answer({"path": str(out), "tokens": ids.shape[1], "bytes": size, "memory": memory}, text=told)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{file} is not UTF-8 text: {error}") from None
