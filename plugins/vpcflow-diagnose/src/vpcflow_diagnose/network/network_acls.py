"""What the network ACL of a subnet says to a packet.

Entries are asked in the order of their numbers; the first that matches decides (VPC User Guide,
"Network ACL rules").
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from vpcflow_diagnose.network.acl_entries import LAST_RULE, AclEntry, NetworkAcl
from vpcflow_diagnose.network.acl_words import cuts, said, what_is_allowed
from vpcflow_diagnose.network.addresses import SIX, number
from vpcflow_diagnose.network.network import Network
from vpcflow_diagnose.network.packet import Direction, Packet, Verdict
from vpcflow_diagnose.network.service import Service


def evaluate(network: Network, subnet_id: str, packet: Packet, direction: Direction) -> Verdict:
    """ingress: into the subnet. `allowed` is None if the subnet's ACL is not known."""
    found = _entries(network, subnet_id, packet, direction)
    if isinstance(found, Verdict):
        return found
    acl, entries, address = found
    decides = _first_match(acl, entries, packet, address)
    if isinstance(decides, Verdict):
        return decides
    return _verdict(acl, decides, entries, packet, direction)


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
    for start, end in cuts(entries, packet.protocol, low, high):
        decides = _first_match(acl, entries, evolve(packet, dstport=start), address)
        if isinstance(decides, Verdict):
            verdict = decides
        elif decides in verdicts:
            verdict = verdicts[decides]
        else:
            verdict = verdicts[decides] = _verdict(acl, decides, entries, packet, direction)
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
    entries = acl.entries(direction)
    if entries is None:
        return Verdict(None, acl.id, "", "", f"the rules of {acl.id} cannot be read")
    if address is None:
        return Verdict(None, acl.id, "", "", "the packet's other end is no address")
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
    acl: NetworkAcl,
    entry: AclEntry,
    near: Sequence[AclEntry],
    packet: Packet,
    direction: Direction,
) -> Verdict:
    if entry.default and not entry.allow:
        words = what_is_allowed(acl, near, packet, direction)
    else:
        words = said(entry, direction)
    return Verdict(entry.allow, acl.id, str(entry.number), words, by_name=_by_name(entry))


def _by_name(entry: AclEntry) -> bool:
    if entry.block is None or entry.service is None:
        return False
    return not entry.block.everybody or entry.service.width == 1
