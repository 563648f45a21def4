"""Names put beside points so that they do not lie on each other, as far as there is room."""

from collections.abc import Sequence

LETTER, LINE = 6.2, 13.0  # pixels
NEAR = ((8, 4), (-8, 4), (0, -9), (0, 17))  # right, left, above, below
FAR = tuple((sign * 14, down) for down in (-14, 22, -27, 35, -40, 48, -53, 61) for sign in (1, -1))
Box = tuple[float, float, float, float]  # left, top, right, bottom


def placed(points: Sequence[tuple[float, float]], names: Sequence[str], within: Box) -> list[tuple[float, float, str]]:
    """For each name where its text is anchored, and by which end of it."""
    taken: list[Box] = [(x - 5, y - 5, x + 5, y + 5) for x, y in points]
    found = []
    for (x, y), name in zip(points, names, strict=True):
        spots = [_spot(x, y, *away, len(name) * LETTER) for away in (*NEAR, *FAR)]
        best = min(spots, key=lambda spot: _overlap(spot[1], taken) + 1000 * _outside(spot[1], within))
        taken.append(best[1])
        found.append(best[0])
    return found


def _spot(x: float, y: float, right: float, down: float, width: float) -> tuple[tuple[float, float, str], Box]:
    anchor = "start" if right > 0 else "end" if right < 0 else "middle"
    left = x + right - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
    return (x + right, y + down, anchor), (left, y + down - LINE + 3, left + width, y + down + 3)


def _overlap(box: Box, taken: Sequence[Box]) -> float:
    """The area that is taken already."""
    shares = ((min(box[2], t[2]) - max(box[0], t[0]), min(box[3], t[3]) - max(box[1], t[1])) for t in taken)
    return sum(wide * high for wide, high in shares if wide > 0 and high > 0)


def _outside(box: Box, within: Box) -> float:
    over = (within[0] - box[0], within[1] - box[1], box[2] - within[2], box[3] - within[3])
    return sum(max(0.0, by) for by in over)
