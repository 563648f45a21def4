"""One number for each pair of two things: the stronger the colour, the larger the number, which stands in its cell."""

from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import Element

from remanence.bench.plot.labels import LETTER
from remanence.bench.plot.markup import picture, tag

CELL, LOW = 54.0, 28.0  # pixels across and down
MARGIN = 34.0


def heatmap(cells: Mapping[tuple[str, str], float], x_name: str, y_name: str, title: str) -> Element:
    """`cells` by (x, y). Colours run from 0 to 1, and further where the numbers do."""
    across, down = _ordered(x for x, _ in cells), _ordered(y for _, y in cells)
    low, high = min(0.0, *cells.values()), max(1.0, *cells.values())
    left = MARGIN + LETTER * max(map(len, down))
    parts: list[Element] = []
    for (x, y), value in cells.items():
        at = {"x": left + CELL * across.index(x), "y": MARGIN + LOW * down.index(y)}
        share = (value - low) / (high - low)
        said = tag("title", f"{x_name} {x}, {y_name} {y}: {value:.3f}")
        parts += [
            tag("rect", said, class_="cell", width=CELL - 2, height=LOW - 2, fill_opacity=f"{share:.2f}", **at),
            tag("text", f"{value:.2f}", x=at["x"] + CELL / 2 - 1, y=at["y"] + LOW / 2 + 3, text_anchor="middle"),
        ]
    for i, x in enumerate(across):
        parts.append(tag("text", x, x=left + CELL * (i + 0.5) - 1, y=MARGIN - 5, text_anchor="middle"))
    for i, y in enumerate(down):
        parts.append(tag("text", y, x=left - 6, y=MARGIN + LOW * (i + 0.5) + 3, text_anchor="end"))
    middle = MARGIN + LOW * len(down) / 2
    parts += [
        tag("text", x_name, class_="name", x=left + CELL * len(across) / 2, y=14, text_anchor="middle"),
        tag("text", y_name, class_="name", transform=f"translate(13 {middle:.0f}) rotate(-90)", text_anchor="middle"),
    ]
    return picture(left + CELL * len(across) + 8, MARGIN + LOW * len(down) + 8, title, *parts)


def _ordered(values: Iterable[str]) -> list[str]:
    """Numbers by size, words as they came."""
    found = list(dict.fromkeys(values))
    try:
        return sorted(found, key=float)
    except ValueError:
        return found
