"""The price table: built in (`prices.toml`, which says how it is written), dated, replaceable.

A file of one's own replaces the built-in table charge by charge. Every price says where it comes
from and whether that is confirmed; what a Region lacks is taken from `BASE`, as not confirmed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

from attrs import evolve, field, frozen

from vpcflow.errors import UsageError, nearest, printable
from vpcflow_query.tiers import Charge, Tier

Destination = Literal["cloudwatch", "cloudwatch-ia", "s3", "s3-parquet", "firehose"]
DESTINATIONS: tuple[Destination, ...] = get_args(Destination)
CHARGED: Mapping[str, tuple[str, ...]] = {
    "cloudwatch": ("delivery", "storage", "scan"),
    "cloudwatch-ia": ("delivery", "storage", "scan"),
    "s3": ("delivery", "storage", "scan"),
    "s3-parquet": ("delivery", "conversion", "storage", "scan"),
    "firehose": ("delivery", "ingestion"),
    "network": ("nat-gateway", "between-zones"),
}
"""What is charged where. What Firehose delivers to is charged by others, and is not known here. The
network is no destination: its prices are those of the traffic that the logs tell of."""

BASE = "us-east-1"
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]{2,12}){1,3}-[0-9]{1,2}", re.ASCII)
_LARGEST = 1 << 20  # bytes; the built-in table takes 6 kB
_DEAREST = 10_000.0  # USD per GB: more than that is a price per TB, or a slip of the point
_FARTHEST = 1e12
_HINT = "prices.toml of vpcflow-query is such a file, and says how it is written"

Table = Mapping[tuple[str, str, str], Charge]


@frozen
class Prices:
    """A price table. date: of the newest prices in it. table: by Region, destination and charge.
    origin: where it comes from, for people."""

    date: date
    table: Table = field(repr=False)
    origin: str = "built in"

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(sorted({region for region, _, _ in self.table}))

    def charges(self, region: str, destination: str) -> tuple[Charge, ...]:
        """What is charged at a destination, in the order of `CHARGED`. A charge that the Region
        lacks is that of `BASE`, as not confirmed; one that `BASE` lacks is left out."""
        found = (self._charge(region, destination, name) for name in CHARGED[destination])
        return tuple(charge for charge in found if charge is not None)

    def network(self, name: str) -> Charge:
        """What the network charges for traffic, in `BASE`: nat-gateway or between-zones."""
        return self.table[BASE, "network", name]

    def knows(self, region: str) -> bool:
        return any(region == known for known, _, _ in self.table)

    def _charge(self, region: str, destination: str, name: str) -> Charge | None:
        if (own := self.table.get((region, destination, name))) is not None:
            return own
        base = self.table.get((BASE, destination, name))
        if base is None:
            return None
        tiers = tuple(evolve(tier, confirmed=False) for tier in base.tiers)
        return Charge(name, tiers, f"price of {BASE}: {base.source}")


def is_region(name: str) -> bool:
    """Whether AWS could have a Region of this name."""
    return _REGION.fullmatch(name) is not None


def built_in() -> Prices:
    """The table that comes with this package."""
    text = files("vpcflow_query").joinpath("prices.toml").read_text("utf-8")
    day, table = parse(text, "prices.toml")
    return Prices(day, table)


def load(path: str | Path | None = None) -> Prices:
    """The built-in table, with what a file says in place of it. Raises UsageError for a file that
    cannot be read or understood: nothing in it is guessed or skipped."""
    base = built_in()
    if path is None:
        return base
    shown = printable(str(path))
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LARGEST + 1)
        text = data.decode("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"cannot read the prices in {shown}: {reason}", hint=_HINT) from None
    if len(data) > _LARGEST:
        raise UsageError(f"{shown} is larger than a price table can be (1 MiB)", hint=_HINT)
    day, table = parse(text, shown)
    return Prices(day, {**base.table, **table}, f"{shown} ({day}), else built in ({base.date})")


def parse(text: str, name: str) -> tuple[date, Table]:
    """The date and the charges of a price table in TOML; UsageError names what is wrong, and where
    in the file `name`."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not TOML: {printable(str(error))}", hint=_HINT) from None
    day = document.pop("date", None)
    if not isinstance(day, date) or isinstance(day, datetime):
        raise _wrong(name, "date", "is missing or no date", "write date = 2026-06-30")
    table = {charge[0]: charge[1] for charge in _charges(document, name)}
    if not table:
        raise UsageError(f"{name} holds no prices", hint=_HINT)
    return day, table


def _charges(
    document: Mapping[str, Any], name: str
) -> Iterator[tuple[tuple[str, str, str], Charge]]:
    for region, destinations in document.items():
        if not is_region(region):
            raise _wrong(name, region, "is not the name of an AWS Region", "as in us-east-1")
        for destination, charges in _tables(destinations, name, region):
            _one_of(destination, tuple(CHARGED), name, f"{region}.{destination}", "destination")
            for charge, entry in _tables(charges, name, f"{region}.{destination}"):
                where = f"{region}.{destination}.{charge}"
                _one_of(charge, CHARGED[destination], name, where, "charge there")
                yield (region, destination, charge), _charge(charge, entry, name, where)


def _tables(value: object, name: str, where: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise _wrong(name, where, "is not a table", f"write [{BASE}.s3.delivery]")
    yield from value.items()


def _one_of(found: str, allowed: tuple[str, ...], name: str, where: str, what: str) -> None:
    if found not in allowed:
        near = nearest(found, allowed)
        hint = f"did you mean {near}?" if near else f"one of {', '.join(allowed)}"
        raise _wrong(name, where, f"is no {what}", hint)


def _charge(charge: str, entry: object, name: str, where: str) -> Charge:
    if not isinstance(entry, dict):
        raise _wrong(name, where, "is not a table", f"write [{where}] and below it usd = 0.25")
    for key in entry:
        _one_of(key, ("usd", "tiers", "confirmed", "source"), name, f"{where}.{key}", "key")
    source = entry.get("source", name)
    if not isinstance(source, str):
        raise _wrong(name, f"{where}.source", "is not text", "say where the price comes from")
    confirmed = _flag(entry, "confirmed", name, where)
    if confirmed is None:
        raise _wrong(name, where, "does not say whether it is confirmed", "confirmed = true")
    if ("usd" in entry) == ("tiers" in entry):
        raise _wrong(name, where, "must have either usd or tiers", "usd = 0.25")
    steps = entry["tiers"] if "tiers" in entry else [{"usd": entry["usd"]}]
    return Charge(charge, _tiers(steps, confirmed, name, where), source)


def _tiers(steps: object, confirmed: bool, name: str, where: str) -> tuple[Tier, ...]:
    if not isinstance(steps, list) or not steps:
        raise _wrong(name, f"{where}.tiers", "is no list of tiers", "tiers = [{ usd = 0.05 }]")
    tiers: list[Tier] = []
    below = 0.0
    for number, step in enumerate(steps, 1):
        at = f"{where}.tiers[{number}]" if len(steps) > 1 else where
        if not isinstance(step, dict):
            raise _wrong(name, at, "is not a table", "{ up_to_gb = 10240, usd = 0.25 }")
        for key in step:
            _one_of(key, ("up_to_gb", "usd", "confirmed"), name, f"{at}.{key}", "key")
        last = number == len(steps)
        if last != ("up_to_gb" not in step):
            what = "is the last tier and has an end" if last else "has no end (up_to_gb)"
            raise _wrong(name, at, what, "every tier but the last has up_to_gb")
        end = None if last else _number(step, "up_to_gb", name, at, _FARTHEST)
        if end is not None and end <= below:
            raise _wrong(name, at, f"ends at {end:g} GB, not above {below:g}", "in rising order")
        own = _flag(step, "confirmed", name, at)
        usd = _number(step, "usd", name, at, _DEAREST)
        tiers.append(Tier(end, usd, confirmed if own is None else own))
        below = end or below
    return tuple(tiers)


def _number(entry: Mapping[str, object], key: str, name: str, where: str, largest: float) -> float:
    value = entry.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= largest:
        return float(value)
    shown = "missing" if key not in entry else printable(repr(value), 40)
    hint = f"a number from 0 to {largest:,.0f}, without quotation marks"
    raise _wrong(name, f"{where}.{key}", f"is {shown}", hint)


def _flag(entry: Mapping[str, object], key: str, name: str, where: str) -> bool | None:
    value = entry.get(key)
    if value is not None and not isinstance(value, bool):
        raise _wrong(name, f"{where}.{key}", "is neither true nor false", f"{key} = false")
    return value


def _wrong(name: str, where: str, what: str, hint: str) -> UsageError:
    return UsageError(f"prices in {name}: {printable(where, 80)} {what}", hint=hint)
