"""The hook. fastavro, zstandard and pyarrow are imported by the sink, when one is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vpcflow.hookspecs import hookimpl

if TYPE_CHECKING:
    from vpcflow.registry import Register
    from vpcflow.sinks import Sink


@hookimpl
def vpcflow_register_sinks(register: Register) -> None:
    register("avro", _sink)


def _sink(target: str, options: Mapping[str, str]) -> Sink:
    from vpcflow_avro.sink import sink

    return sink(target, options)
