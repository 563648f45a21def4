"""`remanence train`: a sweep in one table, the best model kept, and two processes that teach as one does alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from safetensors.torch import load_file  # noqa: E402

from remanence.cli import main  # noqa: E402

torch.set_num_threads(1)
QUICK = ["train", "t_maze", "--width", "16", "--depth", "1", "--steps", "60", "--batch", "16", "--set", "corridor=5"]


def test_a_sweep_is_a_row_for_each_layer_rate_and_seed(tmp_path):
    out = tmp_path / "runs.jsonl"
    words = [*QUICK, "--mixer", "deltanet", "--mixer", "attention", "--lr", "0.01", "--lr", "0.0001", "--seeds", "2"]
    done = CliRunner().invoke(main, [*words, "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    runs = json.loads(done.stdout)["data"]["runs"]
    assert len(runs) == 8 == len(out.read_text().splitlines())
    knows = {run["lr"]: run["accuracy"] for run in runs if run["mixer"] == "deltanet" and run["seed"] == 0}
    assert knows[0.01] == 1.0 > knows[0.0001]


def test_the_best_model_is_kept_and_opens_as_any_other(tmp_path):
    from transformers import AutoModelForCausalLM

    from remanence.layers.lm.model import LM

    done = CliRunner().invoke(
        main, [*QUICK, "--mixer", "deltanet", "--lr", "0.0001", "--lr", "0.01", "--save", str(tmp_path)]
    )
    assert done.exit_code == 0, done.output
    model = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    assert isinstance(model, LM)
    maze = torch.tensor([[0, 3, 3, 3, 3, 3, 2], [1, 3, 3, 3, 3, 3, 2]])
    assert model(maze).logits[:, -1].argmax(-1).tolist() == [0, 1]
    assert not list(tmp_path.glob("*.bin"))


def test_without_a_lesson_the_lessons_are_listed():
    done = CliRunner().invoke(main, ["train", "--json"])
    assert "mqar" in json.loads(done.stdout)["data"]["lessons"]


def test_a_lesson_that_is_not_there_is_named():
    done = CliRunner().invoke(main, ["train", "mqarr"])
    assert done.exit_code == 1
    assert "Did you mean 'mqar'" in done.stderr


@pytest.mark.parametrize("launcher", ["torch.distributed.run", "accelerate.commands.launch"])
def test_two_processes_learn_what_one_does(tmp_path, launcher):
    if launcher.startswith("accelerate"):
        pytest.importorskip("accelerate")
    words = [*QUICK, "--mixer", "deltanet", "--lr", "0.003"]
    assert CliRunner().invoke(main, [*words, "--save", str(tmp_path / "one")]).exit_code == 0
    how = ["--nproc-per-node", "2"] if "torch" in launcher else ["--cpu", "--num_processes", "2"]
    source = str(Path(__file__).parent.parent / "src")
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": source, "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", launcher, *how, "-m", "remanence", *words, "--save", str(tmp_path / "two")]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    assert one.keys() == two.keys()
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-3
