"""A frozen model with a memory attached, put to tasks by the runner that puts text memories to theirs."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from remanence.bench.base import Continue  # noqa: E402
from remanence.bench.cache_memory import FULL, CacheMemory, Frozen  # noqa: E402
from remanence.bench.contenders import apart, contenders  # noqa: E402
from remanence.bench.run import run  # noqa: E402
from remanence.bench.table import table  # noqa: E402
from remanence.bench.tasks.needle import Needle  # noqa: E402
from remanence.bench.text_memory import TextMemory  # noqa: E402
from remanence.cli import main  # noqa: E402
from remanence.errors import BadConfig  # noqa: E402

torch.set_num_threads(1)
MODEL = Frozen(str(Path(__file__).parent / "data" / "recall"))
FEW = {"sinks": 4, "local": 32, "chunk": 32}
MEMORIES = {
    FULL: {},
    "streaming": FEW | {"local": 128},
    "top_blocks": FEW | {"block": 8, "blocks": 11},
    "em_llm": FEW | {"tokens": 96, "least": 2, "most": 8},
}
TEXT = list(range(40, 97)) * 5  # 285 tokens


def memory(name: str) -> CacheMemory:
    return CacheMemory(name, MODEL, MEMORIES[name])


def test_needles_beyond_the_window_are_found_by_what_looks_for_them():
    found = {}
    for row in run(Needle(lengths="1024", contexts=4), [memory(name) for name in MEMORIES]):
        assert (row.form, row.status, row.probes, row.events) == ("cache", "done", 32, 4096), row.error
        found[row.memory] = row
    right = {name: row.scores["right"].value for name, row in found.items()}
    assert right["top_blocks"] > 0.95
    assert right["em_llm"] > 0.95
    assert right["streaming"] == 0.125, "the needles of its window, an eighth of the context"
    assert right[FULL] < 0.3, "trained on 128 tokens"
    assert found["streaming"].cost.bytes < found[FULL].cost.bytes / 4
    assert (found[FULL].cost.tokens, found["streaming"].cost.tokens) == (1024, 132)
    assert found["top_blocks"].cost.write.count == 4096, "written are tokens"
    assert found["top_blocks"].cost.read.count == 32
    assert set(found["top_blocks"].groups["length × depth"]) == {f"1024 × {d}" for d in (6, 19, 31, 44, 56, 69, 81, 94)}


def test_a_row_says_which_model_and_which_settings():
    (row,) = run(Needle(lengths="100", contexts=1), [memory("top_blocks")])
    assert json.loads(row.json())["settings"] | {"blocks": 11, "local": 32} == row.settings
    assert row.lm.startswith("LlamaForCausalLM ")
    assert row.versions["torch"] == torch.__version__
    assert "top_blocks" in table([row])


@pytest.mark.parametrize("name", MEMORIES)
def test_every_question_finds_the_same_past(name):
    """Three are asked; the second would be led astray by the first, if what was asked stayed read."""
    subject = memory(name).subject()
    subject.read(TEXT)
    asked = [Continue(ids=ids, target=(0,) * 3, k=5) for ids in ((40, 41), (80,) * 40, (40, 41))]
    found = []
    for step in asked:
        subject.rewind()
        found.append(subject.go_on(step))
    subject.close()
    assert found[0] == found[2]
    assert found[0] != found[1]
    assert (len(found[0].said), len(found[0].likeliest)) == (3, 5)
    assert found[0].said[0] == found[0].likeliest[0]


def test_what_is_said_is_what_generate_says():
    subject = memory(FULL).subject()
    subject.read(TEXT[:100])
    subject.rewind()
    said = subject.go_on(Continue(ids=(40, 41), target=(0,) * 6)).said
    ids = torch.tensor([[*TEXT[:100], 40, 41]])
    mask = torch.ones_like(ids)
    whole = MODEL.model.generate(ids, attention_mask=mask, max_new_tokens=6, do_sample=False, pad_token_id=0)
    assert list(said) == whole[0, 102:].tolist()


@torch.no_grad()
@pytest.mark.parametrize("name", [FULL, "top_blocks"])
def test_what_is_told_surprises_as_it_does_in_one_piece(name):
    """Inside of what the policy reads; the first token of a piece is foretold by the last of the piece before."""
    ids = torch.tensor([TEXT[:120]])
    foretold = MODEL.model(ids).logits[0, :-1].log_softmax(-1)
    surprise = (-foretold.gather(1, ids[0, 1:, None])[:, 0]).tolist()
    subject, found = memory(name).subject(), []
    subject.read(TEXT[:1])
    for start in range(1, 120, 17):
        found += subject.go_on(Continue(target=tuple(TEXT[start : min(120, start + 17)]), told=True)).surprise
    subject.close()
    assert found == pytest.approx(surprise, abs=1e-4)


def test_the_model_is_left_as_it_was_after_a_failure_too():
    kept = []

    class Kept(CacheMemory):
        def subject(self) -> Any:
            kept.append(super().subject())  # or it would be let go of when nobody has it
            return kept[-1]

    class Raising(Needle):
        def grade(self, world: Any, probe: Any, found: Any) -> Any:
            raise BadConfig("no")

    with pytest.raises(BadConfig):
        list(run(Raising(lengths="100"), [Kept("top_blocks", MODEL, MEMORIES["top_blocks"])]))
    assert MODEL.model.config._attn_implementation == "sdpa"
    assert not MODEL.model._forward_hooks


def test_a_memory_that_cannot_be_built_fails_its_row():
    unknown, wrong, nowhere, full = run(
        Needle(lengths="100", contexts=1),
        [
            CacheMemory("top_block", MODEL),
            CacheMemory("top_blocks", MODEL, {"block": 8, "tokens": 5}),
            CacheMemory("top_blocks", Frozen("")),
            CacheMemory(FULL, MODEL, {"local": 5}),
        ],
    )
    assert "Did you mean 'top_blocks'?" in unknown.error
    assert "no setting of cache memory 'top_blocks' called 'tokens'" in wrong.error
    assert "--set model=FOLDER" in nowhere.error
    assert "has no settings, got local" in full.error


def test_settings_go_to_tasks_or_to_the_memories_they_name():
    said = ("streaming", "cache:top_blocks", FULL)
    settings = {"model": "m", "cache.local": 9, "top_blocks.block": 4, "lengths": "64", "needle.depths": 2}
    of_tasks, of_memories = apart(settings, said)
    assert of_tasks == {"lengths": "64", "needle.depths": 2}
    made = contenders(said, ("cache",), {}, of_memories)
    assert [(c.form, c.name) for c in made] == [("cache", "streaming"), ("cache", "top_blocks"), ("cache", FULL)]
    assert [c.settings for c in made] == [{"local": 9}, {"local": 9, "block": 4}, {}]
    assert {id(c.model) for c in made} == {id(made[0].model)}, "loaded once"
    assert made[0].model.folder == "m"
    text, cache = contenders(["words", "streaming"], ("text", "cache"), {})
    assert isinstance(text, TextMemory)
    assert isinstance(cache, CacheMemory)


def test_the_command_line_puts_memories_to_a_task_by_name():
    said = "bench needle --memory full --memory top_blocks --set lengths=100 --set contexts=1 --json"
    more = [f"--set=model={MODEL.folder}", "--set=cache.local=8", "--set=top_blocks.block=4"]
    result = CliRunner().invoke(main, [*said.split(), *more])
    assert result.exit_code == 0, result.output
    full, top = json.loads(result.stdout)["data"]["rows"]
    assert (full["memory"], full["settings"], full["task_settings"]["lengths"]) == (FULL, {}, "100")
    assert (top["memory"], top["settings"]["local"], top["settings"]["block"]) == ("top_blocks", 8, 4)
    assert full["scores"]["right"]["value"] == 1
