"""The lines and numbers that a picture stands in."""

from xml.etree.ElementTree import Element

from remanence.bench.plot.axis import Axis
from remanence.bench.plot.markup import tag

WIDTH, HEIGHT = 640.0, 420.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 16.0, 14.0, 44.0  # margins
ACROSS, UP = (LEFT, WIDTH - RIGHT), (HEIGHT - BOTTOM, TOP)


def frame(x: Axis, y: Axis, x_name: str, y_name: str) -> Element:
    """A grid with the axes' numbers and names."""
    left, right, bottom, top = (*ACROSS, *UP)
    parts: list[Element] = []
    for value in x.ticks():
        at = x.at(value)
        parts += [
            tag("line", class_="grid", x1=at, x2=at, y1=top, y2=bottom),
            tag("text", f"{value:,.10g}", x=at, y=bottom + 16, text_anchor="middle"),
        ]
    for value in y.ticks():
        at = y.at(value)
        parts += [
            tag("line", class_="grid", x1=left, x2=right, y1=at, y2=at),
            tag("text", f"{value:,.10g}", x=left - 6, y=at + 4, text_anchor="end"),
        ]
    middle = (top + bottom) / 2
    parts += [
        tag("text", x_name, class_="name", x=(left + right) / 2, y=HEIGHT - 8, text_anchor="middle"),
        tag("text", y_name, class_="name", transform=f"translate(13 {middle:.0f}) rotate(-90)", text_anchor="middle"),
    ]
    return tag("g", *parts, class_="frame")
