"""A finding: one thing that is wrong (or is not), what shows it, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import attrs
from attrs import field, frozen

Kind = Literal["fault", "warning", "note"]
Confidence = Literal["proven", "likely", "possible"]

FAULTS = (
    "security-group",
    "network-acl",
    "security-group-or-network-acl",
    "block-public-access",
    "encryption-control",
    "no-route",
    "blackhole-route",
    "wrong-route",
    "no-internet-gateway",
    "no-public-ip",
    "nat-gateway-unavailable",
    "nat-gateway-misplaced",
    "asymmetric-return",
    "source-dest-check",
    "unknown-destination",
    "no-answer",
    "connection-refused",
    "application",
    "mtu-exceeded",
    "ttl-expired",
    "unexplained-reject",
    "no-traffic",
)
WARNINGS = ("cross-az-nat", "idle-timeout")
NOTES = ("late-packet", "capture-gap", "not-logged", "connected")
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(FAULTS, "fault"),
    **dict.fromkeys(WARNINGS, "warning"),
    **dict.fromkeys(NOTES, "note"),
}
CONFIDENCES: tuple[Confidence, ...] = ("proven", "likely", "possible")


@frozen
class Finding:
    """One cause, for one flow or for many that share it.

    cause: one of FAULTS, WARNINGS, NOTES. interface_id: where it was seen. srcaddr, dstaddr,
    dstport, protocol: the connection as its initiator made it, whichever direction failed; of the
    connection that was seen most, where several are meant. direction: "ingress" or "egress" of
    `interface_id` for what was dropped, "return" where the way back is at fault, None where it does
    not apply. flows: records that show it. first_seen, last_seen: UTC. resource: the id to repair.
    rule: the number of an ACL's rule, a route's destination, or the missing rule in words. also:
    other causes that would remain, as "cause resource rule". explanation: plain words first.
    evidence: lines of what was seen. next_steps: commands and things to look at, read-only first.
    unsolicited: probes from the internet that were refused as they should be; not in JSON.
    """

    cause: str = field(validator=attrs.validators.in_(KINDS))
    confidence: Confidence = field(validator=attrs.validators.in_(CONFIDENCES))
    explanation: str
    interface_id: str | None = None
    srcaddr: str | None = None
    dstaddr: str | None = None
    dstport: int | None = None
    protocol: int | None = None
    direction: str | None = None
    flows: int = 0
    packets: int = 0
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    resource: str | None = None
    rule: str | None = None
    also: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    unsolicited: bool = False

    @property
    def kind(self) -> Kind:
        return KINDS[self.cause]

    def _repr_html_(self) -> str:
        """In a notebook."""
        from vpcflow_diagnose.report.notebook import finding_html

        return finding_html(self)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the fields in DESIGN's order, times as RFC 3339."""
        found: dict[str, Any] = {"cause": self.cause, "kind": self.kind}
        for name in _ORDER:
            value = getattr(self, name)
            if isinstance(value, datetime):
                value = value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            found[name] = list(value) if isinstance(value, tuple) else value
        return found


_ORDER = (
    "confidence",
    "interface_id",
    "srcaddr",
    "dstaddr",
    "dstport",
    "protocol",
    "direction",
    "flows",
    "packets",
    "first_seen",
    "last_seen",
    "resource",
    "rule",
    "also",
    "explanation",
    "next_steps",
    "evidence",
)


@frozen
class Diagnosis:
    """What `diagnose` and `why` answer. notes: what could not be decided, for lack of what."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        """In a notebook."""
        from vpcflow_diagnose.report.notebook import diagnosis_html

        return diagnosis_html(self)

    def as_dict(self) -> dict[str, Any]:
        return {"findings": [f.as_dict() for f in self.findings], "notes": list(self.notes)}
