"""One row of the decision table, and when a description can be believed.

Whoever makes an interface may write any description. So a description counts only as a whole, and
for services only where a service made the interface.
"""

from __future__ import annotations

import re

from attrs import frozen

from vpcflow_aws.inventory_items import NetworkInterface


@frozen
class Resource:
    """What an interface belongs to.

    type: a word of ours, or AWS's InterfaceType where no rule knows it. service: who manages the
    interface, "rds"; None for a user. id: as AWS writes it; None where nothing says it. name: what
    people call it.
    """

    type: str
    service: str | None = None
    id: str | None = None
    name: str | None = None


@frozen
class Rule:
    """One row. It fits an interface of one of the `kinds` (InterfaceType), or one whose whole
    description is `description` and that a service made; with `both`, only if both hold; with
    `kind_only`, the description is asked for ids alone.

    id, name: templates for the groups of `description`. requester: a RequesterId that is as good as
    `made_by_service`, for services that act through a role of the account. anyone: the description
    counts whoever made the interface.
    """

    type: str
    service: str | None
    description: re.Pattern[str] | None = None
    kinds: frozenset[str] = frozenset()
    id: str | None = None
    name: str | None = None
    requester: re.Pattern[str] | None = None
    both: bool = False
    kind_only: bool = False
    anyone: bool = False

    def resource(self, interface: NetworkInterface) -> Resource | None:
        """What the interface belongs to if this rule fits it."""
        kind = interface.type in self.kinds
        heard = self.description is not None and (kind or self._trusts(interface))
        found = self.description.fullmatch(interface.description) if heard else None  # type: ignore[union-attr]
        said = found is not None
        if not (kind and said if self.both else kind if self.kind_only else kind or said):
            return None
        groups = found.groupdict(default="") if found else {}
        id_, name = (
            t.format_map(groups) if t is not None and groups else None for t in (self.id, self.name)
        )
        return Resource(self.type, self.service, id_ or None, name or None)

    def _trusts(self, interface: NetworkInterface) -> bool:
        if self.anyone or made_by_service(interface):
            return True
        asked = interface.requester_id
        return self.requester is not None and bool(asked and self.requester.fullmatch(asked))


_ROLE_OR_USER = re.compile(r"A(?:ROA|IDA|KIA|SIA)[A-Z0-9]+(?::.*)?")
SERVICE_ALIAS = re.compile(r"(?:amazon|aws)-[a-z0-9-]+")


def made_by_service(interface: NetworkInterface) -> bool:
    """Whether a service made the interface, so that its description is the service's own words.

    AWS says so (RequesterManaged), or its requester is neither the owner nor a role or user: people
    work through roles (`AROA...:session`) too, and then only a foreign attachment tells.
    """
    if interface.requester_managed:
        return True
    asked, owner = interface.requester_id, interface.owner_id
    if asked is None or asked == owner:
        return False
    if _ROLE_OR_USER.fullmatch(asked):
        attached = interface.instance_owner_id
        return attached is not None and owner is not None and attached != owner
    return owner is not None or SERVICE_ALIAS.fullmatch(asked) is not None
