"""Elements of a page or a picture; what they say can never be taken for markup, whoever wrote it."""

import re
from pathlib import Path
from xml.etree.ElementTree import Element, tostring

# What XML cannot hold, and what turns the reading direction around.
UNFIT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]")
STYLE = Path(__file__).with_name("plot.css")
Part = Element | str


def tag(name: str, /, *inside: Part, **attributes: object) -> Element:
    """An element. `class_` stands for class, `text_anchor` for text-anchor."""
    made = Element(name, {key.strip("_").replace("_", "-"): _said(value) for key, value in attributes.items()})
    for part in inside:
        if not isinstance(part, str):
            made.append(part)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + fit(part)
        else:
            made.text = (made.text or "") + fit(part)
    return made


def picture(width: float, height: float, title: str, *inside: Part) -> Element:
    """An SVG that scales with the page; its title is what a screen reader says."""
    box = f"0 0 {width:g} {height:g}"
    xmlns = "http://www.w3.org/2000/svg"
    return tag("svg", tag("title", title), *inside, xmlns=xmlns, viewBox=box, width=width, height=height, role="img")


def alone(svg: Element) -> str:
    """The picture as a file of its own, with the colours it needs for light and for dark."""
    svg.insert(1, tag("style", STYLE.read_text(encoding="utf-8")))
    return written(svg) + "\n"


def written(element: Element) -> str:
    """As text, which both XML and HTML parsers read the same as long as no element but a picture's is empty."""
    return tostring(element, encoding="unicode")


def fit(text: str) -> str:
    """The text with what a page cannot hold marked."""
    return UNFIT.sub("\ufffd", text)


def _said(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else fit(str(value))
