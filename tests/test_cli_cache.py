"""Documents read once with a local model, and asked later: `remanence cache build` and `ask`."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from remanence.cli import main

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

TEXT = "the notice period is thirty days . violins are tuned on Tuesday . " * 40
WORDS = f"{TEXT} Question Answer : ? what".split()


def run(*words: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == code, (words, result.output, result.exception)
    return result


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model and a tokenizer of a few words, as transformers saves them."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    from archs import tiny

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("model")
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[BOS]", "[EOS]", "[UNK]", *dict.fromkeys(WORDS)])}
    vocabulary |= {f"word{i}": i for i in range(len(vocabulary), 256)}  # so that whatever is said can be read
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", eos_token="[EOS]").save_pretrained(folder)
    tiny("llama").save_pretrained(folder)
    return folder


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "rules.txt"
    file.write_text(TEXT)
    return file


def test_what_was_read_once_is_asked_without_being_read_again(model: Path, text: Path) -> None:
    built = json.loads(run("cache", "build", model, text, text, "-o", "docs.cube", "--json").stdout)
    assert built["ok"] and built["command"] == "cache build"
    assert built["data"]["tokens"] == 2 * len(TEXT.split())
    assert built["data"]["bytes"] == Path("docs.cube").stat().st_size
    text.unlink()
    asked = run("cache", "ask", model, "docs.cube", "what is the notice period ?", "--tokens", 5, "--json")
    assert asked.stderr == ""
    answer = json.loads(asked.stdout)
    assert answer["command"] == "cache ask" and 1 <= answer["data"]["tokens"] <= 5
    again = run("cache", "ask", model, "docs.cube", "what is the notice period ?", "--tokens", 5)
    assert again.stdout.strip() == answer["data"]["answer"], "asking changes nothing"
    assert answer["data"]["answer"] == expected(model, 5) != ""


def expected(folder: Path, tokens: int) -> str:
    """The same from Python, all read in one go."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from remanence.cache.top_blocks import TopBlocks
    from remanence.cli.parts.cache_ask import PROMPT

    tokenizer, lm = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    said = f"{TEXT}\n\n{TEXT}{PROMPT.format(question='what is the notice period ?')}"
    ids = tokenizer(said, return_tensors="pt").input_ids
    with TopBlocks()(lm), torch.no_grad():
        out = lm.generate(ids, max_new_tokens=tokens, do_sample=False, pad_token_id=0)
    return tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True).strip()


def test_the_file_says_with_which_memory_it_is_read(model: Path, text: Path) -> None:
    how = ("--memory", "streaming", "--set", "local=32", "--set", "chunk=64")
    run("cache", "build", model, text, "-o", "docs.cube", *how)
    run("cache", "ask", model, "docs.cube", "what ?", "--tokens", 1)
    assert "Did you mean 'local'" in run("cache", "build", model, text, "-o", "x", "--set", "locl=3", code=1).stderr
    assert (
        "no cache memory 'strming'"
        in run("cache", "build", model, text, "-o", "x", "--memory", "strming", code=1).stderr
    )
    assert not Path("x").exists()


def test_another_model_is_refused(model: Path, text: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    run("cache", "build", model, text, "-o", "docs.cube")
    other = tmp_path / "other"
    shutil.copytree(model, other)
    lm = AutoModelForCausalLM.from_pretrained(model)
    with torch.no_grad():
        lm.lm_head.weight.mul_(2)
    lm.save_pretrained(other)
    refused = json.loads(run("cache", "ask", other, "docs.cube", "what ?", "--json", code=1).stdout)
    assert refused["error"]["kind"] == "OtherModel" and "weights" in refused["error"]["message"]
    assert "with another: " in run("cache", "ask", other, "docs.cube", "what ?", code=1).stderr


def test_what_is_wrong_is_said_in_a_line(model: Path, text: Path) -> None:
    assert "no model could be loaded" in run("cache", "build", text.parent, text, "-o", "a.cube", code=1).stderr
    assert "gone.txt" in run("cache", "build", model, "gone.txt", "-o", "a.cube", code=1).stderr
    assert "gone.cube" in run("cache", "ask", model, "gone.cube", "what ?", code=1).stderr
    Path("empty.txt").touch()
    assert "no text" in run("cache", "build", model, "empty.txt", "-o", "a.cube", code=1).stderr
    Path("bytes.txt").write_bytes(b"\xff\xfe\xfa")
    assert "not UTF-8" in run("cache", "build", model, "bytes.txt", "-o", "a.cube", code=1).stderr
    assert "is damaged" in run("cache", "ask", model, text, "what ?", code=1).stderr
    run("cache", "buld", code=2)
    run("cache", "build", model, "-o", "a.cube", code=2)


def test_a_file_that_is_there_is_replaced_only_if_wanted(model: Path, text: Path) -> None:
    Path("docs.cube").write_text("precious")
    assert "Replace docs.cube?" in run("cache", "build", model, text, "-o", "docs.cube", code=4).stderr
    assert Path("docs.cube").read_text() == "precious"
    run("cache", "build", model, text, "-o", "docs.cube", "--yes")
    assert Path("docs.cube").stat().st_size > 8


def test_alone_it_lists_the_memories(text: Path) -> None:
    listed = json.loads(run("cache", "--json").stdout)
    assert listed["command"] == "cache"
    assert listed["data"]["memories"]["streaming"].startswith("Attention sinks")
    assert "top_blocks\t" in run("cache").stdout


def test_the_commands_say_what_they_are() -> None:
    listed = run("cache", "--help").output
    assert "build" in listed and "ask" in listed and "Read documents once" in listed
    for name in ("build", "ask"):
        assert f"remanence cache {name} ./qwen3-0.6b" in run("cache", name, "--help").output
