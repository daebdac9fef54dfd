"""What interfaces are called, and which of them a name means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from vpcflow_diagnose.network.network import Interface, Network

_WORDS = {
    "application-load-balancer": "load balancer",
    "network-load-balancer": "load balancer",
    "gateway-load-balancer": "load balancer",
    "classic-load-balancer": "load balancer",
    "rds-instance": "database",
    "rds-proxy": "database proxy",
    "elasticache-node": "cache",
    "vpc-endpoint": "endpoint",
    "nat-gateway": "NAT gateway",
    "transit-gateway-attachment": "transit gateway attachment",
    "lambda": "Lambda function",
    "ecs-task": "task",
    "eks-pods": "pods on",
    "redshift-cluster": "Redshift cluster",
    "opensearch-domain": "search domain",
    "efs-mount-target": "file system",
    "msk-cluster": "Kafka cluster",
}
"""How we say what owns an interface; a type that is not here is said as it is."""
_BY_NAME = frozenset(
    word for word in _WORDS if word.endswith(("load-balancer", "-node", "-domain", "-target"))
) | {"rds-instance", "rds-proxy", "lambda", "redshift-cluster", "msk-cluster"}
"""Types whose name people know and whose id they do not."""
_SHARED = re.compile(r"shared, created by (?P<name>\S+)")


def label(interface: Interface) -> str:
    """For sentences: "i-0abc (web-1)", "load balancer shop", else the id."""
    type_, id_, name = interface.owner_type, interface.owner_id, interface.owner_name
    if type_ in ("ec2-instance", "eks-node") and id_:
        return f"{id_} ({name})" if name else id_
    if type_ == "lambda-shared":
        return f"Lambda ({name})" if name else "Lambda"
    if type_ in ("network-interface", "managed-interface") or (id_ is None and name is None):
        return f"{interface.id} ({name})" if name else interface.id
    words = _WORDS.get(type_, type_.replace("-", " ").replace("_", " "))
    if type_ in _BY_NAME:
        return f"{words} {name or id_}"
    if id_ is None or id_ == name:
        return f"{words} {name or id_}"
    return f"{words} {id_} ({name})" if name else f"{words} {id_}"


@frozen
class Naming:
    """Ids of interfaces by name, as written and in lower case."""

    network: Network
    exact: Mapping[str, tuple[str, ...]]
    folded: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, network: Network) -> Naming:
        exact: dict[str, dict[str, None]] = {}
        folded: dict[str, dict[str, None]] = {}
        for name, id_ in _names(network):
            exact.setdefault(name, {})[id_] = None
            folded.setdefault(name.casefold(), {})[id_] = None
        return cls(
            network,
            {name: tuple(ids) for name, ids in exact.items()},
            {name: tuple(ids) for name, ids in folded.items()},
        )

    def find(self, text: str) -> tuple[Interface, ...]:
        ids = (
            self.exact.get(text)
            or self.folded.get(text.casefold())
            or self.network.candidates.get(text, ())
        )
        return tuple(self.network.interfaces[id_] for id_ in ids)


def _names(network: Network) -> Iterator[tuple[str, str]]:
    """Every name and the id of an interface that it means."""
    for interface in network.interfaces.values():
        yield interface.id, interface.id
        for name in (interface.owner_id, interface.owner_name, interface.name):
            if name is not None:
                yield name, interface.id
                for alias in network.aliases.get(name, ()):
                    yield alias, interface.id
        shared = _SHARED.fullmatch(interface.owner_name or "")
        if shared is not None:
            yield shared["name"], interface.id
    for gateway in network.nat_gateways.values():
        for id_ in gateway.interfaces:
            yield from _if_there(network, id_, gateway.id, gateway.name)
    for endpoint in network.endpoints.values():
        for id_ in endpoint.interfaces:
            yield from _if_there(network, id_, endpoint.id, endpoint.name, *endpoint.hosts)


def _if_there(network: Network, id_: str, *names: str | None) -> Iterator[tuple[str, str]]:
    if id_ in network.interfaces:
        yield from ((name, id_) for name in names if name is not None)
