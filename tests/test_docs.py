"""The pages of the cache and layers forms say what is so: they name everything there is, and their Python runs."""

import importlib
import pkgutil
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from remanence.registry import load, names

ROOT = Path(__file__).parent.parent
PAGES = {name: (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("cache", "layers")}
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CODE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SMALL = {"steps=600": "steps=2, exam=20"}  # what would take long otherwise
WRITES = {"cache": "with_policies", "layers": "with_layers"}
LAWS = ("test_layers.py", "test_segment_memories.py", "test_parametric_memories.py")
OF = ("policies", "wrappers", "cells", "segment memories", "parametric memories", "others")


def cells(page: str, name: str) -> list[str]:
    """The row of a table that begins with a name."""
    (row,) = re.findall(rf"^\| \[`{name}`\].*$", page, re.MULTILINE)
    return [cell.strip() for cell in row.strip("|").split("|")]


def wrappers() -> list[str]:
    return [module.name for module in pkgutil.iter_modules([str(ROOT / "src" / "remanence" / "cache" / "wrappers")])]


@pytest.mark.parametrize("name", [*names("cache"), *wrappers()])
def test_every_policy_and_wrapper_is_in_the_page(name):
    _, what, cost, *_ = cells(PAGES["cache"], name)
    assert what and cost


@pytest.mark.parametrize("name", names("layers"))
def test_every_layer_is_in_the_page_with_what_it_cannot_do(name):
    pytest.importorskip("torch")
    *_, exceptions = cells(PAGES["layers"], name)
    declared = load("layers", name).exceptions
    assert all(f"`{law}`: {why}" in exceptions for law, why in declared.items())
    assert declared or exceptions == "none"


@pytest.mark.parametrize("page", PAGES)
def test_its_tables_are_current(page):
    pytest.importorskip("transformers")
    script = runpy.run_path(str(ROOT / "scripts" / "readme_methods.py"))
    assert script[WRITES[page]](PAGES[page]) == PAGES[page], "run: python scripts/readme_methods.py"


def test_every_law_is_explained():
    laws = re.findall(r"^\| `(\w+)` \|[ x]*\|[ x]*\|[ x]*\|", PAGES["layers"], re.MULTILINE)
    asked = {law for file in LAWS for law in re.findall(r'\(name, "(\w+)"', (ROOT / "tests" / file).read_text())}
    assert set(laws) == asked


def test_every_architecture_is_named():
    pytest.importorskip("transformers")
    archs = importlib.import_module("archs")
    kinds = {kind for kind, _ in [*archs.SPECS.values(), *archs.REFUSES.values()]}
    assert kinds <= set(re.findall(r"\w+", PAGES["cache"]))


@pytest.mark.parametrize("page", PAGES)
def test_its_python_runs(page, tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    pytest.importorskip("safetensors")
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    text = torch.randint(3, 256, (1, 400))
    model = importlib.import_module("archs").tiny("llama")
    given: dict[str, Any] = {"model": model, "ids": text[:, 8:], "question": text[:, :8]}
    ran = [run(code, page, given) for code in CODE.findall(PAGES[page])]
    assert len(ran) >= 4
    if page == "cache":
        assert 0 < given["answer"].shape[1] <= 20  # the prompt is cut off
        assert given["rests_on"].shape == (1, 5)
    else:
        memory, x, before, delta = (given[name] for name in ("memory", "x", "before", "delta"))
        torch.testing.assert_close(memory(x), before, rtol=0, atol=1e-4)
        delta.apply(memory)
        torch.testing.assert_close(memory(x), torch.ones(3, 64), rtol=0, atol=1e-4)


def test_what_contributors_are_shown_works():
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    policy, layer, lesson = (run(code, "CONTRIBUTING.md", {}) for code in CODE.findall(CONTRIBUTING))
    with policy["KeyNorm"](sinks=2, local=8, keep=32)(importlib.import_module("archs").tiny("llama")) as memory:
        cache = memory.read(torch.randint(3, 256, (1, 100)), step=20)
    assert {len(layer.held) for layer in cache.memory_layers} == {32}
    cell, x = layer["Fading"](4), torch.randn(2, 6, 4)
    (y, _), (_, state) = cell(x), cell(x[:, :3])
    torch.testing.assert_close(cell(x[:, 3:], state)[0], y[:, 3:])
    examples = lesson["Backwards"]().examples(3, torch.Generator())
    assert examples.labels[:, 8:].tolist() == examples.ids[:, :8].flip(1).tolist()


@pytest.mark.parametrize("page", [*PAGES, "CONTRIBUTING"])
def test_every_file_it_links_to_is_there(page):
    text, folder = (CONTRIBUTING, ROOT) if page == "CONTRIBUTING" else (PAGES[page], ROOT / "docs")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", text):
        assert (folder / target).exists(), target


def test_the_examples_run(capsys):
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    pytest.importorskip("safetensors")
    runpy.run_path(str(ROOT / "examples" / "cache.py"))["main"]()
    everything, newest, best = (int(n) for n in re.findall(r"(\d) of 8 answers right", capsys.readouterr().out))
    assert best > max(everything, newest)
    runpy.run_path(str(ROOT / "examples" / "layers.py"))["main"](steps=2)
    weights = re.findall(r"the state has ([\d,]+) bytes", capsys.readouterr().out)
    assert len(weights) == 2 and len(set(weights)) == 1
    assert torch.is_grad_enabled()


def run(code: str, where: str, names: dict[str, Any]) -> dict[str, Any]:
    """A block of Python, at settings that take no time; what it leaves is there for the next one."""
    for long, short in SMALL.items():
        code = code.replace(long, short)
    exec(compile(code, where, "exec"), names)
    return names
