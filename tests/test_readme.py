"""What the README shows is so: its table is current, its Python runs, the files it names are there."""

import re
import runpy
from pathlib import Path

import remanence

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_methods_is_current():
    script = runpy.run_path(str(ROOT / "scripts" / "readme_methods.py"))
    assert script["with_table"](README) == README, "run: python scripts/readme_methods.py"


def test_the_python_on_the_first_screen_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, remanence.Memory] = {}
    exec(compile(code, "README.md", "exec"), names)
    names["memory"].close()
    out = capsys.readouterr().out
    assert "2024-04-02 I moved to Lisbon in March." in out
    assert "[2024-01-10] Ana: I live in Porto." in out


def test_every_file_it_links_to_is_there():
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", README):
        assert (ROOT / target).exists(), target
