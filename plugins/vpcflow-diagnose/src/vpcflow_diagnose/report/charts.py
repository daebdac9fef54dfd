"""Traffic over time, as SVG: accepted above, rejected below with a scale of its own.

One scale for both would hide what is rejected: a rejected packet is small and is never followed by
a transfer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import evolve, frozen

from vpcflow_diagnose.report import words
from vpcflow_diagnose.report.axes import step_for, time_marks, value_marks
from vpcflow_diagnose.report.data import Slot, Timeline
from vpcflow_diagnose.report.element import Element, el

MOST_SLOTS = 180
LEAST_STEP = 60_000  # AWS's shortest aggregation interval: less would show its windows, not traffic
WIDTH, LEFT, RIGHT = 960.0, 78.0, 14.0
PLOT = WIDTH - LEFT - RIGHT


@frozen
class Panel:
    """One of the two charts. value: of a slot; label: of a mark; told: of a slot, in words."""

    name: str
    style: str
    top: float
    height: float
    value: Callable[[Slot], float]
    label: Callable[[float], str]
    told: Callable[[Slot], str]
    whole: bool = False


def coarser(timeline: Timeline, most: int = MOST_SLOTS) -> Timeline:
    """The same with at most `most` steps between the first slot and the last, of a minute or
    more."""
    if not timeline.slots:
        return timeline
    first = min(slot.start for slot in timeline.slots)
    span = max(slot.start for slot in timeline.slots) - first + timeline.step
    step = timeline.step if timeline.step >= LEAST_STEP else LEAST_STEP
    if span > step * most:
        step = step_for(span, most - 1)
    merged: dict[int, Slot] = {}
    for slot in timeline.slots:
        start = slot.start // step * step if step != timeline.step else slot.start
        now = merged.get(start, Slot(start))
        merged[start] = evolve(
            now, accepted=now.accepted + slot.accepted, rejected=now.rejected + slot.rejected
        )
    return evolve(timeline, step=step, slots=tuple(merged[start] for start in sorted(merged)))


def timeline_chart(timeline: Timeline) -> list[Element]:
    """The chart and its numbers as a table, folded."""
    timeline = coarser(timeline)
    slots, step = timeline.slots, timeline.step
    if not slots:
        return [el("p", "No record has a time: there is nothing to draw.", class_="quiet")]
    panels = _panels(slots, step)
    first, last = slots[0].start, slots[-1].start + step
    height = panels[-1].top + panels[-1].height + 40
    drawing = el(
        "svg",
        el("title", "Accepted and rejected traffic over time"),
        el("desc", "The table below the chart has the same numbers."),
        _hatching(),
        list(_gaps(timeline, first, last, panels)),
        [_panel(panel, slots, step, first, last) for panel in panels],
        list(_time_axis(first, last, panels)),
        class_="chart",
        role="img",
        viewBox=f"0 0 {WIDTH:g} {height:g}",
        aria_label="Accepted and rejected traffic over time",
    )
    every = words.length(step)
    return [
        el("figure", el("div", drawing, class_="wide"), _caption(timeline, every)),
        _numbers(timeline, every),
    ]


def _panels(slots: Sequence[Slot], step: int) -> tuple[Panel, Panel]:
    seconds = step / 1000
    each = words.length(step).removeprefix("1 ")
    sized = any(slot.accepted.bytes for slot in slots)
    if sized:
        accepted = Panel(
            "Accepted, bits per second",
            "ok",
            30,
            170,
            lambda slot: slot.accepted.bytes * 8 / seconds,
            words.rate,
            lambda slot: (
                f"{words.rate(slot.accepted.bytes * 8 / seconds)} accepted, "
                f"{words.size(slot.accepted.bytes)} in {words.count(slot.accepted.flows)} records"
            ),
        )
    else:
        accepted = Panel(
            f"Accepted, records per {each}",
            "ok",
            30,
            170,
            lambda slot: slot.accepted.flows,
            words.short,
            lambda slot: f"{words.plural(slot.accepted.flows, 'record')} accepted",
            whole=True,
        )
    rejected = Panel(
        f"Rejected, records per {each}",
        "no",
        240,
        90,
        lambda slot: slot.rejected.flows,
        words.short,
        lambda slot: f"{words.plural(slot.rejected.flows, 'record')} rejected",
        whole=True,
    )
    return accepted, rejected


def _panel(panel: Panel, slots: Sequence[Slot], step: int, first: int, last: int) -> Element:
    marks = value_marks(max(map(panel.value, slots)), 4 if panel.height > 100 else 2, panel.whole)
    highest = marks[-1]
    bottom = panel.top + panel.height
    parts = [el("text", panel.name, x=LEFT, y=panel.top - 12, class_="name")]
    for mark in marks:
        y = bottom - panel.height * mark / highest
        parts.append(el("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(el("text", panel.label(mark), x=LEFT - 8, y=y + 4, class_="mark end"))
    width = PLOT * step / (last - first)
    for slot in slots:
        value = panel.value(slot)
        if not value:
            continue
        height = max(panel.height * value / highest, 1.5)  # what there is can be seen
        bar = {"x": LEFT + PLOT * (slot.start - first) / (last - first) + width * 0.06}
        bar |= {"y": bottom - height, "width": width * 0.88, "height": height}
        told = el("title", f"{words.time(words.moment(slot.start))} UTC: {panel.told(slot)}")
        parts.append(el("rect", told, class_=panel.style, **bar))
        if panel.style == "no":
            parts.append(el("rect", fill="url(#hatching)", class_="over", **bar))
    return el("g", parts)


def _time_axis(first: int, last: int, panels: Sequence[Panel]) -> Iterator[Element]:
    bottom = panels[-1].top + panels[-1].height
    for at, label in time_marks(first, last, 8):
        x = LEFT + PLOT * (at - first) / (last - first)
        for panel in panels:
            low = panel.top + panel.height
            yield el("line", x1=x, x2=x, y1=low, y2=low + 5, class_="axis")
        anchor = "mark end" if x > WIDTH - 60 else "mark middle"
        yield el("text", label, x=min(x, WIDTH - RIGHT), y=bottom + 19, class_=anchor)
    for panel in panels:
        y = panel.top + panel.height
        yield el("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="axis")
    yield el("text", "time, UTC", x=WIDTH - RIGHT, y=bottom + 35, class_="mark end")


def _gaps(timeline: Timeline, first: int, last: int, panels: Sequence[Panel]) -> Iterator[Element]:
    """Bands over the times that AWS did not record; those that touch are one."""
    merged: list[list[int]] = []
    for begin, end in sorted(timeline.gaps):
        begin, end = max(begin, first), min(end, last)
        if begin >= end:
            continue
        if merged and begin <= merged[-1][1] + timeline.step:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([begin, end])
    for begin, end in merged:
        x = LEFT + PLOT * (begin - first) / (last - first)
        width = max(PLOT * (end - begin) / (last - first), 2.0)
        told = f"AWS lost records of at least one interface: {words.period(begin, end)}"
        for panel in panels:
            area = {"x": x, "y": panel.top, "width": width, "height": panel.height}
            yield el("rect", el("title", told), class_="gap", **area)


def _hatching() -> Element:
    line = el("path", d="M-1 1l2-2M0 6l6-6M5 7l2-2", class_="hatch")
    pattern = {"id": "hatching", "width": 6, "height": 6, "patternUnits": "userSpaceOnUse"}
    return el("defs", el("pattern", line, **pattern))


def _caption(timeline: Timeline, every: str) -> Element:
    lost = [el("span", class_="key gap"), "records lost by AWS (SKIPDATA). "]
    return el(
        "figcaption",
        el("span", class_="key ok"),
        "accepted ",
        el("span", class_="key no"),
        "rejected ",
        lost if timeline.gaps else None,
        f"One bar is {every}. Each record counts where its window starts.",
    )


def _numbers(timeline: Timeline, every: str) -> Element:
    rows = [
        el(
            "tr",
            el("th", words.time(words.moment(slot.start)), scope="row"),
            el("td", words.count(slot.accepted.flows)),
            el("td", words.size(slot.accepted.bytes)),
            el("td", words.count(slot.rejected.flows)),
            el("td", words.count(slot.rejected.packets)),
        )
        for slot in timeline.slots
    ]
    titles = ("Start, UTC", "Accepted records", "Accepted bytes", "Rejected records")
    heads = [el("th", text, scope="col") for text in (*titles, "Rejected packets")]
    table = el(
        "table",
        el("caption", f"Traffic in steps of {every}"),
        el("thead", el("tr", heads)),
        el("tbody", rows),
        class_="numbers times",
    )
    title = el("summary", "The numbers")
    return el("details", title, el("div", table, class_="wide"), class_="screen")
