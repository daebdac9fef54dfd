"""By what `vpcflow top` counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from vpcflow.errors import UsageError
from vpcflow.fields import FIELDS

_PORT = "least(srcport, dstport)"


@frozen
class Grouping:
    """keys: the columns of the answer, each with the SQL of its value. needs: columns of the logs.
    once: traffic between two interfaces that are both logged is to count once (what belongs to one
    interface counts at each). only: a condition on the records. owner: the inventory's column for
    it, found by the record's interface. place: it is looked up by address, in GeoIP databases."""

    keys: Mapping[str, str]
    needs: Sequence[str]
    once: bool = True
    only: str = "true"
    owner: str | None = None
    place: bool = False

    @classmethod
    def of_interface(cls, column: str, owner: str | None = None) -> Grouping:
        return cls({column: column}, (column,), once=False, owner=owner)


GROUPINGS: Mapping[str, Grouping] = {
    "interface": Grouping.of_interface("interface_id"),
    "resource": Grouping({}, ("interface_id",), once=False, owner="resource_id"),
    "src": Grouping({"srcaddr": "srcaddr"}, ("srcaddr",)),
    "dst": Grouping({"dstaddr": "dstaddr"}, ("dstaddr",)),
    "pair": Grouping({"srcaddr": "srcaddr", "dstaddr": "dstaddr"}, ("srcaddr", "dstaddr")),
    "port": Grouping(
        {"port": f"CASE WHEN protocol IN (6, 17) THEN {_PORT} END", "protocol": "protocol"},
        ("srcport", "dstport", "protocol"),
    ),
    "protocol": Grouping({"protocol": "protocol"}, ("protocol",)),
    "country": Grouping({}, ("srcaddr", "dstaddr"), place=True),
    "asn": Grouping({}, ("srcaddr", "dstaddr"), place=True),
    "subnet": Grouping.of_interface("subnet_id", "subnet_id"),
    "az": Grouping.of_interface("az_id", "az_id"),
    "vpc": Grouping.of_interface("vpc_id", "vpc_id"),
    "instance": Grouping.of_interface("instance_id"),
    "account": Grouping.of_interface("account_id"),
    "service": Grouping(
        {"aws_service": "coalesce(pkt_dst_aws_service, pkt_src_aws_service)"},
        ("pkt_src_aws_service", "pkt_dst_aws_service"),
    ),
    "path": Grouping(
        {"traffic_path": "traffic_path"},
        ("traffic_path",),
        once=False,
        only="traffic_path IS NOT NULL",
    ),
    "direction": Grouping.of_interface("flow_direction"),
    "action": Grouping({"action": "action"}, ("action",)),
    "ecs-service": Grouping.of_interface("ecs_service_name"),
    "attachment": Grouping.of_interface("tgw_attachment_id"),
}

PLACES = {"country": ("country",), "asn": ("asn", "as_org")}
"""The columns of a place, by grouping."""


def grouping(name: str, present: Sequence[str], *, inventory: bool, geoip: bool) -> Grouping:
    """The grouping, as it can be done with these logs (by the inventory where they lack the field).

    Raises UsageError if it cannot, with what would make it possible.
    """
    found = GROUPINGS[name]
    absent = [column for column in found.needs if column not in present]
    by_inventory = found.owner is not None and (absent or not found.keys)
    if found.place and not geoip:
        raise UsageError(
            f"--by {name} needs databases that know where addresses are",
            hint=f"--geoip {'ASN' if name == 'asn' else 'City'}.mmdb (pip install vpcflow-geoip)",
        )
    if by_inventory and not inventory and not found.keys:
        raise UsageError(
            f"--by {name} needs to know whose the interfaces are",
            hint="--inventory DIR, made by: vpcflow inventory snapshot DIR (vpcflow-aws)",
        )
    if by_inventory and inventory and "interface_id" in present:
        return Grouping({}, ("interface_id",), once=False, owner=found.owner)
    if absent:
        raise _lacking(name, absent[0], inventory_would_do=found.owner is not None)
    return found


def _lacking(name: str, column: str, *, inventory_would_do: bool) -> UsageError:
    field = FIELDS[column]
    hint = f"a flow log has it if its format holds ${{{field.aws_name}}} (version {field.version})"
    if inventory_would_do:
        hint += "; or --inventory DIR, which knows it for each interface"
    return UsageError(f"--by {name}: these logs do not have the field {field.aws_name}", hint=hint)
