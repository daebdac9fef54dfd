"""What `vpcflow why` is asked: two ends, and perhaps a port and a protocol.

An end is an address, a CIDR block, `internet`, an interface (eni-), or whatever an inventory knows:
an instance, a gateway, a name.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from attrs import frozen
from vpcflow_query.public import Block, public_blocks

from vpcflow.cli.names import protocol_number
from vpcflow.errors import UsageError, nearest, printable
from vpcflow_diagnose.network.network import Network

INTERNET = "internet"
_PORT = re.compile(r"(?P<end>.*):(?P<port>[0-9]{1,5})", re.DOTALL)
_ENI = re.compile(r"eni-[0-9a-f]{4,40}")
HINT = "write an address, [IPv6]:port, a CIDR block, eni-..., i-..., a resource's name, or internet"


@frozen
class Asked:
    """One end as it was written. blocks: the addresses that it means; None if only the interfaces
    say (an eni- without an inventory). interfaces: their ids, if it named any."""

    text: str
    blocks: tuple[Block, ...] | None
    interfaces: tuple[str, ...] = ()

    @property
    def one_address(self) -> str | None:
        """The address, if it is one; of an interface its first."""
        if self.blocks is None or self.text == INTERNET:
            return None
        first = self.blocks[0]
        single = first.prefixlen == first.max_prefixlen
        return str(first.network_address) if single else None

    def holds(self, address: str) -> bool:
        """Whether it means this address."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return self.blocks is not None and any(found in block for block in self.blocks)


@frozen
class Question:
    source: Asked
    target: Asked
    port: int | None
    protocol: int | None


def question(source: str, target: str, networks: Sequence[Network]) -> Question:
    """Raises UsageError for an end that is not understood or not known."""
    text, protocol = _protocol(target)
    text, port = _port(text)
    if port is not None and protocol is None:
        protocol = None if port == 0 else _TCP_UNLESS_SAID
    bare, stray = _port(source)
    if stray is not None:
        raise UsageError(
            f"{printable(source)} has a port: the source's port is its own choice",
            hint="give the port of the destination: SRC DST:PORT",
        )
    return Question(_end(bare, networks), _end(text, networks), port, protocol)


_TCP_UNLESS_SAID = 6


def _protocol(text: str) -> tuple[str, int | None]:
    """The part behind a slash, unless it is the length of a CIDR block."""
    before, slash, name = text.rpartition("/")
    length = name.isdigit() and not _PORT.fullmatch(before)
    if not slash or length or ":" in name:  # 10.0.0.0/8:443
        return text, None
    number = protocol_number(name)
    if number is None and name.isdigit() and int(name) <= 255:
        number = int(name)
    if number is None:
        raise UsageError(
            f"{printable(name)!r} is no protocol", hint="as in 10.0.2.9:53/udp or 10.0.2.9/icmp"
        )
    return before, number


def _port(text: str) -> tuple[str, int | None]:
    found = _PORT.fullmatch(text)
    if found is None or _address(text) is not None:
        return text, None
    end, port = found["end"], int(found["port"])
    if ":" in end and not (end.startswith("[") and end.endswith("]")):
        raise UsageError(
            f"{printable(text)} is ambiguous", hint="write an IPv6 port as [2001:db8::1]:443"
        )
    if port > 65535:
        raise UsageError(f"{port} is no port", hint="ports go up to 65535")
    return end, port


def _address(text: str) -> Block | None:
    try:
        return ipaddress.ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None


def _end(text: str, networks: Sequence[Network]) -> Asked:
    if text.lower() == INTERNET:
        return Asked(INTERNET, public_blocks())
    block = _address(text)
    if block is not None:
        return Asked(text, (block,))
    found = [i for network in networks for i in network.find(text)]
    if found:
        ids = tuple(dict.fromkeys(i.id for i in found))
        addresses = (a for i in found for a in (*i.addresses, *i.prefixes))
        blocks = tuple(dict.fromkeys(b for a in addresses if (b := _address(a)) is not None))
        return Asked(text, blocks or None, ids)
    if _ENI.fullmatch(text):
        return Asked(text, None, (text,))
    raise _unknown(text, networks)


def _unknown(text: str, networks: Sequence[Network]) -> UsageError:
    shown = printable(text, 80)
    if not networks:
        return UsageError(
            f"{shown} is no address, and without an inventory names mean nothing",
            hint=f"--inventory DIR, or {HINT}",
        )
    names = {n for network in networks for i in network.interfaces.values()
             for n in (i.owner_name, i.owner_id) if n}  # fmt: skip
    near = nearest(text, names)
    return UsageError(
        f"the inventory knows nothing called {shown}",
        hint=f"did you mean {printable(near, 80)}?" if near else HINT,
    )
