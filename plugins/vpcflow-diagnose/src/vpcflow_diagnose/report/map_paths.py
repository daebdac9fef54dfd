"""Paths with rounded corners, and where the numbers on them go."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from attrs import define, field

from vpcflow_diagnose.report.map_layout import Point

ROUND = 9.0
BADGE = 8.5


def rounded(points: Sequence[Point]) -> str:
    """A path through the points with rounded corners."""
    drawn = [p for i, p in enumerate(points) if i == 0 or _apart(p, points[i - 1]) > 0.01]
    parts = [f"M{drawn[0][0]:.1f} {drawn[0][1]:.1f}"]
    for before, corner, after in zip(drawn, drawn[1:], drawn[2:], strict=False):
        radius = min(ROUND, _apart(before, corner) / 2, _apart(corner, after) / 2)
        enter, leave = _toward(corner, before, radius), _toward(corner, after, radius)
        parts.append(f"L{enter[0]:.1f} {enter[1]:.1f}")
        parts.append(f"Q{corner[0]:.1f} {corner[1]:.1f} {leave[0]:.1f} {leave[1]:.1f}")
    parts.append(f"L{drawn[-1][0]:.1f} {drawn[-1][1]:.1f}")
    return "".join(parts)


def _apart(a: Point, b: Point) -> float:
    return math.hypot(a[0] - b[0], a[1] - b[1])


def _toward(start: Point, end: Point, distance: float) -> Point:
    length = _apart(start, end) or 1.0
    part = distance / length
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part


@define
class Badges:
    """Places for the numbers of lines: on the line, not on a box or another number if possible."""

    taken: list[tuple[float, float, float, float]]
    placed: list[Point] = field(factory=list)

    def place(self, points: Sequence[Point]) -> Point:
        best, least = points[0], math.inf
        for spot in _spots(points):
            clashes = sum(_apart(spot, other) < 2 * BADGE + 1 for other in self.placed)
            clashes += 3 * sum(_within(spot, area) for area in self.taken)
            if clashes < least:
                best, least = spot, clashes
            if not clashes:
                break
        self.placed.append(best)
        return best


def _spots(points: Sequence[Point]) -> Iterator[Point]:
    """Points along a line, the middle of its longest part first."""
    parts = sorted(pairwise(points), key=lambda p: -_apart(*p))
    for start, end in parts:
        length = _apart(start, end)
        for part in (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8):
            if length * min(part, 1 - part) >= 2 * BADGE or part == 0.5:
                yield _toward(start, end, length * part)


def _within(spot: Point, area: tuple[float, float, float, float]) -> bool:
    left, top, right, bottom = area
    across = left - BADGE < spot[0] < right + BADGE
    return across and top - BADGE < spot[1] < bottom + BADGE
