"""A book foretold token by token, against the model's own loss, and what is said where something is missing."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from remanence.bench.cache_memory import FULL, CacheMemory, Frozen  # noqa: E402
from remanence.bench.run import run  # noqa: E402
from remanence.bench.tasks.perplexity import Perplexity  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402

torch.set_num_threads(1)
MODEL = Frozen(str(Path(__file__).parent / "data" / "recall"))


def book(folder: Path) -> Perplexity:
    """A book of a vocabulary of five words, and their tokenizer."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    kept = Tokenizer(models.WordLevel({"aa": 0, "bb": 1, "cc": 2, "dd": 3, "ee": 4}, unk_token="aa"))
    kept.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    transformers.PreTrainedTokenizerFast(tokenizer_object=kept).save_pretrained(folder / "tokenizer")
    told = "bb cc dd " * 30
    (folder / "book.txt").write_text(f"ee ee\n*** START OF IT ***\n{told}\n*** END OF IT ***\nee")
    return Perplexity(data=str(folder), tokenizer=str(folder / "tokenizer"), piece=10, files="b*.txt")


@torch.no_grad()
def test_a_book_is_foretold_token_by_token(tmp_path):
    (row,) = run(book(tmp_path), [CacheMemory(FULL, MODEL)])
    assert (row.status, row.probes, row.events) == ("done", 8, 81), "ninety words; what fills no piece is left out"
    ids = torch.tensor([[1, 2, 3] * 27])
    out = MODEL.model(ids, labels=ids)
    assert row.scores["log_p"].value == pytest.approx(-float(out.loss), abs=1e-4)
    assert row.cost.read.count == 80
    counts = {name: of["log_p"].count for name, of in row.groups["read"].items()}
    assert counts == {"1": 1, "8": 1, "16": 2, "32": 3, "64": 1}


def test_a_book_without_data_or_tokenizer_says_what_is_missing(tmp_path):
    with pytest.raises(BadConfig, match="--set tokenizer=FOLDER"):
        list(Perplexity().worlds(0))
    task = book(tmp_path)
    with pytest.raises(BadConfig, match=r"no \*\.md under"):
        list(Perplexity(data=str(tmp_path), tokenizer=task.tokenizer, files="*.md").worlds(0))
    with pytest.raises(BadConfig, match="90 tokens: not one piece of 100"):
        list(Perplexity(data=str(tmp_path), tokenizer=task.tokenizer, piece=100, files="b*.txt").worlds(0))
