"""Everything that was decided about one flow log, and what to know before making it."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from vpcflow import FlowFormat, UsageError
from vpcflow_query.setup.destination import Bucket, Destination, LogGroup, Stream
from vpcflow_query.setup.fields import NEEDS, TAG_FIELDS, missing
from vpcflow_query.setup.patterns import partition_of
from vpcflow_query.setup.resource import Resource

BLIND: dict[str, str] = {
    "REJECT": "Only rejected traffic is logged. Diagnosis sees what security groups and network "
    "ACLs refuse, and cannot tell: accepted and no answer (routes, NAT, the way back, the host, "
    "the application), whether a connection ever worked, whether a rule was mended, who talks to "
    "whom. `vpcflow why` never says that all is well.",
    "ACCEPT": "Only accepted traffic is logged. Diagnosis sees no security group, no network ACL "
    "and no Block Public Access at work: a refused connection looks like one that nobody tried.",
}


@frozen
class Plan:
    """A flow log to be made. traffic: "ALL", "ACCEPT" or "REJECT"; None for transit gateways, which
    do not choose. interval: seconds."""

    resource: Resource
    account: str
    region: str
    destination: Destination
    format: FlowFormat
    interval: int = 60
    traffic: str | None = "ALL"

    def __attrs_post_init__(self) -> None:
        """Raises UsageError for what CreateFlowLogs refuses (EC2 API Reference)."""
        if self.resource.is_transit and self.interval != 60:
            raise UsageError(
                f"--interval {self.interval}: transit gateways have 60 seconds and nothing else"
            )
        if self.resource.is_transit and self.traffic is not None:
            raise UsageError(
                f"--traffic {self.traffic}: transit gateway flow logs have no such choice"
            )
        if self.destination.partition != self.partition:
            raise UsageError(
                f"{self.destination.arn} is not in the partition of {self.region}",
                hint=f"ARNs there start with arn:{self.partition}:",
            )

    @property
    def partition(self) -> str:
        return partition_of(self.region)

    @property
    def resource_arn(self) -> str:
        return self.resource.arn(self.partition, self.region, self.account)

    @property
    def title(self) -> str:
        return f"Flow log of {self.resource.id} ({self.resource.kind.name}) to {self.destination}"

    def request(self) -> dict[str, object]:
        """What CreateFlowLogs is asked, by its own names (EC2 API Reference)."""
        asked: dict[str, object] = {
            "ResourceType": self.resource.kind.api_type,
            "ResourceIds": [self.resource.id],
            "LogDestinationType": self.destination.api_type,
            "LogFormat": str(self.format),
            "MaxAggregationInterval": self.interval,
        }
        if isinstance(self.destination, LogGroup):
            asked["LogGroupName"] = self.destination.name
        else:
            asked["LogDestination"] = self.destination.arn
        if self.traffic is not None:
            asked["TrafficType"] = self.traffic
        if isinstance(self.destination, Bucket):
            asked["DestinationOptions"] = self.destination.options
        if isinstance(self.destination, LogGroup):
            asked["DeliverLogsPermissionArn"] = self.destination.role_arn
        if isinstance(self.destination, Stream) and self.destination.crosses_accounts:
            asked["DeliverLogsPermissionArn"] = self.destination.role_arn
            asked["DeliverCrossAccountRole"] = self.destination.stream_role_arn
        return asked

    def warnings(self) -> list[str]:
        """What somebody should know before it is made, one sentence or several each."""
        return list(self._warnings())

    def _warnings(self) -> Iterator[str]:
        if self.traffic in BLIND:
            yield BLIND[self.traffic]
        if not self.resource.is_transit and (absent := missing(self.format)):
            yield (
                "The format lacks what diagnosis or the named queries read: "
                + "; ".join(f"{name} ({why})" for name, why in absent.items())
                + ". It cannot be changed later: the flow log has to be made again."
            )
        names = {f.aws_name for f in self.format.fields}
        for version, need in NEEDS.items():
            if any(f.version == version for f in self.format.fields):
                yield f"Version {version}: {need}."
        if tags := sorted(names & TAG_FIELDS):
            yield (
                f"{', '.join(tags)} stay - until the flow log names tag keys: add "
                "--tag-field-specifications to create-flow-logs (TagFieldSpecifications; not in "
                "Terraform as printed)."
            )
        if self.interval == 600:
            yield (
                "600 seconds: TCP flags of ten minutes are OR-ed into one record, which hides the "
                "order of events. It saves nothing on Nitro instances: they have 60 seconds anyway."
            )
        yield from self._of_destination()

    def _of_destination(self) -> Iterator[str]:
        to = self.destination
        if not isinstance(to, Stream) and to.key:
            service = "logs" if isinstance(to, LogGroup) else "delivery.logs"
            user = f"{service}.amazonaws.com"
            yield (
                f"The key {to.key} must let {user} use it: add "
                "the statement under Key policy to its policy; nothing arrives without it."
            )
        if isinstance(to, Stream):
            yield (
                "Delivery needs the stream's tag LogDeliveryEnabled=true, which AWS sets: where "
                "code manages the stream's tags, put it there too, or the next run takes it away."
            )
        if isinstance(to, LogGroup) and to.infrequent:
            yield (
                "The class Infrequent Access has no metric filters, no alarms on them and no "
                "Contributor Insights: there is no detection in real time."
            )
        elif isinstance(to, LogGroup) and to.topic is None:
            yield "The alarm tells nobody: give --alarm-topic ARN."
        if isinstance(to, LogGroup) and self.resource.id.startswith("vpc-") and not to.infrequent:
            yield (
                "Internet scans of public addresses count as rejected too: raise "
                "--alarm-threshold above what is usual here."
            )
