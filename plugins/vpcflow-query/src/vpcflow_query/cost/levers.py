"""What would make flow logs cheaper: how much smaller each lever makes the volume, and what is lost
by it. Shares are of the text that was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import frozen

from vpcflow.flow_format import FlowFormat
from vpcflow_query.cost.volume import FEW, Share, Volume

LEAST = 0.001
"""Share below which a lever is not worth a line."""
_DEFAULT = frozenset(FlowFormat.default().names)


@frozen
class VolumeLever:
    """share: of the volume that would go, 0 to 1. keeps: whether all that the logs tell would
    still be told somewhere. what: the finding and what to do. caveat: what is lost, or unsure."""

    name: str
    title: str
    share: float
    keeps: bool
    what: str
    caveat: str


def volume_levers(volume: Volume) -> tuple[VolumeLever, ...]:
    """Those that apply, the largest first. Their savings do not add up."""
    found = [lever for make in _LEVERS for lever in make(volume) if lever.share >= LEAST]
    return tuple(sorted(found, key=lambda lever: -lever.share))


def overlap(volume: Volume) -> tuple[int, int]:
    """Records that another flow log wrote too; and records that one flow log has twice, because a
    file was given twice. A copy in a file whose name tells no flow log counts as the former."""
    repeated = volume.distinct.tracked - volume.distinct.tracked_flows
    copies = volume.distinct.records - volume.distinct.flows
    repeated = max(min(repeated, copies), 0)
    return max(copies - repeated, 0), repeated


def nat_share(volume: Volume) -> Share:
    """Records at interfaces that show themselves to be NAT gateways."""
    return sum((one.all for one in volume.interfaces.values() if one.nat), Share())


def extra_fields(volume: Volume) -> list[str]:
    """Fields that AWS's default format does not have; none for a transit gateway's logs."""
    if volume.transit_gateway:
        return []
    return [name for name in volume.fields if name not in _DEFAULT]


def empty_fields(volume: Volume) -> list[str]:
    return [name for name, one in volume.fields.items() if one.measured and not one.values]


def _overlap(volume: Volume) -> Iterator[VolumeLever]:
    copies, _ = overlap(volume)
    seen = volume.distinct.records
    share = copies / seen if seen else 0.0
    logs = len(volume.flow_logs)
    by = f" by {logs:,} flow logs" if logs > 1 else ""
    logged = "VPC, its subnets and interfaces"
    if volume.transit_gateway:
        logged = "transit gateway and its attachments"
    yield VolumeLever(
        "overlap",
        "delete overlapping flow logs",
        share,
        True,
        f"{copies:,} of {seen:,} records were written before, alike in interface, "
        f"addresses, ports, times and counts{by}: list the flow logs of the {logged} "
        "(aws ec2 describe-flow-logs) and keep one",
        "copies in files given twice look the same where file names do not tell the flow log; "
        "flow logs of different intervals are not noticed",
    )


def _interval(volume: Volume) -> Iterator[VolumeLever]:
    counts = volume.distinct
    if not counts.flows or volume.long_windows * 2 > volume.ok.records:
        return
    if volume.transit_gateway:
        return  # AWS offers 60 s only
    yield VolumeLever(
        "interval-600",
        "aggregate over 600 s instead of 60 s",
        (counts.flows - counts.merged) / counts.flows,
        True,
        f"{counts.flows:,} records would be {counts.merged:,}: those of one flow within ten "
        "minutes become one",
        "nothing is saved at interfaces of Nitro instances, which AWS aggregates over at most "
        "60 s whatever is set; later delivery, coarser times; needs a new flow log",
    )


def _reuse(volume: Volume) -> Iterator[VolumeLever]:
    counts = volume.distinct
    if not counts.flows or not counts.connections or not volume.ok.records:
        return
    flows = counts.flows * volume.ok.records / volume.all.records
    few = volume.few.records / volume.ok.records
    yield VolumeLever(
        "reuse",
        "reuse connections (keep-alive, pools)",
        max(flows - counts.reused, 0.0) / counts.flows,
        False,
        f"{flows / counts.connections:.1f} records for each connection, {few:.0%} of at most "
        f"{FEW} packets: with one connection a minute between the same two hosts and port "
        f"{counts.reused:,} would remain",
        "an upper bound, and a change of the applications; clients of others keep their ways",
    )


def _both_ends(volume: Volume) -> Iterator[VolumeLever]:
    counts = volume.distinct
    if not counts.views:
        return
    place, several = "interface", "flow logs of some subnets instead of the VPC"
    caveat = "which of two rule sets refused, and a packet that never arrived"
    if volume.transit_gateway:
        place, several = "attachment", "flow logs of some attachments instead of the gateway"
        caveat = "at which attachment packets were lost"
    seen_again = (counts.views - counts.one_way) / counts.views
    yield VolumeLever(
        "both-ends",
        "log one end of internal connections",
        seen_again * volume.ok.text_bytes / volume.all.text_bytes,
        False,
        f"{counts.views - counts.one_way:,} of {counts.views:,} flows are seen at a second "
        f"{place}: {several} would write them once",
        f"what only the other end shows is lost: {caveat}",
    )


def _nat(volume: Volume) -> Iterator[VolumeLever]:
    share = nat_share(volume)
    gateways = sum(one.nat for one in volume.interfaces.values())
    yield VolumeLever(
        "nat",
        "leave NAT gateways out",
        share.text_bytes / volume.all.text_bytes if volume.all.text_bytes else 0.0,
        False,
        f"{share.records:,} records are of NAT gateways (interfaces that say so, or translate "
        f"alike: {gateways:,}): each connection again, in two legs; log the other subnets only",
        "what a gateway is used for, by whom, is told by the hosts' own records only while they "
        "are logged; no evidence of a failing gateway",
    )


def _nodata(volume: Volume) -> Iterator[VolumeLever]:
    idle = sum(0 < one.all.records == one.nodata.records for name, one in volume.interfaces.items())
    yield VolumeLever(
        "nodata",
        "delete or do not log idle interfaces",
        _of(volume, volume.nodata),
        True,
        f"{volume.nodata.records:,} records say that there was no traffic; interfaces that wrote "
        f"nothing else: {idle:,}",
        "an interface that is idle now may be a standby",
    )


def _noise(volume: Volume) -> Iterator[VolumeLever]:
    yield VolumeLever(
        "internet-noise",
        "take away public addresses that need not be",
        _of(volume, volume.noise),
        True,
        f"{volume.noise.records:,} records are refusals of public sources: scans find every "
        "public address; without one (behind a load balancer or NAT) they do not arrive",
        "a narrower security group does not help: what it refuses is logged; refused partners "
        "count as noise here",
    )


def _reject_only(volume: Volume) -> Iterator[VolumeLever]:
    if volume.transit_gateway:
        return  # CreateFlowLogs takes no traffic type there
    others = volume.reject + volume.nodata + volume.skipdata
    yield VolumeLever(
        "reject-only",
        "log REJECT only",
        max(1.0 - _of(volume, others), 0.0) if volume.all.records else 0.0,
        False,
        f"{volume.reject.records:,} records are refusals; a flow log of traffic type REJECT "
        "writes no others",
        "no talkers, no volumes, no evidence that something works; NODATA is counted as staying",
    )


def _fields(volume: Volume) -> Iterator[VolumeLever]:
    extra = extra_fields(volume)
    yield VolumeLever(
        "default-format",
        "use the default format",
        _of_fields(volume, extra),
        False,
        f"{len(extra)} of {len(volume.fields)} fields are beyond the default format",
        "diagnosis loses TCP flags, direction, paths and the addresses behind NAT; a format "
        "cannot be changed, so it is a new flow log",
    )
    empty = empty_fields(volume)
    names = ", ".join(empty[:3]) + (f" and {len(empty) - 3} more" if len(empty) > 3 else "")
    yield VolumeLever(
        "empty-fields",
        "drop fields that hold nothing",
        _of_fields(volume, empty),
        True,
        f"{names} never had a value",
        "they may have one when a task, tag or sublocation appears; needs a new flow log",
    )


def _of(volume: Volume, share: Share) -> float:
    return share.text_bytes / volume.all.text_bytes if volume.all.text_bytes else 0.0


def _of_fields(volume: Volume, names: list[str]) -> float:
    if not volume.all.text_bytes:
        return 0.0
    return sum(volume.fields[name].text_bytes for name in names) / volume.all.text_bytes


_LEVERS: tuple[Callable[[Volume], Iterator[VolumeLever]], ...] = (
    _overlap,
    _interval,
    _reuse,
    _both_ends,
    _nat,
    _nodata,
    _noise,
    _reject_only,
    _fields,
)
