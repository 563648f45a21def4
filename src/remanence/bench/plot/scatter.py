"""What something is worth against what it costs: a point each, the bargains filled."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from remanence.bench.plot.axis import axis
from remanence.bench.plot.frame import ACROSS, HEIGHT, UP, WIDTH, frame
from remanence.bench.plot.labels import placed
from remanence.bench.plot.markup import picture, tag

CLOSE = 18.0  # pixels up or down; a name further from its point is tied to it by a line


@dataclass(frozen=True, slots=True)
class Point:
    """`x` is what it costs, `y` what it is worth, `error` how sure that is."""

    name: str
    x: float
    y: float
    error: float | None = None


def scatter(points: Sequence[Point], x_name: str, y_name: str) -> Element:
    """Filled are those for which no other point is both cheaper and better. The cost's axis is by logarithms."""
    x = axis((p.x for p in points), *ACROSS, log=True)
    y = axis((p.y + sign * (p.error or 0) for p in points for sign in (-1, 1)), *UP)
    at = [(x.at(p.x), y.at(p.y)) for p in points]
    within = (ACROSS[0], UP[1], ACROSS[1], UP[0])
    parts: list[Element] = [frame(x, y, x_name, y_name)]
    for point, (right, up) in zip(points, at, strict=True):
        if point.error:
            ends = {"y1": y.at(point.y - point.error), "y2": y.at(point.y + point.error)}
            parts.append(tag("line", class_="error", x1=right, x2=right, **ends))
        said = tag("title", f"{point.name}: {point.y:.3f} at {point.x:,.4g}")
        kind = "dot best" if bargain(point, points) else "dot"
        parts.append(tag("circle", said, class_=kind, cx=right, cy=up, r=4))
    texts = placed(at, [p.name for p in points], within)
    for point, (right, up), (x_text, y_text, anchor) in zip(points, at, texts, strict=True):
        if abs(y_text - up) > CLOSE:
            parts.append(tag("line", class_="leader", x1=right, y1=up, x2=x_text, y2=y_text - 4))
        parts.append(tag("text", point.name, x=x_text, y=y_text, text_anchor=anchor))
    return picture(WIDTH, HEIGHT, f"{y_name} against {x_name}", *parts)


def bargain(point: Point, points: Sequence[Point]) -> bool:
    """Whether no other is at least as good and as cheap, and better in one of them."""
    return not any(p.x <= point.x and p.y >= point.y and (p.x, p.y) != (point.x, point.y) for p in points)
