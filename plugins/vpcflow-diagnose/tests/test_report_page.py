"""The page: well-formed, self-contained, bounded, and nothing but text where text is meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import pytest
import report_data
from hypothesis import given
from hypothesis import strategies as st
from vpcflow_diagnose.finding import Diagnosis
from vpcflow_diagnose.report import words
from vpcflow_diagnose.report.axes import time_marks, value_marks
from vpcflow_diagnose.report.charts import MOST_SLOTS, coarser
from vpcflow_diagnose.report.data import Amount, ReportData, Slot, Timeline
from vpcflow_diagnose.report.element import NotAllowedError, el, escaped
from vpcflow_diagnose.report.map_layout import layout
from vpcflow_diagnose.report.map_lines import MOST_ACCEPTED, MOST_REJECTED, drawn
from vpcflow_diagnose.report.page import POLICY, page

EMPTY = {"meta", "br", "hr", "col"}
LARGEST = 1_500_000
KINDS = {
    "ordinary": report_data.ordinary,
    "empty": report_data.empty,
    "one": report_data.one_record,
    "huge": report_data.huge,
}


class Page(HTMLParser):
    """Checks nesting; collects tags with attributes, ids, and the text of each tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len(dict(attrs)), (tag, attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.text.setdefault(self.open[-1], []).append(data)

    def with_tag(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def pictures(text: str) -> Iterator[ElementTree.Element]:
    for drawing in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        yield ElementTree.fromstring(drawing)


def shape(text: str) -> list[str]:
    return [tag for tag, _ in Page(text).tags]


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_well_formed_and_loads_nothing(kind: str) -> None:
    text = page(KINDS[kind]())
    found = Page(text)
    assert len(text.encode()) < LARGEST
    assert "://" not in text
    policies = [m for m in found.with_tag("meta") if m.get("http-equiv")]
    assert [p["content"] for p in policies] == [POLICY]
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in found.tags}
    assert all(a["href"] and a["href"].startswith("#") for a in found.with_tag("a"))
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {str(a["href"])[1:] for a in found.with_tag("a")} <= set(ids)
    list(pictures(text))


@pytest.mark.parametrize("text", report_data.HOSTILE)
def test_hostile_text_changes_no_markup(text: str) -> None:
    shown = page(report_data.hostile(text))
    harmless = page(report_data.hostile("y" * len(text)))
    assert shape(shown) == shape(harmless)
    shown.encode()  # no lone surrogates
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert len(shown.encode()) < LARGEST
    assert all(not name.startswith("on") for _, a in Page(shown).tags for name in a)


@given(st.text(max_size=40))
def test_any_text_comes_back_as_it_is_or_escaped(text: str) -> None:
    found = Page(str(el("p", text, title=text)))
    (attributes,) = found.with_tag("p")
    shown = "".join(found.text.get("p", []))
    assert attributes["title"] == shown
    if text.isprintable():
        assert shown == text


@pytest.mark.parametrize(
    ("tag", "attributes"),
    [
        ("script", {}),
        ("p", {"onclick": "x"}),
        ("p", {"src": "x"}),
        ("a", {"href": "javascript:alert(1)"}),
        ("a", {"href": "#X y"}),
        ("p", {"id": "a b"}),
        ("p><script", {}),
    ],
)
def test_the_builder_refuses_what_could_load_or_run(tag: str, attributes: dict[str, str]) -> None:
    with pytest.raises(NotAllowedError):
        el(tag, **attributes)


def test_a_style_sheet_cannot_leave_its_element() -> None:
    for sheet in ("</style>", "a{background:url(x)}", "@import 'x'"):
        with pytest.raises(NotAllowedError):
            str(el("style", sheet))


def test_the_answer_is_on_top_and_findings_keep_their_order() -> None:
    found = Page(page(report_data.ordinary()))
    assert found.text["h1"] == ["3 faults and 1 warning in 1 hour of traffic"]
    causes = [t.strip() for t in found.text["span"] if ": " in t or t.strip().startswith("connec")]
    assert [c.split(":")[0] for c in causes] == [
        f.cause.replace("-", " ") for f in report_data.FINDINGS
    ]
    commands = found.text["code"]
    assert commands == ["aws ec2 describe-network-acls --network-acl-ids acl-0abc"] * 5


def test_a_command_is_whole_or_not_there() -> None:
    def commands(step: str) -> list[str]:
        diagnosis = Diagnosis((report_data.fault(next_steps=(step,)),))
        return Page(page(report_data.ordinary(diagnosis=diagnosis))).text.get("code", [])

    assert commands("if it should be allowed: aws ec2 x --y 'a b'") == ["aws ec2 x --y 'a b'"]
    assert commands("aws ec2 " + "x" * 3000) == ["aws ec2 " + "x" * 3000]
    assert commands("aws ec2 " + "x" * 10_000) == []
    assert commands("look at the aws console") == []


def test_too_many_findings_are_counted_not_shown() -> None:
    text = page(report_data.huge())
    shown = text.count("<article")
    assert 0 < shown < 3000
    assert f"{3000 - shown:,} more findings would make this page too large" in text


def test_nothing_read_says_so() -> None:
    text = page(report_data.empty())
    assert "Nothing was read, so nothing can be said" in text
    assert "there is nothing to draw" in text


def test_bars_and_lines_are_drawn_in_proportion() -> None:
    text = page(report_data.ordinary())
    chart, *_ = pictures(text)
    bars = [r for r in chart.iter("rect") if r.get("class") == "ok"]
    slots = report_data.timeline().slots
    assert len(bars) == len(slots)
    heights = [float(str(bar.get("height"))) for bar in bars]
    sizes = [slot.accepted.bytes for slot in slots]
    tallest = max(range(len(sizes)), key=sizes.__getitem__)
    for height, size in zip(heights, sizes, strict=True):
        wanted = max(heights[tallest] * size / sizes[tallest], 1.5)
        assert height == pytest.approx(wanted, rel=1e-3)
    lines = re.findall(r'<path d="[^"]*" class="line (ok|no)"', text)
    assert (lines.count("ok"), lines.count("no")) == (20, 3)


def boxes_and_routes(data: ReportData) -> tuple[list[tuple[float, ...]], list[tuple[float, ...]]]:
    shown = drawn(data.topology)
    placed = layout(shown.nodes, shown.lines, dict.fromkeys(shown.lines, 2.0))
    boxes = [(b.x, b.y, b.x + b.width, b.y + b.height) for b in placed.boxes]
    points = [point for route in placed.routes for point in route.points]
    for x, y in points:
        assert 0 <= x <= placed.width
        assert 0 <= y <= placed.height
    return boxes, points


@pytest.mark.parametrize("kind", KINDS)
def test_boxes_of_the_map_do_not_overlap_and_lines_stay_inside(kind: str) -> None:
    data = KINDS[kind]()
    boxes, _ = boxes_and_routes(data)
    for i, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[:i]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


def test_lines_never_lie_on_each_other() -> None:
    shown = drawn(report_data.ordinary().topology)
    placed = layout(shown.nodes, shown.lines, dict.fromkeys(shown.lines, 2.0))
    upright = sorted(
        (start[0], *sorted((start[1], end[1])))
        for route in placed.routes
        for start, end in pairwise(route.points)
        if start[0] == end[0]
    )
    assert len(upright) > 20
    for (x, _, bottom), (other, top, _) in pairwise(upright):
        assert x != other or bottom <= top


def test_what_is_not_drawn_is_summed() -> None:
    topology = report_data.huge().topology
    shown = drawn(topology)
    assert sum(line.rejected for line in shown.lines) == MOST_REJECTED
    assert sum(not line.rejected for line in shown.lines) == MOST_ACCEPTED
    total = sum(e.accepted.bytes for e in topology.edges if e.accepted.flows)
    seen = sum((ln.amount + ln.back).bytes for ln in shown.lines if not ln.rejected)
    inside = sum(amount.bytes for amount in shown.inside.values())
    assert seen + inside + shown.left_accepted.bytes == total


@given(st.lists(st.tuples(st.integers(0, 2**45), st.integers(0, 2**40)), max_size=300))
def test_a_coarser_timeline_has_the_same_sums(pairs: list[tuple[int, int]]) -> None:
    slots = tuple(Slot(start, Amount(1, 1, size)) for start, size in pairs)
    merged = coarser(Timeline(1000, slots))
    assert len(merged.slots) <= MOST_SLOTS
    assert sum(s.accepted.bytes for s in merged.slots) == sum(size for _, size in pairs)
    starts = [slot.start for slot in merged.slots]
    assert starts == sorted(set(starts))


@given(st.floats(1e-6, 1e21))
def test_an_axis_covers_its_values(highest: float) -> None:
    marks = value_marks(highest)
    assert marks[0] == 0
    assert highest * 0.998 <= marks[-1]
    assert 2 <= len(marks) <= 6


@given(st.integers(0, 2**45), st.integers(1, 2**45))
def test_a_time_axis_has_few_marks_inside(first: int, span: int) -> None:
    marks = time_marks(first, first + span, 8)
    assert len(marks) <= 9
    assert all(first <= at <= first + span for at, _ in marks)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (words.size(0), "0 B"),
        (words.size(999_960), "1 MB"),
        (words.size(2**63), "9.22 EB"),
        (words.rate(1.5e6), "1.5 Mbit/s"),
        (words.count(12_345), "12,345"),
        (words.count(1_234_567), "1.23 million"),
        (words.share(1, 100_000), "below 0.1%"),
        (words.share(99_999, 100_000), "above 99.9%"),
        (words.share(0, 0), "0%"),
        (words.length(599_000), "9 minutes 59 seconds"),
        (words.dollars(0.001), "below $0.01"),
        (words.period(0, 2**62), "1 Jan 1970, 00:00:00 to 31 Dec 9999, 23:59:59 UTC"),
        (escaped("a\tb\x1b"), "a\\tb\\x1b"),
    ],
)
def test_words(shown: str, expected: str) -> None:
    assert shown == expected


def test_a_notebook_shows_findings_as_text() -> None:
    data = report_data.hostile(report_data.HOSTILE[0])
    shown = data.diagnosis._repr_html_() + data.diagnosis.findings[0]._repr_html_()
    tags = {tag for tag, _ in Page(shown).tags}
    assert tags <= {
        *("div", "table", "thead", "tbody", "tr", "th", "td", "span", "p", "ul", "li", "caption")
    }
    assert "Nothing looks wrong" in Diagnosis(())._repr_html_()
