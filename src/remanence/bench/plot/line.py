"""How something changes along an axis: a line each, its name at the upper end of it."""

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from remanence.bench.plot.axis import axis
from remanence.bench.plot.frame import ACROSS, HEIGHT, UP, WIDTH, frame
from remanence.bench.plot.markup import picture, tag

COLOURS = 6  # in plot.css; then they come again, dashed


def line(
    series: Mapping[str, Sequence[tuple[float, float]]], x_name: str, y_name: str, *, log: bool = False
) -> Element:
    """Each series as (x, y), joined in the order of x."""
    x = axis((x for points in series.values() for x, _ in points), *ACROSS, log=log)
    y = axis((y for points in series.values() for _, y in points), *UP)
    parts: list[Element] = [frame(x, y, x_name, y_name)]
    for i, (name, points) in enumerate(series.items()):
        kind = f"c{i % COLOURS}" + (" dashed" if i >= COLOURS else "")
        at = [(x.at(a), y.at(b)) for a, b in sorted(points)]
        parts.append(tag("polyline", class_=f"line {kind}", points=" ".join(f"{a:.1f},{b:.1f}" for a, b in at)))
        for (a, b), (right, up) in zip(sorted(points), at, strict=True):
            said = tag("title", f"{name}: {b:.3f} at {a:,.4g}")
            parts.append(tag("circle", said, class_=f"mark {kind}", cx=right, cy=up, r=3.5))
    return picture(WIDTH, HEIGHT, f"{y_name} against {x_name}", *parts, _legend(list(series)))


def _legend(names: Sequence[str]) -> Element:
    """At the lower right, where what rises leaves room."""
    parts: list[Element] = []
    right, bottom = ACROSS[1] - 150, UP[0] - 10
    for i, name in enumerate(names):
        up = bottom - 16 * (len(names) - 1 - i)
        kind = f"c{i % COLOURS}" + (" dashed" if i >= COLOURS else "")
        parts += [
            tag("line", class_=f"line {kind}", x1=right, x2=right + 20, y1=up - 4, y2=up - 4),
            tag("text", name, x=right + 26, y=up),
        ]
    return tag("g", *parts, class_="legend")
