"""Write the table of methods into README.md, from the files' own docstrings: `python scripts/readme_methods.py`."""

import ast
import re
from pathlib import Path

from remanence.registry import names

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- methods: written by scripts/readme_methods.py -->\n", "<!-- end of methods -->"
ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")


def row(form: str, name: str) -> str:
    """One method: its name, what it is, its first source, linked where that has a number at arXiv."""
    path = f"src/remanence/{form}/{name}.py"
    doc = ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8"))) or ""
    what = doc.split("\n\n")[0].replace("\n", " ").rstrip(".")
    said = re.search(r"^Source:\s+(.*?)(?=^\w+:|^$)", doc, re.MULTILINE | re.DOTALL)
    source = " ".join(said[1].split()) if said else ""
    number = ARXIV.search(source)
    short = source.split('"')[1] if '"' in source else re.split(r"\. |: |; ", source)[0]
    linked = f"[{short}](https://arxiv.org/abs/{number[1]})" if number else short
    return f"| [`{name}`]({path}) | {what} | {linked} |"


def table() -> str:
    rows = [row("text", name) for name in names("text")]
    return "\n".join(["| method | what it is | source |", "|---|---|---|", *rows]) + "\n"


def with_table(readme: str) -> str:
    """The README with the table between its two marks brought up to date."""
    start, end = readme.index(BEGIN) + len(BEGIN), readme.index(END)
    return readme[:start] + table() + readme[end:]


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")
