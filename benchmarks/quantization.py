"""How much of an embedding is needed: bytes kept of each vector against what is still found.

    python benchmarks/quantization.py --data DATA --limit 400

Dense retrieval on LoCoMo by `embedding_quantization`, every code at all, half and a quarter of the dimensions; a table,
and the picture docs/plots/embedding_quantization.svg. What rescoring reads, the store's own vectors, is not counted.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from text_speed import columns

from remanence.bench.plot.line import line
from remanence.bench.plot.markup import alone
from remanence.bench.row import Row
from remanence.bench.run import run
from remanence.bench.table import score
from remanence.bench.tasks.locomo import LoCoMo
from remanence.bench.text_memory import TextMemory
from remanence.registry import build

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "plots" / "embedding_quantization.svg"
METHOD, METRIC, RESCORED = "embedding_quantization", "recall@10", 50  # as many as LoCoMo asks for
SHARES = {"all": 1.0, "half": 0.5, "a quarter": 0.25}
CODES = {name: (name, 0) for name in ("float32", "float16", "float8", "int8", "binary")} | {
    f"binary, {RESCORED} rescored": ("binary", RESCORED)
}
Curves = dict[str, list[tuple[float, Row]]]  # by code: bytes of a vector, and what was measured


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--data", default="data", help="where LoCoMo lies")
    ask.add_argument("--limit", type=int, help="the first so many questions; all unless said")
    ask.add_argument("--embed", default="static")
    ask.add_argument("--picture", type=Path, default=PICTURE)
    said = ask.parse_args()
    curves: Curves = {}
    for name, size, row in measured(said.data, said.limit, said.embed):
        curves.setdefault(name, []).append((size, row))
    print("\n".join(columns(table(curves))))
    drawn = {name: [(size, row.scores[METRIC].value) for size, row in curve] for name, curve in curves.items()}
    said.picture.parent.mkdir(parents=True, exist_ok=True)
    asked = next(row for curve in curves.values() for _, row in curve).probes
    title = f"LoCoMo {METRIC}, {asked:,} questions"
    said.picture.write_text(alone(line(drawn, "bytes a vector", title, log=True)), encoding="utf-8")


def measured(data: str, limit: int | None, embed: str) -> Iterator[tuple[str, float, Row]]:
    """The code's name, the bytes of one vector, and the row, for each code and share."""
    embedder, task = build("embed", embed), LoCoMo(data)
    for name, (code, rescore) in CODES.items():
        for share in SHARES.values():
            settings = {"code": code, "kept": share, "rescore": rescore}
            (row,) = run(task, [TextMemory(METHOD, embedder, settings=settings)], limit=limit)
            if row.status == "failed":
                raise SystemExit(f"{name}: {row.error}")
            yield name, build("text", METHOD, **settings).bytes_per_vector(embedder.dim), row


def table(curves: Curves) -> list[list[str]]:
    """A line a code, a column a share of the dimensions."""
    lines = [["code", *(f"{share}, bytes" for share in SHARES), *(f"{share}, {METRIC}" for share in SHARES)]]
    for name, curve in curves.items():
        found = [score(row.scores[METRIC]) for _, row in curve]
        lines.append([name, *(f"{size:,.0f}" for size, _ in curve), *found])
    return lines


if __name__ == "__main__":
    main()
