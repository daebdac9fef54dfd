"""Names that people know for numbers that AWS writes: protocols, TCP flags, traffic paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

# IANA's protocol numbers, keywords in lower case; "icmpv6" is what everybody says for 58.
PROTOCOLS: Mapping[int, str] = MappingProxyType({
    0: "hopopt", 1: "icmp", 2: "igmp", 4: "ipv4", 6: "tcp", 8: "egp", 9: "igp", 17: "udp",
    27: "rdp", 33: "dccp", 41: "ipv6", 43: "ipv6-route", 44: "ipv6-frag", 46: "rsvp", 47: "gre",
    50: "esp", 51: "ah", 58: "icmpv6", 59: "ipv6-nonxt", 60: "ipv6-opts", 88: "eigrp", 89: "ospf",
    94: "ipip", 97: "etherip", 103: "pim", 108: "ipcomp", 112: "vrrp", 115: "l2tp", 132: "sctp",
    136: "udplite", 137: "mpls-in-ip", 139: "hip",
})  # fmt: skip

# Bits of tcp-flags. A window's flags are OR-ed, so SYN+FIN is a whole short connection.
_FLAGS = ((2, "SYN"), (16, "ACK"), (1, "FIN"), (4, "RST"), (8, "PSH"), (32, "URG"), (64, "ECE"),
          (128, "CWR"))  # fmt: skip
_SYN_ACK = 18

# traffic-path as AWS's record reference has it; 6 changed its meaning between editions.
TRAFFIC_PATHS: Mapping[int, str] = MappingProxyType({
    1: "same VPC",
    2: "internet or gateway endpoint",
    3: "virtual private gateway",
    4: "peering",
    5: "inter-Region peering",
    6: "local gateway or zone",
    7: "gateway endpoint",
    8: "internet gateway",
})  # fmt: skip

ENCRYPTION: Mapping[int, str] = MappingProxyType(
    {0: "clear", 1: "nitro", 2: "application", 3: "nitro+application"}
)


def protocol_name(number: int) -> str:
    """6 -> "tcp"; a number without a well-known name stays a number."""
    return PROTOCOLS.get(number, str(number))


def flag_names(value: int) -> str:
    """18 -> "SYN-ACK", 3 -> "SYN+FIN", 0 -> "0" (no supported flag seen in the window)."""
    if value == 0:
        return "0"
    names = []
    rest = value
    if value & _SYN_ACK == _SYN_ACK:
        names.append("SYN-ACK")
        rest &= ~_SYN_ACK
    for bit, name in _FLAGS:
        if rest & bit:
            names.append(name)
            rest &= ~bit
    if rest:
        names.append(hex(rest))
    return "+".join(names)


def path_name(value: int) -> str:
    """8 -> "8 internet gateway": AWS's number with its meaning."""
    meaning = TRAFFIC_PATHS.get(value)
    return str(value) if meaning is None else f"{value} {meaning}"


def encryption_name(value: int) -> str:
    """1 -> "1 nitro": AWS's number with its meaning."""
    meaning = ENCRYPTION.get(value)
    return str(value) if meaning is None else f"{value} {meaning}"


#: Columns whose integers have names, and how a value reads.
NAMED: Mapping[str, Callable[[int], str]] = MappingProxyType({
    "protocol": protocol_name,
    "tcp_flags": flag_names,
    "traffic_path": path_name,
    "encryption_status": encryption_name,
})  # fmt: skip


def protocol_number(name: str) -> int | None:
    """ "tcp" -> 6, in any case; None for a name that is not known."""
    wanted = name.lower()
    if wanted == "ipv6-icmp":
        return 58
    return next((number for number, known in PROTOCOLS.items() if known == wanted), None)


def flag_bits(names: str) -> int | None:
    """ "SYN-ACK+FIN" -> 19, in any case; None if one of the names is not a TCP flag."""
    bits = {name: bit for bit, name in _FLAGS} | {"SYN-ACK": _SYN_ACK}
    value = 0
    for name in names.upper().split("+"):
        if name not in bits:
            return None
        value |= bits[name]
    return value
