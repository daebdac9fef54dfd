"""The hooks. pyarrow is imported by what is registered, when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vpcflow.hookspecs import hookimpl

if TYPE_CHECKING:
    from vpcflow.containers.contract import ColumnContainer
    from vpcflow.registry import Register
    from vpcflow.sinks import Sink


@hookimpl
def vpcflow_register_containers(register: Register) -> None:
    register("parquet", _container)


@hookimpl
def vpcflow_register_sinks(register: Register) -> None:
    register("parquet", _sink)


def _container() -> ColumnContainer:
    from vpcflow_parquet.container import ParquetContainer

    return ParquetContainer()


def _sink(target: str, options: Mapping[str, str]) -> Sink:
    from vpcflow_parquet.sink import sink

    return sink(target, options)
