"""Which interfaces the flow logs of a snapshot cover, and of which traffic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from attrs import define, field, frozen
from vpcflow_aws.inventory_items import Json, text

if TYPE_CHECKING:
    from vpcflow_diagnose.network.network import Interface

KINDS = ("ALL", "ACCEPT", "REJECT")


@frozen
class FlowLog:
    """resource: the VPC, subnet, interface or transit gateway that it is of. traffic: "ALL",
    "ACCEPT", "REJECT"; None if it is not said. active: it is not being deleted. failure: why its
    records cannot be delivered, in AWS's words."""

    id: str
    resource: str | None
    traffic: str | None
    active: bool
    failure: str | None = None


def flow_log(item: Json) -> FlowLog | None:
    """From DescribeFlowLogs. A transit gateway's has no TrafficType: it is of all."""
    id_ = text(item, "FlowLogId")
    if id_ is None:
        return None
    resource, traffic = text(item, "ResourceId"), text(item, "TrafficType")
    if traffic is None and (resource or "").startswith("tgw"):
        traffic = "ALL"
    failed = text(item, "DeliverLogsStatus") == "FAILED"
    return FlowLog(
        id_,
        resource,
        traffic if traffic in KINDS else None,
        text(item, "FlowLogStatus") in (None, "ACTIVE"),
        (text(item, "DeliverLogsErrorMessage") or "unknown error") if failed else None,
    )


@define(eq=False)
class Coverage:
    """known: whether the snapshot says anything of flow logs. An empty list says nothing: the
    records come from somewhere."""

    by_resource: Mapping[str, tuple[FlowLog, ...]] = field(factory=dict)

    @classmethod
    def of(cls, logs: Iterable[FlowLog]) -> Coverage:
        found: dict[str, list[FlowLog]] = {}
        for log in logs:
            if log.active and log.resource is not None:
                found.setdefault(log.resource, []).append(log)
        return cls({resource: tuple(all_) for resource, all_ in found.items()})

    @property
    def known(self) -> bool:
        return bool(self.by_resource)

    def logs_of(self, interface: Interface) -> tuple[FlowLog, ...]:
        """Those of the interface, its subnet and its VPC."""
        resources = (interface.id, interface.subnet_id or "", interface.vpc_id or "")
        return tuple(log for r in resources for log in self.by_resource.get(r, ()))

    def traffic_of(self, interface: Interface) -> str | None:
        """ "ALL", "ACCEPT" or "REJECT", of all its flow logs together; "NONE" for an interface
        without any; None where it is not known."""
        if not self.known:
            return None
        kinds = {log.traffic for log in self.logs_of(interface)}
        if not kinds:
            return "NONE"
        if None in kinds:
            return None
        return "ALL" if "ALL" in kinds or len(kinds) > 1 else kinds.pop()
