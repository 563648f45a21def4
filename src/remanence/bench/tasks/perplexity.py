"""How well a frozen model foretells a book, of which it may read only what its memory lets it.

Source:  "Efficient Streaming Language Models with Attention Sinks", Xiao, Tian, Chen, Han, Lewis 2023
         (arXiv 2309.17453), which reads the books of PG19 (Rae et al. 2019, arXiv 1911.05507) one after another.
Idea:    a memory that breaks the model shows at once, and one that finds what is told again in a book gains by it.
Data:    plain text files; any. The header and licence of Project Gutenberg are left out where they are marked.
Differs: of each book the first `tokens` only, and books are not joined.

The model is any in a folder with its tokenizer: the same folder that the contender's model comes from, since tokens of
one mean nothing to another. A book is a world, told in pieces of `piece` tokens
that are foretold token by token; what is left at the end and fills none is left out.

    log_p   the mean log-probability of a token, in nats; the perplexity is exp(-log_p)

`read` is what was read before, rounded down to a power of two.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from remanence.bench.base import Continue, Found, Probe, Read, Score, Step, World
from remanence.bench.tasks.base import Base
from remanence.errors import BadConfig, MissingExtra

BODY = re.compile(r"\*\*\* ?START OF[^\n]*\*\*\*\n(.*)\n\*\*\* ?END OF", re.DOTALL)


@dataclass
class Perplexity(Base):
    """`files` is a pattern of names under the data folder."""

    metrics: ClassVar[Mapping[str, str]] = {"log_p": "mean log-probability of a token; perplexity is exp(-log_p)"}
    forms: ClassVar[tuple[str, ...]] = ("cache",)

    tokenizer: str = ""  # its folder: the model's
    files: str = "*.txt"
    books: int = 1  # the first of them, by name
    tokens: int = 16_384  # of each
    piece: int = 128  # tokens

    def __post_init__(self) -> None:
        if min(self.books, self.piece, self.tokens) < 1:
            raise BadConfig("books, tokens and piece must be at least 1")

    def worlds(self, seed: int) -> Iterator[World]:
        tokenizer = _tokenizer(self.tokenizer)
        paths = sorted(Path(self.data).rglob(self.files))[: self.books]
        if not paths:
            raise BadConfig(f"no {self.files} under {Path(self.data).absolute()}; say where books lie with data=...")
        for path in paths:
            text = path.read_text(encoding="utf-8-sig")
            body = BODY.search(text)
            yield self._world(path.name, tokenizer(body[1] if body else text)["input_ids"][: self.tokens])

    def grade(self, world: World, probe: Probe, found: Found) -> dict[str, Score]:
        return {"log_p": Score(-sum(found.surprise) / len(found.surprise))}

    def size(self) -> int | None:
        return None  # books may be shorter

    def _world(self, name: str, ids: list[int]) -> World:
        if len(ids) <= self.piece:
            raise BadConfig(f"{name} has {len(ids)} tokens: not one piece of {self.piece} after the first")
        steps: list[Step] = [Read(ids[:1])]
        for start in range(1, len(ids) - self.piece + 1, self.piece):
            tags = {"book": name, "read": str(1 << start.bit_length() - 1)}
            steps.append(Continue(target=tuple(ids[start : start + self.piece]), told=True, tags=tags))
        return World(name, steps)


def _tokenizer(folder: str) -> Any:
    if not folder:
        raise BadConfig("whose tokens? Say --set tokenizer=FOLDER, that of the model")
    try:
        import transformers
    except ModuleNotFoundError as error:
        raise MissingExtra(f"a tokenizer needs {error.name}: pip install 'remanence[cache]', torch first") from None
    try:
        return transformers.AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise BadConfig(f"no tokenizer could be loaded from {folder!r}: {error}") from error
