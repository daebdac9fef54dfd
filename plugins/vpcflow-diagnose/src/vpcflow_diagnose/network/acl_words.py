"""What a network ACL's rules say, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vpcflow_diagnose.network.acl_entries import AclEntry, NetworkAcl
from vpcflow_diagnose.network.packet import Direction, Packet, towards
from vpcflow_diagnose.network.service import LAST_PORT, PORTS, named, ports_text

Range = tuple[int, int]
_SHOWN = 4
"""Ranges and blocks that a sentence names."""


def said(entry: AclEntry, direction: Direction) -> str:
    """ "denies tcp 22 from 203.0.113.0/24"."""
    verb = "allows" if entry.allow else "denies"
    block = entry.block.text if entry.block is not None else ""
    return f"{verb} {entry.service} {towards(direction)} {block}"


def what_is_allowed(
    acl: NetworkAcl, near: Sequence[AclEntry], packet: Packet, direction: Direction
) -> str:
    """For a denial by default: what does pass. To this address by this protocol; else to others.

    near: the entries whose block holds the address. Nothing else of the packet's address counts,
    so that the answer is put together once for many packets.
    """
    key = (direction, packet.protocol, tuple(entry.number for entry in near))
    found = acl.said.get(key)
    if found is None:
        found = acl.said[key] = _allowed(acl, near, packet.protocol, direction)
    if found:
        return found
    other = packet.src if direction == "ingress" else packet.dst
    return f"allows no {named(packet.protocol)} {towards(direction)} {other}"


def _allowed(acl: NetworkAcl, near: Sequence[AclEntry], protocol: int, direction: Direction) -> str:
    """ "" if the ACL allows nothing by this protocol."""
    if protocol in PORTS:
        passing = _passing([entry for entry in near if entry.block is not None], protocol)
        if passing:
            return f"allows {_ranges_text(passing, direction)}"
    texts = [
        f"{entry.service} {towards(direction)} {entry.block.text}"
        for entry in acl.entries(direction) or ()
        if entry.allow
        and entry.block is not None
        and entry.service is not None
        and entry.service.protocol in (None, protocol)
    ]
    return f"allows {_listed(list(dict.fromkeys(texts)))}" if texts else ""


def _passing(entries: Sequence[AclEntry], protocol: int) -> list[tuple[Range, AclEntry]]:
    """The ranges of ports that pass, each with the entry that lets it."""
    found: list[tuple[Range, AclEntry]] = []
    for start, end in cuts(entries, protocol, 0, LAST_PORT):
        probe = Packet("", "", protocol, 0, start)
        entry = next((e for e in entries if e.service and e.service.matches(probe)), None)
        if entry is None or not entry.allow:
            continue
        if found and found[-1][1].block == entry.block and found[-1][0][1] + 1 == start:
            found[-1] = ((found[-1][0][0], end), entry)
        else:
            found.append(((start, end), entry))
    return found


def _ranges_text(passing: list[tuple[Range, AclEntry]], direction: Direction) -> str:
    """ "32768-60999 to 10.0.0.0/16", several of them joined; ranges of one block together."""
    by_block: dict[str, list[str]] = {}
    for (low, high), entry in passing:
        text = entry.block.text if entry.block else ""
        by_block.setdefault(text, []).append(ports_text(low, high))
    way = towards(direction)
    return _listed([f"{_listed(ports)} {way} {text}" for text, ports in by_block.items()])


def _listed(texts: list[str]) -> str:
    """ "a", "a and b", "a, b and 7 more"."""
    if len(texts) > _SHOWN:
        return f"{', '.join(texts[:_SHOWN])} and {len(texts) - _SHOWN} more"
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def cuts(entries: Sequence[AclEntry], protocol: int, low: int, high: int) -> Iterator[Range]:
    """Ranges within low..high in which the same entries match."""
    starts = {low}
    for entry in entries:
        service = entry.service
        if service is not None and service.protocol == protocol and protocol in PORTS:
            starts.update(at for at in (service.low, service.high + 1) if low < at <= high)
    ordered = sorted(starts)
    yield from zip(ordered, [at - 1 for at in ordered[1:]] + [high], strict=True)
