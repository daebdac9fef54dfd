"""Where boxes and lines of the map go.

A grid: a column for each Availability Zone, the internet as a bar on top, VPCs below each other,
everything else outside in a last row. Lines leave a box at its side, run in the gutters between
columns and the gaps between rows, and each has a lane of its own there, so that lines cross but
never lie on each other. Gutters, gaps and boxes grow with the lines they hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from attrs import define, field, frozen

from vpcflow_diagnose.report.data import Node
from vpcflow_diagnose.report.map_lines import Line

BOX = 190.0
LEAST_HEIGHT = 62.0
BAR = 46.0
LANE = 5.0  # between two lines
GUTTER = 44.0
GAP = 26.0
HEADING = 50.0  # a VPC's name and its zones
EDGE = 14.0
MOST_COLUMNS = 4  # of a VPC whose zones are not known
INTERNET = "internet"

Point = tuple[float, float]
_Where = tuple[str | int, ...]  # ("gutter", number), ("gap", number), ("side", key, "left")


@frozen
class Box:
    node: Node
    x: float
    y: float
    width: float
    height: float


@frozen
class Frame:
    """A VPC: its box, and the headings of its columns as (x, zone)."""

    vpc: str
    x: float
    y: float
    width: float
    height: float
    zones: tuple[tuple[float, str], ...]


@frozen
class Route:
    line: Line
    thickness: float
    points: tuple[Point, ...]


@frozen
class Layout:
    width: float
    height: float
    boxes: tuple[Box, ...]
    frames: tuple[Frame, ...]
    routes: tuple[Route, ...]


def layout(nodes: Sequence[Node], lines: Sequence[Line], thick: Mapping[Line, float]) -> Layout:
    """nodes: any. lines: between them. thick: how thick each line is drawn."""
    grid = _Grid.of(nodes)
    plans = [_Plan.of(i, line, thick[line], grid) for i, line in enumerate(lines)]
    lanes = _Lanes.of(plans, grid)
    heights = {node.key: lanes.height(node.key) for node in nodes}
    places = _Places.of(grid, lanes, heights)
    boxes = tuple(places.box(node, heights[node.key]) for node in nodes)
    frames = tuple(places.frame(vpc) for vpc in grid.vpcs)
    by_key = {box.node.key: box for box in boxes}
    routes = tuple(_route(plan, lanes, places, by_key) for plan in plans)
    return Layout(places.width, places.height, boxes, frames, routes)


@define
class _Grid:
    """cells: (row, column) of each node but the internet. vpcs: (first row, last row, headings) of
    each. headings: column -> zone."""

    columns: int
    rows: int = 0
    cells: dict[str, tuple[int, int]] = field(factory=dict)
    vpcs: list[tuple[str, int, int, dict[int, str]]] = field(factory=list)
    internet: bool = False

    @classmethod
    def of(cls, nodes: Sequence[Node]) -> _Grid:
        vpcs: dict[str, list[Node]] = defaultdict(list)
        outside: list[Node] = []
        for node in nodes:
            if node.kind == INTERNET:
                continue
            (outside if node.vpc is None else vpcs[node.vpc]).append(node)
        widths = [_columns(members) for members in vpcs.values()]
        grid = cls(max([*widths, min(len(outside), MOST_COLUMNS), 1]))
        grid.internet = any(node.kind == INTERNET for node in nodes)
        for vpc in sorted(vpcs, key=lambda v: (-len(vpcs[v]), v)):
            grid._add(vpc, vpcs[vpc])
        for i, node in enumerate(outside):
            grid.cells[node.key] = (grid.rows + i // grid.columns, i % grid.columns)
        grid.rows += -(-len(outside) // grid.columns)
        return grid

    def _add(self, vpc: str, members: list[Node]) -> None:
        zones = sorted({node.zone or "" for node in members}, key=lambda z: (not z, z))
        first = self.rows
        if len(zones) == 1:  # as many columns as there are, for want of zones
            heading = {0: zones[0]} if zones[0] else {}
            for i, node in enumerate(members):
                self.cells[node.key] = (first + i // self.columns, i % self.columns)
            self.rows += -(-len(members) // self.columns)
        else:
            heading = {i % self.columns: zone for i, zone in enumerate(zones)}
            for tier in sorted({node.tier for node in members}):
                used = [0] * self.columns
                for node in members:
                    if node.tier == tier:
                        column = zones.index(node.zone or "") % self.columns
                        self.cells[node.key] = (self.rows + used[column], column)
                        used[column] += 1
                self.rows += max(used)
        self.vpcs.append((vpc, first, self.rows - 1, heading))


def _columns(members: Sequence[Node]) -> int:
    zones = {node.zone for node in members}
    return min(len(zones), 6) if len(zones) > 1 else min(len(members), MOST_COLUMNS)


@define
class _Plan:
    """The way of one line: the gutter at each end, and the gap between two gutters if they differ.
    A line to the internet has one end."""

    number: int
    line: Line
    thickness: float
    ends: tuple[str, ...]
    gutters: tuple[int, ...]
    gap: int | None = None

    @classmethod
    def of(cls, number: int, line: Line, thickness: float, grid: _Grid) -> _Plan:
        ends = [key for key in (line.source, line.target) if key in grid.cells]
        cells = [grid.cells[key] for key in ends]
        if len(cells) < 2:
            ((_, column),) = cells
            nearer = column if column < grid.columns / 2 else column + 1
            return cls(number, line, thickness, tuple(ends), (nearer,))
        (row, column), (other_row, other) = cells
        if column == other:
            side = column if column < grid.columns / 2 else column + 1
            return cls(number, line, thickness, tuple(ends), (side, side))
        gutters = (column + 1, other) if column < other else (column, other + 1)
        if gutters[0] == gutters[1]:
            return cls(number, line, thickness, tuple(ends), gutters)
        gap = other_row + 1 if other_row < row else other_row
        return cls(number, line, thickness, tuple(ends), gutters, gap)

    def side(self, end: int, grid: _Grid) -> str:
        """Where the line leaves the box of that end: "left" or "right"."""
        return "left" if self.gutters[end] == grid.cells[self.ends[end]][1] else "right"


@define
class _Lanes:
    """Which lane each line has where it runs beside others: the distance from the first, to the
    middle of the line. extents: how much all lanes of a gutter, gap or side take."""

    at: dict[tuple[_Where, int], float] = field(factory=dict)
    extents: dict[_Where, float] = field(factory=lambda: defaultdict(float))

    @classmethod
    def of(cls, plans: Sequence[_Plan], grid: _Grid) -> _Lanes:
        uses: dict[_Where, list[tuple[float, int]]] = defaultdict(list)
        for plan in plans:
            i = plan.number
            rows = [grid.cells[key][0] if key in grid.cells else -1 for key in plan.ends]
            rows = rows if len(rows) == 2 else [-1, *rows]
            for gutter in dict.fromkeys(plan.gutters):
                uses["gutter", gutter].append((-abs(rows[0] - rows[1]), i))
            if plan.gap is not None:
                uses["gap", plan.gap].append((rows[0], i))
            for end, key in enumerate(plan.ends):
                other = rows[1 - end] if len(plan.ends) == 2 else -1
                uses["side", key, plan.side(end, grid)].append((other, i))
        lanes = cls()
        for where, members in uses.items():
            for _, i in sorted(members):
                thickness = plans[i].thickness
                lanes.at[where, i] = lanes.extents[where] + thickness / 2
                lanes.extents[where] += thickness + LANE
        return lanes

    def height(self, key: str) -> float:
        sides = [self.extents.get(("side", key, side), 0.0) for side in ("left", "right")]
        return max(LEAST_HEIGHT, max(sides) + 2 * LANE)


@define
class _Places:
    """x of each column and gutter, y of each row and gap."""

    grid: _Grid
    lefts: list[float] = field(factory=list)
    gutters: list[float] = field(factory=list)
    tops: list[float] = field(factory=list)
    gaps: list[float] = field(factory=list)
    bottoms: list[float] = field(factory=list)
    width: float = 0.0
    height: float = 0.0

    @classmethod
    def of(cls, grid: _Grid, lanes: _Lanes, heights: Mapping[str, float]) -> _Places:
        places = cls(grid)
        x = EDGE
        for column in range(grid.columns + 1):
            extent = lanes.extents.get(("gutter", column), 0.0)
            room = max(GUTTER, extent + 24.0)
            places.gutters.append(x + (room - extent + LANE) / 2)
            x += room
            if column < grid.columns:
                places.lefts.append(x)
                x += BOX
        places.width = x + EDGE
        y = EDGE + (BAR if grid.internet else 0.0)
        starts = {first for _, first, _, _ in grid.vpcs}
        ends = {last for _, _, last, _ in grid.vpcs}
        for row in range(grid.rows + 1):
            extent = lanes.extents.get(("gap", row), 0.0)
            y += EDGE + 4 if row - 1 in ends else 0.0
            places.gaps.append(y + GAP / 2)
            y += GAP + extent + (HEADING if row in starts else 0.0)
            if row < grid.rows:
                places.tops.append(y)
                cells = (k for k, (r, _) in grid.cells.items() if r == row)
                y += max((heights[key] for key in cells), default=0.0)
                places.bottoms.append(y)
        places.height = y
        return places

    def box(self, node: Node, height: float) -> Box:
        if node.key not in self.grid.cells:
            return Box(node, EDGE, EDGE, self.width - 2 * EDGE, BAR)
        row, column = self.grid.cells[node.key]
        return Box(node, self.lefts[column], self.tops[row], BOX, height)

    def frame(self, vpc: tuple[str, int, int, dict[int, str]]) -> Frame:
        name, first, last, headings = vpc
        top = self.tops[first] - HEADING
        zones = tuple((self.lefts[c] + BOX / 2, zone) for c, zone in headings.items() if zone)
        height = self.bottoms[last] - top + EDGE
        return Frame(name, EDGE, top, self.width - 2 * EDGE, height, zones)


def _route(plan: _Plan, lanes: _Lanes, places: _Places, boxes: Mapping[str, Box]) -> Route:
    """The corners of a line, from source to target."""
    number = plan.number
    ports: list[Point] = []
    for end, key in enumerate(plan.ends):
        box, side = boxes[key], plan.side(end, places.grid)
        extent = lanes.extents["side", key, side]
        first = box.y + (box.height - extent + LANE) / 2
        x = box.x if side == "left" else box.x + box.width
        ports.append((x, first + lanes.at[("side", key, side), number]))
    xs = [places.gutters[g] + lanes.at[("gutter", g), number] for g in plan.gutters]
    if len(ports) == 1:
        (bar,) = (b for b in boxes.values() if b.node.kind == INTERNET)
        points = [(xs[0], bar.y + bar.height), (xs[0], ports[0][1]), ports[0]]
        if plan.ends[0] == plan.line.source:
            points.reverse()
    elif plan.gap is None:
        points = [ports[0], (xs[0], ports[0][1]), (xs[0], ports[1][1]), ports[1]]
    else:
        y = places.gaps[plan.gap] + lanes.at[("gap", plan.gap), number]
        points = [ports[0], (xs[0], ports[0][1]), (xs[0], y), (xs[1], y), (xs[1], ports[1][1])]
        points.append(ports[1])
    return Route(plan.line, plan.thickness, tuple(points))
