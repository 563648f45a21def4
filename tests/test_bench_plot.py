"""Pictures: values fall where they should, ticks are round, names do not lie on each other."""

from xml.etree.ElementTree import Element, fromstring

import pytest

from remanence.bench.plot.axis import axis
from remanence.bench.plot.heatmap import heatmap
from remanence.bench.plot.labels import LETTER, placed
from remanence.bench.plot.line import line
from remanence.bench.plot.markup import alone, tag, written
from remanence.bench.plot.scatter import Point, bargain, scatter

SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg: Element) -> Element:
    return fromstring(written(svg))


def test_an_axis_is_even_in_differences_or_in_ratios():
    plain = axis([0, 10], 0, 100)
    assert plain.at(5) == pytest.approx(50)
    assert plain.at(0) > 0 and plain.at(10) < 100, "room at both ends"
    ratios = axis([10, 1000], 0, 100, log=True)
    assert ratios.at(100) == pytest.approx(50)
    downward = axis([0, 10], 100, 0)
    assert downward.at(10) < downward.at(0)


@pytest.mark.parametrize(("low", "high"), [(0.1, 0.9), (0.51, 0.62), (0, 1e6), (-3, 3), (5, 5), (0, 0)])
def test_ticks_are_few_round_and_inside(low, high):
    x = axis([low, high], 0, 100)
    ticks = x.ticks()
    assert 1 <= len(ticks) <= 9
    assert ticks == sorted(set(ticks))
    assert all(x.low <= tick <= x.high for tick in ticks)
    assert all(len(f"{tick:.10g}".lstrip("-").replace(".", "").strip("0")) <= 3 for tick in ticks)


def test_ticks_of_ratios():
    assert axis([10, 100], 0, 100, log=True).ticks() == [10, 20, 50, 100]
    assert axis([1, 1e6], 0, 100, log=True).ticks() == [10.0**p for p in range(7)]
    assert len(axis([6000, 6100], 0, 100, log=True).ticks()) > 1, "less than a decade has ticks too"
    assert not axis([0, 5], 0, 100, log=True).log, "there is no ratio to nothing"


def test_filled_are_those_that_no_other_beats_at_both():
    cheap, good, worse, same = (
        Point("cheap", 1, 0.5),
        Point("good", 9, 0.9),
        Point("worse", 9, 0.5),
        Point("same", 1, 0.5),
    )
    points = [cheap, good, worse, same]
    assert [bargain(point, points) for point in points] == [True, True, False, True]
    dots = {dot[0].text: dot for dot in drawn(scatter(points, "cost", "worth")).iter(f"{SVG}circle")}
    kinds = {name.split(":")[0]: dot.get("class") for name, dot in dots.items()}
    assert kinds == {"cheap": "dot best", "good": "dot best", "worse": "dot", "same": "dot best"}
    high, low = dots["good: 0.900 at 9"], dots["worse: 0.500 at 9"]
    assert float(high.get("cy")) < float(low.get("cy")) and high.get("cx") == low.get("cx")


def test_an_error_bar_is_as_long_as_the_error():
    svg = drawn(scatter([Point("a", 1, 0.5, 0.1), Point("b", 2, 0.7)], "cost", "worth"))
    (bar,) = [mark for mark in svg.iter(f"{SVG}line") if mark.get("class") == "error"]
    a, b = (float(dot.get("cy")) for dot in svg.iter(f"{SVG}circle"))
    assert float(bar.get("y1")) - float(bar.get("y2")) == pytest.approx(a - b, abs=0.3), "0.2 is 0.2"
    assert (float(bar.get("y1")) + float(bar.get("y2"))) / 2 == pytest.approx(a, abs=0.2)


def test_names_of_points_that_crowd_do_not_lie_on_each_other():
    points = [(100.0 + i, 100.0 + 2 * i) for i in range(6)]
    boxes = []
    for (x, y, anchor), name in zip(placed(points, ["memory"] * 6, (0, 0, 600, 400)), ["memory"] * 6, strict=True):
        left = x - {"start": 0, "middle": 0.5, "end": 1}[anchor] * len(name) * LETTER
        boxes.append((left, y - 9, left + len(name) * LETTER, y + 2))
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3], (a, b)


def test_a_name_at_the_edge_stays_inside():
    ((x, _, anchor),) = placed([(595.0, 200.0)], ["a long name"], (0, 0, 600, 400))
    assert (anchor, x < 595) == ("end", True)


def test_a_line_joins_its_points_in_order():
    svg = drawn(line({"up": [(100, 3.0), (1, 1.0), (10, 2.0)], "flat": [(1, 1.0), (100, 1.0)]}, "x", "y", log=True))
    up, flat = (
        [tuple(map(float, at.split(","))) for at in p.get("points").split()] for p in svg.iter(f"{SVG}polyline")
    )
    assert [x for x, _ in up] == sorted(x for x, _ in up)
    assert up[1][0] - up[0][0] == pytest.approx(up[2][0] - up[1][0], abs=0.2)
    assert [y for _, y in up] == sorted((y for _, y in up), reverse=True)
    assert flat[0][1] == flat[1][1]
    assert {"up", "flat"} <= {text.text for text in svg.iter(f"{SVG}text")}


def test_a_heat_map_sorts_numbers_as_numbers_and_leaves_words_as_they_come():
    svg = drawn(heatmap({(x, y): 0.5 for x in ("1024", "512") for y in ("late", "early")}, "length", "when", "t"))
    at = {text.text: (float(text.get("x") or 0), float(text.get("y") or 0)) for text in svg.iter(f"{SVG}text")}
    assert at["512"][0] < at["1024"][0]
    assert at["late"][1] < at["early"][1]


def test_a_picture_alone_brings_its_colours():
    root = fromstring(alone(line({"a": [(1, 1.0), (2, 2.0)]}, "x", "y")))
    assert root.tag == f"{SVG}svg"
    assert "prefers-color-scheme: dark" in root.find(f"{SVG}style").text


def test_what_is_said_is_never_markup():
    assert written(tag("p", "<b>&", tag("i", "x"), "</p>", class_='"><')) == (
        '<p class="&quot;&gt;&lt;">&lt;b&gt;&amp;<i>x</i>&lt;/p&gt;</p>'
    )
