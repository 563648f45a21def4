"""Results as one page that needs nothing else: tables, and what each memory is worth against what it costs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from xml.etree.ElementTree import Element

from remanence.bench.clock import Timing
from remanence.bench.naming import latest, named, plain
from remanence.bench.plot.heatmap import heatmap
from remanence.bench.plot.markup import STYLE, tag, written
from remanence.bench.plot.scatter import Point, scatter
from remanence.bench.row import CROSS, Row
from remanence.bench.summary import answered, headline
from remanence.bench.table import score

HERE = Path(__file__).parent
NOTHING_ELSE = "default-src 'none'; style-src 'unsafe-inline'"  # the page loads nothing, whatever a name says
COSTS: dict[str, Callable[[Row], float | None]] = {  # the pictures' horizontal axes
    "bytes an event": lambda row: row.cost.bytes_per_event,
    "CPU ms to read, a question": lambda row: row.cost.read.cpu_ms if row.cost.read else None,
    "CPU ms to write, an event": lambda row: row.cost.write.cpu_ms if row.cost.write else None,
}
Line = Sequence[str]
Named = dict[str, Row]  # under the name a reader tells it from the others by


def page(rows: Sequence[Row]) -> str:
    """Well-formed as XML and as HTML. A measurement that was made twice is shown as it came out last."""
    rows = latest(rows)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=NOTHING_ELSE),
        tag("title", "Remanence bench"),
        tag("style", STYLE.read_text(encoding="utf-8") + (HERE / "report.css").read_text(encoding="utf-8")),
    )
    about = [tag("p", text, class_="soft") for text in (*answered(rows), *_made_by(rows))]
    body = tag("body", tag("h1", "Remanence bench"), *(part for of in sections(rows) for part in _section(of)), *about)
    return "<!DOCTYPE html>\n" + written(tag("html", head, body, lang="en")) + "\n"


def sections(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows that may be compared: the same task, settings, seed and limit, in the order they first came."""
    same: dict[str, list[Row]] = {}
    for row in rows:
        same.setdefault(plain(row.task, row.task_settings, row.seed, row.limit), []).append(row)
    return list(same.values())


def _section(rows: Sequence[Row]) -> Iterator[Element]:
    first, metric = rows[0], headline(rows)
    chosen = [f"{key} {value}" for key, value in first.task_settings.items()]
    chosen += [f"seed {first.seed}", *([f"first {first.limit} questions"] if first.limit else [])]
    yield tag("h2", first.task or "-")
    yield tag("p", ", ".join(chosen), class_="soft")
    best = sorted(named(rows).items(), key=lambda item: -_value(item[1], metric))
    yield _scored(dict(best))
    done = {name: row for name, row in best if row.status == "done"}
    yield from _pictures(_scatters(done, metric))
    tags = list(dict.fromkeys(name for row in done.values() for name in row.groups))
    for crossed in (name for name in tags if CROSS in name):
        yield tag("h3", f"{metric} by {crossed}")
        yield from _pictures(_heatmaps(done, metric, crossed))
    for name in tags:
        yield _by(done, name)
    for note in dict.fromkeys(note for row in rows for note in row.notes if note):
        yield tag("p", note, class_="soft")


def _pictures(figures: Iterable[Element]) -> Iterator[Element]:
    """Side by side; an element with nothing in it would be left open by an HTML parser."""
    if held := list(figures):
        yield tag("div", *held, class_="pictures")


def _scored(rows: Named) -> Element:
    metrics = list(dict.fromkeys(metric for row in rows.values() for metric in row.scores))
    head = ["memory", *metrics, "n", "B/event", "write ms", "p95", "read ms", "p95", "tokens", "lm calls", "s"]
    lines = []
    for name, row in rows.items():
        if row.status == "failed":
            lines.append([name, f"failed: {row.error}"])
            continue
        cost = row.cost
        lines.append([
            name, *(score(row.scores.get(metric)) for metric in metrics), str(row.probes),
            f"{cost.bytes_per_event:.0f}", *_ms(cost.write), *_ms(cost.read), f"{cost.tokens:.0f}",
            str(cost.lm_calls), f"{cost.seconds:.1f}",
        ])  # fmt: skip
    return _table(head, lines)


def _by(rows: Named, by: str) -> Element:
    """Every number by one tag, folded away."""
    metrics = list(dict.fromkeys(m for row in rows.values() for of in row.groups.get(by, {}).values() for m in of))
    lines = [
        [name, value, *(score(of.get(metric)) for metric in metrics), str(max(a.count for a in of.values()))]
        for name, row in rows.items()
        for value, of in row.groups.get(by, {}).items()
    ]
    return tag("details", tag("summary", f"by {by}"), _table(["memory", by, *metrics, "n"], lines))


def _scatters(rows: Named, metric: str) -> Iterator[Element]:
    for name, cost in COSTS.items():
        points = []
        for label, row in rows.items():
            worth, spent = row.scores.get(metric), cost(row)
            if worth is not None and worth.value is not None and spent is not None:
                points.append(Point(label, spent, worth.value, worth.quoted))
        if points:
            yield tag("figure", scatter(points, name, metric))


def _heatmaps(rows: Named, metric: str, crossed: str) -> Iterator[Element]:
    x_name, y_name = crossed.split(CROSS)
    for label, row in rows.items():
        cells = {}
        for pair, of in row.groups.get(crossed, {}).items():
            x, y = pair.split(CROSS)
            if metric in of and (value := of[metric].value) is not None:
                cells[x, y] = value
        if cells:
            yield tag("figure", heatmap(cells, x_name, y_name, label), tag("figcaption", label or "-"))


def _table(head: Line, lines: Sequence[Line]) -> Element:
    """Cells; a line that is too short ends in one cell over the rest."""
    body = []
    for line in lines:
        *cells, last = (tag("td", cell or "-") for cell in line)
        if len(line) < len(head):
            last.set("colspan", str(len(head) - len(line) + 1))
            last.set("class", "failed")
        body.append(tag("tr", *cells, last))
    names = tag("tr", *(tag("th", name, scope="col") for name in head))
    return tag("div", tag("table", tag("thead", names), tag("tbody", *body)), class_="wide")


def _ms(timing: Timing | None) -> tuple[str, str]:
    return ("-", "-") if timing is None else (f"{timing.cpu_ms:.2f}", f"{timing.cpu_ms_p95:.2f}")


def _value(row: Row, metric: str) -> float:
    average = row.scores.get(metric)
    return average.value if average is not None and average.value is not None else float("-inf")


def _made_by(rows: Sequence[Row]) -> Iterator[str]:
    for commit, of in groupby(sorted(rows, key=lambda row: row.commit), key=lambda row: row.commit):
        versions = {f"{key} {value}" for row in of for key, value in row.versions.items()}
        yield f"commit {commit or 'unknown'}: {', '.join(sorted(versions))}"
    yield "± is the standard error, clustered by world where there are enough; times are medians of CPU milliseconds."
