"""House rules as tests, so that nobody has to remember them in review."""

import ast
import tomllib
from pathlib import Path

import pytest

from remanence.registry import FORMS, load, names

ROOT = Path(__file__).parent.parent / "src" / "remanence"
TESTS = Path(__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
MEMORIES = ("text", "cache", "layers", "weights")
METHODS = [(form, name) for form in MEMORIES for name in names(form)]

# A file may import from what stands above it; the four forms never import each other.
ORDER = [
    "errors", "settings", "registry", "records", "lm", "embed", "store", "text", "plain", "given", "quarantine",
    "formats", "memory", "local", "remote", "opening", "integrations", "cache", "layers", "weights", "cube", "bench",
    "serve", "cli", "__main__",
]  # fmt: skip
LIMIT = 300
LONG: dict[str, int] = {}  # a ratchet: entries shrink or go
VAGUE = {"utils", "helpers", "common", "misc", "core", "new", "v2"}


def imported(tree: ast.AST) -> set[str]:
    """The parts of the house a file imports, wherever in the file it does."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("remanence."):
            found.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.ImportFrom) and node.module == "remanence":
            found |= {alias.name for alias in node.names if alias.name in ORDER}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("remanence.")}
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_house_rules(file: Path) -> None:
    text, name = file.read_text(), str(file.relative_to(ROOT))
    tree = ast.parse(text)
    here = file.relative_to(ROOT).parts[0].removesuffix(".py")
    assert len(text.splitlines()) <= LONG.get(name, LIMIT), "too long: split it by idea"
    assert ast.get_docstring(tree), "a file opens by saying what it is"
    assert file.stem not in VAGUE, "a file is named after what it does"
    assert here == "__init__" or here in ORDER, f"{here} has no place in the house"
    for there in imported(tree) if here != "__init__" else ():
        assert ORDER.index(there) <= ORDER.index(here), f"{here} may not import {there}"
        assert there == here or not {here, there} <= set(MEMORIES), "forms do not import each other"
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = getattr(node.type, "id", None) if node.type is not None else None
            broad = caught in (None, "Exception") and not isinstance(node.type, ast.Tuple | ast.Attribute)
            # BaseException may be caught to clean up, if it goes on
            again = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
            assert not broad or name == "serve/problem.py", f"line {node.lineno}: name the exception"
            assert caught != "BaseException" or again, f"line {node.lineno}: caught everything and raised nothing"
        if isinstance(node, ast.Attribute | ast.Name) and file.name != "settings.py":
            word = node.attr if isinstance(node, ast.Attribute) else node.id
            assert word not in ("environ", "getenv"), f"line {node.lineno}: only settings.py reads the environment"
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [a.name for a in node.names] + [getattr(node, "module", None) or ""]
            assert not {"pickle", "dill", "joblib"} & {m.split(".")[0] for m in modules}, "we do not unpickle"


@pytest.mark.parametrize(("form", "name"), METHODS)
def test_a_method_names_its_source_and_has_a_truth_test(form: str, name: str) -> None:
    doc = ast.get_docstring(ast.parse((ROOT / form / f"{name}.py").read_text())) or ""
    assert "\nSource:" in doc, "add a Source: line"
    assert (TESTS / f"test_{name}.py").exists(), f"add tests/test_{name}.py"


@pytest.mark.parametrize(("form", "name"), [(f, n) for f in FORMS for n in names(f)])
def test_every_file_of_a_form_holds_one_part(form: str, name: str) -> None:
    module = ast.parse((ROOT / form / f"{name}.py").read_text())
    public = [n.name for n in module.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]
    if form in ("cache", "layers", "weights", "bench/lessons"):
        pytest.importorskip("torch")
    assert load(form, name).__name__ in public


def test_the_reading_list_points_at_what_works() -> None:
    rows = tomllib.loads((ROOT / "papers.toml").read_text())["paper"]
    assert len({row["key"] for row in rows}) == len(rows)
    for row in rows:
        if "where" not in row:
            continue
        path = ROOT / row["where"]
        assert path.exists(), f"{row['key']}: no {row['where']}"
        doc = " ".join((ast.get_docstring(ast.parse(path.read_text())) or "").lower().split())
        assert " ".join(row["title"].lower().split()) in doc, f"{row['where']} does not cite {row['title']!r}"
        assert (TESTS / f"test_{path.stem}.py").exists(), f"{row['where']} has no truth test"


def test_importing_the_package_loads_nothing_heavy() -> None:
    import subprocess
    import sys

    code = "import sys, remanence; print({'numpy', 'torch', 'sqlite3', 'click'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "set()"
