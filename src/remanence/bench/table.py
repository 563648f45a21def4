"""Rows as aligned columns for a terminal."""

from collections.abc import Mapping, Sequence

from remanence.bench.average import ENOUGH_WORLDS, Average
from remanence.bench.clock import Timing
from remanence.bench.row import Row

COLUMNS = 6  # metrics shown; the rows hold all
FOOT = (
    f"± standard error, clustered by world from {ENOUGH_WORLDS} worlds on; "
    "write and read: median ms of CPU an event and a question; tokens: of the first ten texts found"
)


def table(rows: Sequence[Row], metrics: Sequence[str] = (), by: str = "") -> str:
    """One line a row with its costs, or with `by` one line a row and group of that tag."""
    shown = list(metrics) or list(dict.fromkeys(name for row in rows for name in row.scores))[:COLUMNS]
    costs = ["B/event", "write ms", "read ms", "tokens", "lm calls", "s"]
    lines = [["memory", by, *shown, "n"] if by else ["memory", *shown, "n", *costs]]
    for row in rows:
        if row.status == "failed":
            lines.append([row.memory, "failed: " + row.error])
        elif by:
            lines += [[row.memory, group, *_scores(of, shown)] for group, of in row.groups.get(by, {}).items()]
        else:
            lines.append([row.memory, *_scores(row.scores, shown), *_cost(row)])
    return "\n".join([*aligned(lines), FOOT, *dict.fromkeys(note for row in rows for note in row.notes)])


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Cells padded to the width of their column: the first column to the left, the others to the right."""
    full = [line for line in lines if len(line) == len(lines[0])]
    widths = [max(len(line[i]) for line in full) for i in range(len(lines[0]))]
    widths[0] = max(len(line[0]) for line in lines)

    def padded(line: Sequence[str]) -> str:
        if len(line) < len(widths):  # a failure: one cell over all columns
            return f"{line[0]:<{widths[0]}}  {' '.join(line[1].split())}"
        rest = [f"{cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=True)]
        return "  ".join([f"{line[0]:<{widths[0]}}", *rest])

    return [padded(line).rstrip() for line in lines]


def _scores(of: Mapping[str, Average], shown: Sequence[str]) -> list[str]:
    counts = {str(of[name].count) for name in shown if name in of}
    return [*(score(of.get(name)) for name in shown), "/".join(sorted(counts, key=int)) or "-"]


def score(average: Average | None) -> str:
    if average is None or average.value is None:
        return "-"
    return f"{average.value:.3f}" + (f" ± {average.quoted:.3f}" if average.quoted is not None else "")


def _cost(row: Row) -> list[str]:
    cost = row.cost
    return [
        f"{cost.bytes_per_event:.0f}", _ms(cost.write), _ms(cost.read), f"{cost.tokens:.0f}", str(cost.lm_calls),
        f"{cost.seconds:.1f}",
    ]  # fmt: skip


def _ms(timing: Timing | None) -> str:
    return "-" if timing is None else f"{timing.cpu_ms:.2f}"
