"""Which columns are read, and what stands for those that a log does not have."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from vpcflow import UsageError

ADDRESSES = ("srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr")
TGW = ("tgw_id", "tgw_attachment_id", "tgw_pair_attachment_id")
LOST = (
    "packets_lost_no_route",
    "packets_lost_blackhole",
    "packets_lost_mtu_exceeded",
    "packets_lost_ttl_expired",
)
USED = (
    "interface_id",
    "resource_id",
    *ADDRESSES,
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log_status",
    "vpc_id",
    "subnet_id",
    "tcp_flags",
    "flow_direction",
    "traffic_path",
    "reject_reason",
    *TGW,
    *LOST,
)

EMPTY = frozenset(("srcaddr", "dstaddr"))
"""Stand for the columns of logs that hold nothing, not even a format."""

_TEXTS = frozenset((*TGW, "vpc_id", "subnet_id"))  # addresses and other words come as numbers


def used(names: Collection[str]) -> Sequence[str]:
    """The columns of a log that are read. Raises UsageError where the ends are not in it."""
    missing = [end for end in ("srcaddr", "dstaddr") if not {end, f"pkt_{end}"} & set(names)]
    if missing:
        either = " and ".join(f"{end} (or pkt_{end})" for end in missing)
        raise UsageError(
            f"the format has no {either}: who talks to whom cannot be told",
            hint="the flow log's format needs both addresses; a new flow log can have them",
        )
    return [name for name in USED if name in names]


def column_sql(name: str, names: Collection[str]) -> str:
    """SQL for a column as intake.py gives it: its name, or a null of its type where the log has
    none."""
    if name in names:
        return f'"{name}"'
    if name in ("start", "end"):
        return "NULL::TIMESTAMPTZ"
    return "NULL::VARCHAR" if name in _TEXTS else "NULL::BIGINT"
