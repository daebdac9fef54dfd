"""Interfaces in the shapes that AWS documents, for tests: only what a test is about is given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ACCOUNT = "123456789010"
UUID = "2b7e1516-28ae-d2a6-abf7-158809cf4f3c"


def eni(description: str = "", number: int = 1, **more: Any) -> dict[str, Any]:
    """An interface that its owner made and that is attached to nothing."""
    own = f"10.0.0.{number}"
    return {
        "NetworkInterfaceId": f"eni-{number:017x}",
        "InterfaceType": "interface",
        "Description": description,
        "OwnerId": ACCOUNT,
        "RequesterId": ACCOUNT,
        "RequesterManaged": False,
        "VpcId": "vpc-1",
        "SubnetId": "subnet-1",
        "AvailabilityZone": "eu-west-1a",
        "Groups": [],
        "PrivateIpAddress": own,
        "PrivateIpAddresses": [{"PrivateIpAddress": own, "Primary": True}],
        "TagSet": [],
    } | more


def service_eni(description: str = "", number: int = 1, **more: Any) -> dict[str, Any]:
    """An interface that a service made."""
    made = {"RequesterManaged": True, "RequesterId": "amazon-service"}
    return eni(description, number, **(made | more))


def attached(instance: str, owner: str = ACCOUNT) -> dict[str, Any]:
    return {"Attachment": {"InstanceId": instance, "InstanceOwnerId": owner}}


def tags(**values: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


def write(directory: Path, **lists: Any) -> Path:
    """An inventory directory: `network_interfaces=[...]` goes into network-interfaces.json."""
    from vpcflow_aws.inventory import FILES

    directory.mkdir(parents=True, exist_ok=True)
    for name, items in lists.items():
        file = f"{name.replace('_', '-')}.json"
        content = {FILES[file]: items} if file in FILES else items
        (directory / file).write_text(json.dumps(content))
    return directory
