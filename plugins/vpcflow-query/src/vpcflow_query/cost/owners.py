"""Whose the interfaces are, from an inventory directory (`vpcflow inventory snapshot`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import evolve, field, frozen

from vpcflow.errors import UsageError
from vpcflow_query.cost.volume import Volume


@frozen
class Owners:
    """names: what an interface belongs to, by its id. nat_gateways: ids of their interfaces."""

    names: Mapping[str, str] = field(factory=dict)
    nat_gateways: frozenset[str] = frozenset()

    @classmethod
    def read(cls, directory: str | Path) -> Owners:
        """Of all snapshots, the newest that knows an interface. Raises UsageError for a directory
        that is no inventory, or without the plugin that reads it."""
        try:
            from vpcflow_aws.eni_names import Names
            from vpcflow_aws.inventory import Inventory
        except ImportError:
            raise UsageError(
                "--inventory needs the plugin vpcflow-aws", hint="pip install vpcflow-aws"
            ) from None
        names: dict[str, str] = {}
        gateways: set[str] = set()
        for snapshot in Inventory.read(directory).snapshots:
            known = Names.of(snapshot)
            for interface in snapshot.interfaces():
                owner = known.owner(interface)
                names[interface.id] = owner.name or owner.id or owner.type
                if owner.type == "nat-gateway":
                    gateways.add(interface.id)
        return cls(names, frozenset(gateways))

    def told(self, volume: Volume) -> Volume:
        """The volume, with the interfaces that are NAT gateways' marked so."""
        marked = {
            name: evolve(one, nat=True) if name in self.nat_gateways else one
            for name, one in volume.interfaces.items()
        }
        return evolve(volume, interfaces=marked)
