"""The hooks. boto3 and pyarrow are imported by what is registered, when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vpcflow.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from vpcflow.enrich import Enricher
    from vpcflow.places import Place
    from vpcflow.registry import Register
    from vpcflow.sinks import Sink
    from vpcflow.source_files import Source


@hookimpl
def vpcflow_register_sources(register: Register) -> None:
    register("s3", _s3_source)
    register("cloudwatch", _cloudwatch_source)


@hookimpl
def vpcflow_register_sinks(register: Register) -> None:
    register("cloudwatch", _cloudwatch_sink)
    register("firehose", _firehose_sink)


@hookimpl
def vpcflow_register_places(register: Register) -> None:
    register("s3", _s3_place)


@hookimpl
def vpcflow_register_enrichers(register: Register) -> None:
    register("eni", _eni)


@hookimpl
def vpcflow_register_commands(cli: click.Group) -> None:
    from vpcflow_aws.inventory_command import inventory

    cli.add_command(inventory)


def _s3_source() -> Source:
    from vpcflow_aws.s3_source import S3Source

    return S3Source()


def _cloudwatch_source() -> Source:
    from vpcflow_aws.cloudwatch_source import CloudWatchSource

    return CloudWatchSource()


def _s3_place(url: str) -> Place:
    from vpcflow_aws.s3_place import s3_place

    return s3_place(url)


def _cloudwatch_sink(target: str, options: Mapping[str, str]) -> Sink:
    from vpcflow_aws.cloudwatch_sink import sink

    return sink(target, options)


def _firehose_sink(target: str, options: Mapping[str, str]) -> Sink:
    from vpcflow_aws.firehose_sink import sink

    return sink(target, options)


def _eni(argument: str, options: Mapping[str, str]) -> Enricher | list[Enricher]:
    from vpcflow_aws.eni import enricher

    return enricher(argument, options)
