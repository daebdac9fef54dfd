"""An estimate for people: the answer in a sentence, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vpcflow.cli.screen import Screen, cells, pad, shorten, wrap
from vpcflow.errors import printable
from vpcflow_query.cost.destinations import TITLES, DestinationCost
from vpcflow_query.cost.estimate import Estimate, Lever
from vpcflow_query.cost.volume import Volume
from vpcflow_query.tiers import Amount

_MOST_INTERFACES = 5
_MOST_FIELDS = 8
_MOST_LEVERS = 10
_WIDTH = 80  # where there is no terminal


def lines(made: Estimate, screen: Screen, names: Mapping[str, str] | None = None) -> Iterator[str]:
    """names: whose the interfaces are, by id."""
    names = names or {}
    width = screen.width or _WIDTH
    if made.volume is not None and not made.month.records:
        yield from wrap(" ".join(made.notes[:1]), width)
        return
    yield from wrap(" ".join(answer(made, names)), width)
    yield ""
    yield from _destinations(made, screen, width)
    yield from _tiers(made, screen)
    if made.volume is not None and made.volume.all.records:
        yield from _drivers(made, made.volume, screen, width, names)
    yield from _levers(made, screen, width)
    yield ""
    for note in made.notes:
        for line in wrap(note, width, "  ", "- "):
            yield screen.paint(line, "odd" if "weak guess" in note else "quiet")


def answer(made: Estimate, names: Mapping[str, str] | None = None) -> list[str]:
    """What one would say: how much, of what, why, and what to do about it."""
    month = made.month
    mark = "" if made.chosen.confirmed else "*"
    where = f"{TITLES[made.destination]} in {made.region}"
    if made.assumed:
        where += " (assumed: --destination says otherwise)"
    sentences = [
        f"About {usd(made.chosen.usd)}{mark} a month at {where}: {volume_text(month.gb)} of text, "
        f"{count(month.records)} records of {month.bytes_per_record:.0f} bytes "
        f"({month.basis}{': a weak guess' if month.weak else ''})."
    ]
    drivers = [d for d in made.drivers if d.name != "interface"][:1]
    drivers += [d for d in made.drivers if d.name == "interface"]
    if drivers:
        told = "; ".join(f"{d.share:.0%} {_named(d.text, names or {})}" for d in drivers)
        sentences.append(f"What drives it: {told}.")
    if made.best is not None:
        lever = made.best
        sentences.append(
            f"What would save most without losing flows: {lever.title}, {usd(lever.usd)} a month "
            f"({lever.share:.0%})."
            if lever.keeps
            else f"What would save most: {lever.title}, {usd(lever.usd)} a month "
            f"({lever.share:.0%}); but {lever.caveat}."
        )
    return sentences


def usd(amount: float) -> str:
    """ "$0.06", "$1,234"; "<$0.01" rather than nothing."""
    if 0 < amount < 0.005:
        return "<$0.01"
    return f"${amount:,.2f}" if amount < 1_000 else f"${amount:,.0f}"


def count(number: float) -> str:
    """ "950", "2.4 M"."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:,.3g} {unit}" if number < 1000 * size else f"{number:,.3g}"
    return f"{number:,.0f}"


def volume_text(gb: float) -> str:
    """ "27.8 GB", "1.2 TB" (of 1024, as AWS bills)."""
    if gb >= 10_240:
        return f"{gb / 1024:,.3g} TB"
    if gb >= 100:
        return f"{gb:,.0f} GB"
    return f"{gb:.3g} GB" if gb >= 0.1 else f"{gb * 1024:.3g} MB"


def _destinations(made: Estimate, screen: Screen, width: int) -> Iterator[str]:
    months = f"{made.retention:g} month{'' if made.retention == 1 else 's'}"
    head = ["A month at", "delivery", "process", f"keep {months}", "total", "one query"]
    rows = [_destination_row(one) for one in made.costs]
    marks = [one.destination == made.destination for one in made.costs]
    yield from _table(head, rows, screen, marked=marks)
    for line in wrap(
        "process: conversion to Parquet, ingestion by Firehose. one query: reads a whole month "
        "(Logs Insights; Athena), not in the total. Firehose: what it delivers to comes on top.",
        width,
    ):
        yield screen.paint(line, "quiet")


def _destination_row(one: DestinationCost) -> list[str]:
    extra = one.amount("conversion") or one.amount("ingestion")
    total = usd(one.usd) + ("" if one.confirmed else "*")
    return [
        one.title,
        _amount(one.amount("delivery")),
        _amount(extra),
        _amount(one.amount("storage")),
        total,
        _amount(one.scan),
    ]


def _amount(amount: Amount | None) -> str:
    if amount is None:
        return ""
    return usd(amount.usd) + ("" if amount.confirmed else "*")


def _tiers(made: Estimate, screen: Screen) -> Iterator[str]:
    """Where delivery reaches more than one step, each of them."""
    delivery = made.chosen.amount("delivery")
    if delivery is None or len(delivery.steps) < 2:
        return
    yield ""
    rows = [
        [
            "above" if step.tier.up_to_gb is None else f"up to {volume_text(step.tier.up_to_gb)}",
            volume_text(step.gb),
            f"${step.tier.usd:g}" + ("" if step.tier.confirmed else "*"),
            usd(step.usd),
        ]
        for step in delivery.steps
    ]
    yield from _table(
        [f"Delivery to {made.chosen.title}", "volume", "per GB", "a month"], rows, screen
    )


def _drivers(
    made: Estimate, volume: Volume, screen: Screen, width: int, names: Mapping[str, str]
) -> Iterator[str]:
    total = volume.all.text_bytes
    paid = made.chosen.usd
    yield ""
    yield screen.paint("What drives it (parts overlap)", "heading")
    for driver in made.drivers:
        share = f"{driver.share:7.1%}  "
        yield from wrap(_named(driver.text, names), width, " " * len(share), share)
    yield ""
    top = sorted(volume.interfaces.items(), key=lambda item: -item[1].all.text_bytes)
    rows = [
        [
            shorten(_named(name, names), 42),
            f"{one.all.records:,}",
            f"{one.all.text_bytes / total:.1%}",
            usd(paid * one.all.text_bytes / total),
        ]
        for name, one in top[:_MOST_INTERFACES]
    ]
    rest = top[_MOST_INTERFACES:]
    if rest:
        left = sum(one.all.text_bytes for _, one in rest)
        records = f"{sum(one.all.records for _, one in rest):,}"
        rows.append(
            [f"{len(rest):,} more", records, f"{left / total:.1%}", usd(paid * left / total)]
        )
    where = "By attachment" if volume.transit_gateway else "By interface"
    yield from _table([where, "records here", "of bytes", "a month"], rows, screen)
    yield ""
    yield from _fields(volume, paid, screen)


def _fields(volume: Volume, paid: float, screen: Screen) -> Iterator[str]:
    total = volume.all.text_bytes
    ranked = sorted(volume.fields.items(), key=lambda item: -item[1].text_bytes)
    rows = [
        [
            shorten(printable(name), 42),
            f"{one.text_bytes / volume.all.records:.1f}" + ("" if one.measured else "~"),
            f"{one.text_bytes / total:.1%}",
            usd(paid * one.text_bytes / total),
        ]
        for name, one in ranked[:_MOST_FIELDS]
    ]
    rest = [one.text_bytes for _, one in ranked[_MOST_FIELDS:]]
    if rest:
        size = sum(rest)
        mean = f"{size / volume.all.records:.1f}"
        rows.append([f"{len(rest)} more", mean, f"{size / total:.1%}", usd(paid * size / total)])
    yield from _table(["By field", "bytes each", "of bytes", "a month"], rows, screen)


def _levers(made: Estimate, screen: Screen, width: int) -> Iterator[str]:
    if not made.levers:
        return
    yield ""
    yield screen.paint("What would save (not to be added up)", "heading")
    for lever in made.levers[:_MOST_LEVERS]:
        yield from _lever(lever, screen, width)
    if len(made.levers) > _MOST_LEVERS:
        yield f"and {len(made.levers) - _MOST_LEVERS} that save less (--json has all)"


def _lever(lever: Lever, screen: Screen, width: int) -> Iterator[str]:
    saved = f"{usd(lever.usd)}{'' if lever.confirmed else '*'}"
    first = f"{saved:>11} {lever.share:4.0%}  "
    yield first + screen.paint(lever.title, "name")
    indent = " " * len(first)
    yield from wrap(printable(lever.what), width, indent, indent)
    if lever.caveat:
        for line in wrap(f"but: {lever.caveat}", width, indent, indent):
            yield screen.paint(line, "quiet")


def _named(text: str, names: Mapping[str, str]) -> str:
    """A text that begins with an interface's id, with its owner's name behind that; safe."""
    id_, comma, rest = text.partition(",")
    owner = names.get(id_)
    return printable(text if owner is None else f"{id_} ({owner}){comma}{rest}")


def _table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    screen: Screen,
    *,
    marked: Sequence[bool] = (),
) -> Iterator[str]:
    """Text to the left, numbers to the right."""
    widths = [max(cells(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for number, row in enumerate([head, *rows]):
        parts = [pad(text, widths[i], right=i > 0) for i, text in enumerate(row)]
        line = "  ".join(parts).rstrip()
        if number == 0:
            yield screen.paint(line, "heading")
        else:
            chosen = bool(marked) and marked[number - 1]
            yield screen.paint(line, "good") if chosen else line
