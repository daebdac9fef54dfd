"""The map of subnets and their traffic, as SVG, and its lines as a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from vpcflow.cli.screen import shorten
from vpcflow.errors import printable
from vpcflow_diagnose.report import words
from vpcflow_diagnose.report.data import NONE, Amount, Topology
from vpcflow_diagnose.report.element import Element, el
from vpcflow_diagnose.report.map_layout import (
    INTERNET,
    Box,
    Frame,
    Layout,
    Route,
    layout,
)
from vpcflow_diagnose.report.map_lines import Drawn, Line, drawn
from vpcflow_diagnose.report.map_paths import BADGE, Badges, rounded

THICKEST = {False: 11.0, True: 5.0}
THINNEST = 1.6
KINDS = {
    "subnet": "subnet",
    "block": "block",
    "nat": "NAT gateway",
    "internet": "internet",
    "peering": "peering connection",
    "transit": "transit gateway",
    "aws": "AWS service",
    "elsewhere": "elsewhere",
}


def topology_map(topology: Topology) -> list[Element]:
    """The drawing with its key, and the table of its lines."""
    shown = drawn(topology)
    if not shown.nodes:
        return [el("p", "No record has addresses: there is nothing to draw.", class_="quiet")]
    placed = layout(shown.nodes, shown.lines, _thicknesses(shown.lines))
    names = {node.key: node.name for node in shown.nodes}
    figure = el(
        "figure",
        el("div", _drawing(topology, shown, placed, names), class_="wide"),
        el("figcaption", _key(shown)),
    )
    left = [el("p", text, class_="quiet") for text in _left_out(shown)]
    return [figure, *left, *_table(shown.lines, names)]


def _thicknesses(lines: Sequence[Line]) -> dict[Line, float]:
    """The area of a line tells, so that its width grows with the square root."""
    found: dict[Line, float] = {}
    for rejected, thickest in THICKEST.items():
        group = [line for line in lines if line.rejected == rejected]
        most = max((line.weight for line in group), default=0)
        for line in group:
            part = math.sqrt(line.weight / most) if most else 0.0
            found[line] = max(THINNEST, thickest * part)
    return found


def _drawing(topology: Topology, shown: Drawn, placed: Layout, names: Mapping[str, str]) -> Element:
    badges = Badges([(b.x, b.y, b.x + b.width, b.y + b.height) for b in placed.boxes])
    about = "Subnets, what they are connected to, and the traffic between them"
    return el(
        "svg",
        el("title", about),
        el("desc", "The table below the map has the same lines, with their numbers."),
        el("defs", _arrow()),
        [_frame(frame) for frame in placed.frames],
        [_line(route, names) for route in placed.routes],
        [_box(box, shown, shown.totals.get(box.node.key, NONE)) for box in placed.boxes],
        [_headings(frame, topology.vpcs.get(frame.vpc, "")) for frame in placed.frames],
        [_badge(i, badges.place(r.points), r) for i, r in enumerate(placed.routes, 1)],
        class_="map",
        role="img",
        aria_label=about,
        viewBox=f"0 0 {placed.width:g} {placed.height:g}",
        width=placed.width,
    )


def _frame(frame: Frame) -> Element:
    area = {"x": frame.x, "y": frame.y, "width": frame.width, "height": frame.height}
    return el("rect", rx=10, class_="vpc", **area)


def _headings(frame: Frame, name: str) -> Element:
    """The name of a VPC and its zones, over the lines that pass."""
    title = name if frame.vpc in name else f"{name} {frame.vpc}".strip()
    return el(
        "g",
        el("text", _short(title, frame.width, 13), x=frame.x + 12, y=frame.y + 20, class_="vpc"),
        [
            el("text", _short(zone, 180, 11), x=x, y=frame.y + 40, class_="zone middle")
            for x, zone in frame.zones
        ],
    )


def _box(box: Box, shown: Drawn, amount: Amount) -> Element:
    node = box.node
    inside = shown.inside.get(node.key, NONE)
    total = words.size(amount.bytes) if amount.bytes else words.plural(amount.flows, "record")
    told = f"{node.name} ({KINDS[node.kind]}). {node.detail}. {total} in and out"
    if inside.flows:
        told += f", {words.size(inside.bytes)} of it within"
    lines = [(node.name, 13, "name"), (node.detail, 11, "detail"), (total, 11, "amount")]
    if node.kind == INTERNET:
        lines = [(node.name, 13, "name"), (total, 11, "amount")]
    lines = [line for line in lines if line[0]]
    top = box.y + box.height / 2 - 8.5 * len(lines) + 12
    return el(
        "g",
        el("title", told),
        el(
            "rect",
            x=box.x,
            y=box.y,
            width=box.width,
            height=box.height,
            rx=7,
            class_=f"node {node.kind}",
        ),
        [
            el(
                "text",
                _short(text, box.width, points),
                x=box.x + box.width / 2,
                y=top + 17 * i,
                class_=f"{style} middle",
            )
            for i, (text, points, style) in enumerate(lines)
        ],
    )


def _short(text: str, width: float, points: int) -> str:
    """What of a text fits: a letter takes a little more than half of the font's height."""
    return shorten(printable(text), int((width - 16) / (points * 0.6)))


def _line(route: Route, names: Mapping[str, str]) -> Element:
    return el(
        "path",
        el("title", _told(route.line, names)),
        d=rounded(route.points),
        class_="line no" if route.line.rejected else "line ok",
        stroke_width=route.thickness,
        marker_end="url(#arrow)" if route.line.rejected else None,
    )


def _told(line: Line, names: Mapping[str, str]) -> str:
    source, target = names[line.source], names[line.target]
    if line.rejected:
        return f"Rejected from {source} to {target}: {words.plural(line.amount.flows, 'record')}"
    there, back = words.size(line.amount.bytes), words.size(line.back.bytes)
    return f"{source} to {target}: {there}; back: {back}"


def _badge(number: int, at: tuple[float, float], route: Route) -> Element:
    style = "badge no" if route.line.rejected else "badge ok"
    return el(
        "g",
        el("circle", cx=round(at[0], 1), cy=round(at[1], 1), r=BADGE),
        el("text", number, x=round(at[0], 1), y=round(at[1] + 3.5, 1), class_="middle"),
        class_=style,
        aria_hidden="true",
    )


def _arrow() -> Element:
    return el(
        "marker",
        el("path", d="M0 0L8 4L0 8z", class_="arrow"),
        id="arrow",
        viewBox="0 0 8 8",
        refX=7,
        refY=4,
        markerWidth=9,
        markerHeight=9,
        markerUnits="userSpaceOnUse",
        orient="auto",
    )


def _key(shown: Drawn) -> list[object]:
    parts: list[object] = [
        el("span", class_="stroke ok"),
        "accepted, both ways; the thicker, the more bytes. ",
    ]
    if any(line.rejected for line in shown.lines):
        parts += [el("span", class_="stroke no"), "rejected, with its direction. "]
    return [*parts, "The numbers are those of the table below."]


def _left_out(shown: Drawn) -> Iterator[str]:
    if shown.merged:
        yield f"{words.plural(shown.merged, 'place')} with less traffic are drawn as one."
    if shown.left_out:
        yield (
            f"{words.plural(shown.left_out, 'more line')} would not fit: "
            f"{words.size(shown.left_accepted.bytes)} accepted, "
            f"{words.plural(shown.left_rejected.flows, 'record')} rejected in all."
        )


def _table(lines: Sequence[Line], names: Mapping[str, str]) -> list[Element]:
    if not lines:
        return []
    rows = [_row(i, line, names) for i, line in enumerate(lines, 1)]
    texts, numbers = ("From", "To", "Action"), ("There", "Back", "Records")
    heads = [el("th", "Line", scope="col")]
    heads += [el("th", text, scope="col", class_="text") for text in texts]
    heads += [el("th", text, scope="col") for text in numbers]
    table = el(
        "table",
        el("caption", "Lines of the map"),
        el("thead", el("tr", heads)),
        el("tbody", rows),
        class_="numbers lines",
    )
    return [el("details", el("summary", "The lines in numbers"), el("div", table, class_="wide"))]


def _row(number: int, line: Line, names: Mapping[str, str]) -> Element:
    return el(
        "tr",
        el("th", number, scope="row"),
        [el("td", names[key], class_="text") for key in (line.source, line.target)],
        el("td", "rejected" if line.rejected else "accepted", class_="text"),
        el("td", "" if line.rejected else words.size(line.amount.bytes)),
        el("td", "" if line.rejected else words.size(line.back.bytes)),
        el("td", words.count(line.amount.flows + line.back.flows)),
    )
