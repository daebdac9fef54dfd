"""What to do next: commands to paste, those that only read first. Only ids of AWS's form get into
a command; nothing else of a log or an inventory does."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from vpcflow_diagnose.reasoning.judgement import Judgement

_ID = re.compile(
    r"(acl|sg|rtb|nat|igw|eigw|eni|vpce|pcx|tgw|tgw-attach|subnet|vpc|i)-[0-9a-f]{4,40}"
)


def _id(text: str | None, *kinds: str) -> str | None:
    if text and _ID.fullmatch(text) and text.startswith(tuple(f"{k}-" for k in kinds)):
        return text
    return None


def next_steps(judgement: Judgement) -> tuple[str, ...]:
    made = _STEPS.get(judgement.cause)
    steps = made(judgement) if made is not None else ()
    return tuple(dict.fromkeys(step for step in steps if step))


def _group(j: Judgement) -> Iterable[str | None]:
    group = _id(j.resource, "sg")
    if group is None:
        yield from _undecided(j)
        return
    yield f"aws ec2 describe-security-group-rules --filters Name=group-id,Values={group}"
    yield _history(group, j)
    side = "egress" if j.direction == "egress" else "ingress"
    yield _allow_group(group, side, j)


def _allow_group(group: str, side: str, j: Judgement) -> str | None:
    peer = j.exchange.server if side == "egress" else j.exchange.client
    block = _block(peer)
    if block is None or j.exchange.protocol not in (6, 17):
        return None
    protocol = "tcp" if j.exchange.protocol == 6 else "udp"
    port = j.exchange.port
    ranges = (
        f"Ipv6Ranges=[{{CidrIpv6={block}}}]" if ":" in block else f"IpRanges=[{{CidrIp={block}}}]"
    )
    return (
        f"if it should be allowed: aws ec2 authorize-security-group-{side} --group-id {group} "
        f"--ip-permissions 'IpProtocol={protocol},FromPort={port},ToPort={port},{ranges}'"
    )


def _acl(j: Judgement) -> Iterable[str | None]:
    acl = _id(j.resource, "acl")
    if acl is not None:
        yield f"aws ec2 describe-network-acls --network-acl-ids {acl}"
        yield _history(acl, j)
        if j.direction == "egress":
            yield (
                "allow replies to 1024-65535: Linux uses 32768-60999, Windows 49152-65535, load "
                "balancers, NAT gateways and Lambda 1024-65535"
            )
    else:
        yield from _undecided(j)


def _undecided(j: Judgement) -> Iterable[str | None]:
    eni, subnet = _id(j.seen.interface_id, "eni"), _id(j.seen.subnet_id, "subnet")
    if eni:
        yield (
            f"aws ec2 describe-network-interfaces --network-interface-ids {eni} "
            "--query 'NetworkInterfaces[].[SubnetId,Groups]'"
        )
    if subnet:
        yield f"aws ec2 describe-network-acls --filters Name=association.subnet-id,Values={subnet}"
    yield "vpcflow inventory snapshot inventory/, then again with --inventory inventory/"


def _history(id_: str, j: Judgement) -> str:
    """Who changed it, around the time."""
    looked_up = (
        "aws cloudtrail lookup-events --lookup-attributes "
        f"AttributeKey=ResourceName,AttributeValue={id_}"
    )
    if not j.tally.first:
        return looked_up  # the log does not say when
    begin = datetime.fromtimestamp(j.tally.first / 1000, UTC) - timedelta(hours=1)
    return f"{looked_up} --start-time {begin:%Y-%m-%dT%H:%M:%SZ}"


def _unexplained(j: Judgement) -> Iterable[str | None]:
    yield from (s for s in _undecided(j) if s and s.startswith("aws"))
    for id_ in (j.seen.interface_id, *j.asked):
        known = _id(id_, "eni", "sg", "acl")
        if known:
            yield _history(known, j)
    subnet = _id(j.seen.subnet_id, "subnet")
    if subnet:
        yield f"aws ec2 describe-route-tables --filters Name=association.subnet-id,Values={subnet}"


def _table(j: Judgement) -> Iterable[str | None]:
    table = _id(j.resource, "rtb")
    if table:
        yield f"aws ec2 describe-route-tables --route-table-ids {table}"
        yield _history(table, j)


def _gateway(j: Judgement) -> Iterable[str | None]:
    gateway = _id(j.resource, "igw", "eigw")
    if gateway and gateway.startswith("igw"):
        yield f"aws ec2 describe-internet-gateways --internet-gateway-ids {gateway}"
        yield _history(gateway, j)
        yield (
            "to attach it: aws ec2 attach-internet-gateway "
            f"--internet-gateway-id {gateway} --vpc-id <vpc>"
        )


def _public_ip(j: Judgement) -> Iterable[str | None]:
    eni = _id(j.resource, "eni")
    if eni:
        yield f"aws ec2 describe-network-interfaces --network-interface-ids {eni}"
        yield (
            f"give it an Elastic IP (aws ec2 associate-address --network-interface-id {eni} "
            "--allocation-id <eipalloc>), or route its subnet through a NAT gateway; a Lambda "
            "function's interface can only do the latter"
        )


def _nat(j: Judgement) -> Iterable[str | None]:
    gateway = _id(j.resource, "nat")
    if gateway:
        yield from nat_steps(gateway)
        yield _history(gateway, j)


def nat_steps(id_: str) -> Iterable[str]:
    gateway = _id(id_, "nat")
    if gateway:
        yield f"aws ec2 describe-nat-gateways --nat-gateway-ids {gateway}"


def _check(j: Judgement) -> Iterable[str | None]:
    eni = _id(j.resource, "eni")
    if eni:
        yield (
            f"aws ec2 describe-network-interface-attribute --network-interface-id {eni} "
            "--attribute sourceDestCheck"
        )
        yield (
            "if it is a router: aws ec2 modify-network-interface-attribute "
            f"--network-interface-id {eni} --no-source-dest-check"
        )


def _destination(j: Judgement) -> Iterable[str | None]:
    if _block(j.exchange.server):
        yield (
            "aws ec2 describe-network-interfaces --filters "
            f"Name=addresses.private-ip-address,Values={j.exchange.server}"
        )
    yield "what does the name resolve to now? After a failover clients may keep the old address"


def _host(j: Judgement) -> Iterable[str | None]:
    eni = _id(j.resource, "eni")
    if eni:
        yield (
            f"aws ec2 describe-network-interfaces --network-interface-ids {eni} "
            "--query 'NetworkInterfaces[].[Attachment.InstanceId,Description,Status]'"
        )
    yield (
        "on the host: ss -lntup (does it listen, and on this address?), its firewall (nft list "
        "ruleset, Windows Firewall), its log"
    )


def _reason(j: Judgement) -> Iterable[str | None]:
    if j.cause == "block-public-access":
        yield "aws ec2 describe-vpc-block-public-access-options"
        yield "aws ec2 describe-vpc-block-public-access-exclusions"
    else:
        yield "aws ec2 describe-vpc-encryption-controls"


def _transit(j: Judgement) -> Iterable[str | None]:
    gateway = _id(j.resource, "tgw")
    if gateway:
        for what in ("route-tables", "attachments"):
            yield (
                f"aws ec2 describe-transit-gateway-{what} "
                f"--filters Name=transit-gateway-id,Values={gateway}"
            )


def flow_log_steps() -> Iterable[str]:
    """Which flow logs there are, and of what."""
    yield (
        "aws ec2 describe-flow-logs --query "
        "'FlowLogs[].[FlowLogId,ResourceId,TrafficType,FlowLogStatus,DeliverLogsErrorMessage]'"
    )


def _silent(j: Judgement) -> Iterable[str | None]:
    yield "aws ec2 describe-flow-logs"
    yield from dns_steps()


def dns_steps() -> Iterable[str]:
    """Queries to Amazon's resolver are not in flow logs."""
    yield "aws route53resolver list-resolver-query-log-configs"
    yield (
        "to see DNS: aws route53resolver create-resolver-query-log-config --name dns "
        "--destination-arn <arn> --creator-request-id 1, then "
        "associate-resolver-query-log-config with the VPC"
    )


def _routes(j: Judgement) -> Iterable[str | None]:
    yield from _table(j) if _id(j.resource, "rtb") else _transit(j)


def _block(address: str) -> str | None:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    return f"{found}/{found.max_prefixlen}"


_STEPS: dict[str, Callable[[Judgement], Iterable[str | None]]] = {
    "security-group": _group,
    "network-acl": _acl,
    "security-group-or-network-acl": _undecided,
    "block-public-access": _reason,
    "encryption-control": _reason,
    "no-route": _routes,
    "blackhole-route": _routes,
    "wrong-route": _table,
    "asymmetric-return": _table,
    "no-internet-gateway": _gateway,
    "no-public-ip": _public_ip,
    "nat-gateway-unavailable": _nat,
    "nat-gateway-misplaced": _nat,
    "cross-az-nat": _nat,
    "source-dest-check": _check,
    "unknown-destination": _destination,
    "no-answer": _host,
    "connection-refused": _host,
    "application": _host,
    "mtu-exceeded": _transit,
    "ttl-expired": _transit,
    "unexplained-reject": _unexplained,
    "no-traffic": _silent,
}
