"""What makes the volume of flow logs what it is."""

from __future__ import annotations

from attrs import frozen

from vpcflow_query.cost.levers import extra_fields, nat_share, overlap
from vpcflow_query.cost.volume import Volume


@frozen
class Driver:
    """One reason for the volume. share: of it, 0 to 1. text: in words."""

    name: str
    share: float
    text: str


def drivers(volume: Volume) -> tuple[Driver, ...]:
    """The largest share first; shares overlap."""
    if not volume.all.records:
        return ()
    total = volume.all
    where = "attachments" if volume.transit_gateway else "interfaces"
    name, top = max(volume.interfaces.items(), key=lambda item: item[1].all.text_bytes)
    copies, _ = overlap(volume)
    nat = nat_share(volume)
    extra = sum(volume.fields[field].text_bytes for field in extra_fields(volume))
    few = volume.few.records / total.records
    seen = volume.distinct.records
    ok = volume.ok.records * seen / total.records
    per = ok / volume.distinct.connections if volume.distinct.connections else 0.0
    found = [
        Driver(
            "interface",
            top.all.text_bytes / total.text_bytes,
            f"{name}, the largest of {len(volume.interfaces):,} {where}"
            if len(volume.interfaces) > 1
            else f"{name}, which wrote all",
        ),
        Driver(
            "short-connections",
            few,
            f"records of at most 10 packets ({per:.1f} records for each connection)",
        ),
        Driver("nodata", volume.nodata.text_bytes / total.text_bytes, "NODATA of idle interfaces"),
        Driver("fields", extra / total.text_bytes, "fields beyond the default format"),
        Driver("overlap", copies / seen if seen else 0.0, "records of another flow log too"),
        Driver("nat", nat.text_bytes / total.text_bytes, "records at NAT gateways"),
        Driver("noise", volume.noise.text_bytes / total.text_bytes, "refusals of the internet"),
    ]
    return tuple(sorted((d for d in found if d.share > 0), key=lambda driver: -driver.share))
