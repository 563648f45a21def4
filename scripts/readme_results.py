"""Write the table of results into README.md from docs/results/text.jsonl.

    remanence bench locomo multihop conflict --data DATA --memory all --out RESULTS.jsonl --resume
    python scripts/readme_results.py RESULTS.jsonl                          # these results and no others
    python scripts/readme_results.py docs/results/text.jsonl RESULTS.jsonl  # what is there, and these instead
    python scripts/readme_results.py                                        # the table alone

Of what the bench wrote, docs/results/text.jsonl keeps what the table needs; `remanence report` reads it too.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from remanence.bench.naming import short
from remanence.bench.row import Row
from remanence.bench.rows import read
from remanence.bench.summary import answered, by_memory, costs
from remanence.bench.table import score

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results" / "text.jsonl"
BEGIN, END = "<!-- results: written by scripts/readme_results.py -->\n", "<!-- end of results -->"
SHOWN = {
    "locomo": ("LoCoMo R@10", "recall@10"),
    "multihop": ("multi-hop R@5", "recall@5"),
    "conflict": ("conflict right", "right"),
}


def kept(rows: Sequence[Row]) -> list[Row]:
    """What the table needs of the rows it shows: of each memory and task the last, without groups and the like."""
    last = {(row.memory, row.task): row for row in rows if row.form == "text" and row.task in SHOWN}
    for task in SHOWN:
        asked = {(row.seed, row.limit, str(row.task_settings)) for row in last.values() if row.task == task}
        if len(asked) > 1:
            raise SystemExit(f"{task} was asked in several ways, which no table may mix: {sorted(map(str, asked))}")
    return [_stripped(row) for row in last.values()]


def table(rows: Sequence[Row]) -> str:
    """Markdown, the best on LoCoMo first."""
    heads = ["method", *(name for name, _ in SHOWN.values()), "bytes/event", "write ms", "read ms"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    memories = sorted(
        by_memory(rows), key=lambda of: -max((_value(row) for row in of if row.task == "locomo"), default=0)
    )
    for of in memories:
        cells = [_cell(next((row for row in of if row.task == task), None)) for task in SHOWN]
        lines.append(f"| {' | '.join([f'`{of[0].memory}`', *cells, *costs(of)[:3]])} |")
    limits = [f"the first {row.limit} questions of each" for row in rows if row.limit]
    foot = [*answered(rows), *limits[:1], "commit " + ", ".join(sorted({short(row.commit) for row in rows}))]
    return "\n".join([*lines, "", "; ".join(foot) + "."]) + "\n"


def with_table(readme: str, rows: Sequence[Row]) -> str:
    """The README with the table between its two marks brought up to date."""
    start, end = readme.index(BEGIN) + len(BEGIN), readme.index(END)
    return readme[:start] + table(rows) + readme[end:]


def _stripped(row: Row) -> Row:
    metric = SHOWN[row.task][1]
    cost = replace(row.cost, ask=None, advance=None, sizes={})
    scores = {name: average for name, average in row.scores.items() if name == metric}
    return replace(row, scores=scores, groups={}, cost=cost, settings={}, notes=(), versions={})


def _value(row: Row) -> float:
    average = row.scores.get(SHOWN[row.task][1])
    return average.value or 0 if average else 0


def _cell(row: Row | None) -> str:
    return (
        "failed"
        if row is not None and row.status == "failed"
        else score(row.scores.get(SHOWN[row.task][1]) if row else None)
    )


if __name__ == "__main__":
    if sys.argv[1:]:
        found = kept([row for file in sys.argv[1:] for row in read(Path(file))])
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text("".join(row.json() + "\n" for row in found), encoding="utf-8")
    path = ROOT / "README.md"
    path.write_text(with_table(path.read_text(encoding="utf-8"), read(RESULTS)), encoding="utf-8")
