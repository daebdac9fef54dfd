"""Seeing rejected traffic as it happens, in CloudWatch: metric filters, an alarm, and a Contributor
Insights rule, each made for the format at hand.

A space-delimited filter pattern has to name every token of the line, in order ("Filter pattern
syntax", CloudWatch Logs User Guide); a Contributor Insights rule names tokens by number, from 1
("Contributor Insights rule syntax", CloudWatch User Guide). Transit gateways write no action; what
they drop is counted in four fields instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from vpcflow import FlowFormat
from vpcflow_query.setup.destination import LogGroup
from vpcflow_query.setup.plan import Plan

NAMESPACE = "VpcFlow"
PERIOD = 300
MOST_PATTERN = 1024
"""Characters that PutMetricFilter takes (CloudWatch Logs API Reference)."""
_LOST = (
    "packets_lost_no_route",
    "packets_lost_blackhole",
    "packets_lost_mtu_exceeded",
    "packets_lost_ttl_expired",
)
_KEYS = ("interface_id", "srcaddr", "dstaddr", "dstport")
_TRANSIT_KEYS = ("tgw_attachment_id", "srcaddr", "dstaddr")


@frozen
class MetricFilter:
    """PutMetricFilter's pattern and the metric that it feeds. value: "1", or `$token` to add up."""

    name: str
    pattern: str
    value: str


@frozen
class Detection:
    """All filters feed one metric, which the alarm watches. rule: the body of the Contributor
    Insights rule; None if the format has nothing to tell contributors apart."""

    filters: tuple[MetricFilter, ...]
    metric: str
    alarm_name: str
    rule_name: str
    rule: dict[str, Any] | None
    threshold: int
    topic: str | None
    log_group: str
    about: str

    def transformation(self, filter_: MetricFilter) -> dict[str, object]:
        return {
            "metricName": self.metric,
            "metricNamespace": NAMESPACE,
            "metricValue": filter_.value,
            "defaultValue": 0,
        }

    def alarm(self) -> dict[str, object]:
        """What PutMetricAlarm is asked, by its own names (CloudWatch API Reference)."""
        asked: dict[str, object] = {
            "AlarmName": self.alarm_name,
            "AlarmDescription": self.about,
            "Namespace": NAMESPACE,
            "MetricName": self.metric,
            "Statistic": "Sum",
            "Period": PERIOD,
            "EvaluationPeriods": 1,
            "Threshold": self.threshold,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
        }
        if self.topic:
            asked["AlarmActions"] = [self.topic]
        return asked


def detection(plan: Plan) -> Detection | None:
    """What there is to watch for: None where the destination or the format cannot tell (no log
    group, or one of the class Infrequent Access; a format without `action`; only accepted
    traffic)."""
    to = plan.destination
    if not isinstance(to, LogGroup) or to.infrequent or plan.traffic == "ACCEPT":
        return None
    name = f"vpcflow-{plan.resource.id}"
    if plan.resource.is_transit:
        filters = tuple(
            MetricFilter(f"{name}-{lost}", pattern(plan.format, lost, "> 0"), f"${lost}")
            for lost in _LOST
            if lost in plan.format.names
        )
        what, unit = "lost", "packets that the transit gateway dropped"
    else:
        rejected = pattern(plan.format, "action", '="REJECT"')
        filters = (MetricFilter(f"{name}-rejected", rejected, "1"),)
        filters = filters if "action" in plan.format.names else ()
        what, unit = "rejected", "records of rejected traffic"
    if not filters:
        return None
    return Detection(
        filters=filters,
        metric=f"{plan.resource.id}-{what}",
        alarm_name=f"{name}-{what}",
        rule_name=f"{name}-{what}",
        rule=_rule(plan, to),
        threshold=to.threshold,
        topic=to.topic,
        log_group=to.name,
        about=f"{to.threshold} or more {unit} at {plan.resource.id} within {PERIOD // 60} minutes",
    )


def pattern(format_: FlowFormat, column: str, condition: str) -> str:
    """`[version, account_id, ..., action="REJECT", ...]`: a name a token, one with a condition.

    Where that would be longer than a pattern may be, the other tokens get short names.
    """
    full = _pattern(format_.names, column, condition)
    if len(full) <= MOST_PATTERN:
        return full
    short = [n if n == column else f"t{i}" for i, n in enumerate(format_.names, 1)]
    return _pattern(short, column, condition)


def _pattern(names: Sequence[str], column: str, condition: str) -> str:
    tokens = [f"{name}{_spaced(condition)}" if name == column else name for name in names]
    return f"[{', '.join(tokens)}]"


def _spaced(condition: str) -> str:
    return condition if condition.startswith("=") else f" {condition}"


def _rule(plan: Plan, to: LogGroup) -> dict[str, Any] | None:
    """Who is rejected most: by interface, source, destination and port; or at a transit gateway,
    whose packets find no route."""
    transit = plan.resource.is_transit
    numbers = {name: str(i) for i, name in enumerate(plan.format.names, 1)}
    keys = [key for key in (_TRANSIT_KEYS if transit else _KEYS) if key in numbers]
    match = _LOST[0] if transit else "action"
    if not keys or match not in numbers:
        return None
    contribution: dict[str, Any] = {"Keys": keys}
    if transit:
        contribution["ValueOf"] = match
        contribution["Filters"] = [{"Match": match, "GreaterThan": 0}]
    else:
        contribution["Filters"] = [{"Match": match, "In": ["REJECT"]}]
    return {
        "Schema": {"Name": "CloudWatchLogRule", "Version": 1},
        "LogGroupNames": [to.name],
        "LogFormat": "CLF",
        "Fields": {numbers[name]: name for name in (*keys, match)},
        "Contribution": contribution,
        "AggregateOn": "Sum" if transit else "Count",
    }
