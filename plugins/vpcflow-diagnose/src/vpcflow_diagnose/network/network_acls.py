"""What the network ACL of a subnet says to a packet.

Entries are asked in the order of their numbers; the first that matches decides (VPC User Guide,
"Network ACL rules").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import evolve

from vpcflow_diagnose.network.acl_entries import LAST_RULE, AclEntry, NetworkAcl
from vpcflow_diagnose.network.addresses import SIX, number
from vpcflow_diagnose.network.network import Network
from vpcflow_diagnose.network.packet import Direction, Packet, Verdict
from vpcflow_diagnose.network.service import LAST_PORT, PORTS, Service, named, ports_text

Range = tuple[int, int]
_SHOWN = 4
"""Ranges and blocks that a sentence names."""


def evaluate(network: Network, subnet_id: str, packet: Packet, direction: Direction) -> Verdict:
    """ingress: into the subnet. `allowed` is None if the subnet's ACL is not known."""
    found = _entries(network, subnet_id, packet, direction)
    if isinstance(found, Verdict):
        return found
    acl, entries, address = found
    decides = _first_match(acl, entries, packet, address)
    if isinstance(decides, Verdict):
        return decides
    return _verdict(acl, decides, packet, address, direction)


def by_port(
    network: Network, subnet_id: str, packet: Packet, direction: Direction, low: int, high: int
) -> list[tuple[int, int, Verdict]]:
    """The verdicts on destination ports low..high, as ranges in order that share one: a reply's
    destination port is the client's. packet.dstport does not count."""
    found = _entries(network, subnet_id, packet, direction)
    if isinstance(found, Verdict):
        return [(low, high, found)]
    acl, entries, address = found
    verdicts: dict[AclEntry, Verdict] = {}  # what an entry says does not depend on the port
    ranges: list[tuple[int, int, Verdict]] = []
    for start, end in _cuts(entries, packet.protocol, low, high):
        decides = _first_match(acl, entries, evolve(packet, dstport=start), address)
        if isinstance(decides, Verdict):
            verdict = decides
        elif decides in verdicts:
            verdict = verdicts[decides]
        else:
            verdict = verdicts[decides] = _verdict(acl, decides, packet, address, direction)
        if ranges and ranges[-1][2] == verdict:
            ranges[-1] = (ranges[-1][0], end, verdict)
        else:
            ranges.append((start, end, verdict))
    return ranges


def _entries(
    network: Network, subnet_id: str, packet: Packet, direction: Direction
) -> Verdict | tuple[NetworkAcl, list[AclEntry], int]:
    """The entries that may be about the packet's other end, or why that cannot be told."""
    acl = network.acl_of(subnet_id)
    if acl is None:
        why = f"the network ACL of {subnet_id} is not in the inventory"
        return Verdict(None, "", "", "", why)
    address = number(packet.src if direction == "ingress" else packet.dst)
    entries = acl.ingress if direction == "ingress" else acl.egress
    if entries is None or address is None:
        what = "the rules" if entries is None else "the address"
        why = f"{what} of {acl.id} cannot be read" if entries is None else "it is no address"
        return Verdict(None, acl.id, "", "", why)
    near = [entry for entry in entries if entry.block is None or entry.block.holds(address)]
    return acl, near, address


def _first_match(
    acl: NetworkAcl, entries: Sequence[AclEntry], packet: Packet, address: int
) -> AclEntry | Verdict:
    """The entry that decides, or the verdict None if an earlier one may match and says otherwise.
    entries: those whose block holds the address, or that cannot be read."""
    open_: list[AclEntry] = []
    last = AclEntry(LAST_RULE + (address >= SIX), False, Service(None), None)
    for entry in entries:
        matches = _matches(entry, packet)
        if matches:
            last = entry
            break
        if matches is None:
            open_.append(entry)
    for entry in open_:
        if entry.service is None or entry.block is None or entry.allow != last.allow:
            return Verdict(None, acl.id, str(entry.number), "", _why(acl, entry))
    return last


def _matches(entry: AclEntry, packet: Packet) -> bool | None:
    if entry.service is None or entry.block is None:
        return None
    return entry.service.matches(packet)


def _why(acl: NetworkAcl, entry: AclEntry) -> str:
    if entry.service is None or entry.block is None:
        return f"rule {entry.number} of {acl.id} cannot be read"
    verb = "allows" if entry.allow else "denies"
    return (
        f"rule {entry.number} of {acl.id} {verb} {entry.service}, and flow logs do not say the "
        "ICMP type and code"
    )


def _verdict(
    acl: NetworkAcl, entry: AclEntry, packet: Packet, address: int, direction: Direction
) -> Verdict:
    if entry.default and not entry.allow:
        words = _what_is_allowed(acl, packet, address, direction)
    else:
        verb = "allows" if entry.allow else "denies"
        words = f"{verb} {entry.service} {_to(direction)} {entry.block.text if entry.block else ''}"
    return Verdict(entry.allow, acl.id, str(entry.number), words, by_name=_by_name(entry))


def _by_name(entry: AclEntry) -> bool:
    if entry.block is None or entry.service is None:
        return False
    return not entry.block.everybody or entry.service.width == 1


def _to(direction: Direction) -> str:
    return "from" if direction == "ingress" else "to"


def _what_is_allowed(acl: NetworkAcl, packet: Packet, address: int, direction: Direction) -> str:
    """For a denial by default: what does pass. To this address by this protocol; else to others."""
    entries = (acl.ingress if direction == "ingress" else acl.egress) or ()
    usable = [e for e in entries if e.block is not None and e.service is not None]
    near = [e for e in usable if e.block is not None and e.block.holds(address)]
    if packet.protocol in PORTS:
        passing = _passing(near, packet.protocol)
        if passing:
            return f"allows {_ranges_text(passing, direction)}"
    way, protocol = _to(direction), named(packet.protocol)
    others = [
        entry
        for entry in usable
        if entry.allow and entry.service and entry.service.protocol in (None, packet.protocol)
    ]
    if others:
        texts = list(dict.fromkeys(f"{e.service} {way} {e.block.text}" for e in others if e.block))
        return f"allows {_listed(texts)}"
    return f"allows no {protocol} {way} {packet.src if way == 'from' else packet.dst}"


def _passing(entries: Sequence[AclEntry], protocol: int) -> list[tuple[Range, AclEntry]]:
    """The ranges of ports that pass, each with the entry that lets it."""
    found: list[tuple[Range, AclEntry]] = []
    for start, end in _cuts(entries, protocol, 0, LAST_PORT):
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
    way = _to(direction)
    return _listed([f"{_listed(ports)} {way} {text}" for text, ports in by_block.items()])


def _listed(texts: list[str]) -> str:
    """ "a", "a and b", "a, b and 7 more"."""
    if len(texts) > _SHOWN:
        return f"{', '.join(texts[:_SHOWN])} and {len(texts) - _SHOWN} more"
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def _cuts(entries: Sequence[AclEntry], protocol: int, low: int, high: int) -> Iterator[Range]:
    """Ranges within low..high in which the same entries match."""
    starts = {low}
    for entry in entries:
        service = entry.service
        if service is not None and service.protocol == protocol and protocol in PORTS:
            starts.update(at for at in (service.low, service.high + 1) if low < at <= high)
    ordered = sorted(starts)
    yield from zip(ordered, [at - 1 for at in ordered[1:]] + [high], strict=True)
