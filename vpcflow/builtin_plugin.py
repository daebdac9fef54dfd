"""What vpcflow itself registers, through the same hooks as everybody else: jsonl and null."""

from __future__ import annotations

from vpcflow.hookspecs import hookimpl
from vpcflow.registry import Register


@hookimpl
def vpcflow_register_sinks(register: Register) -> None:
    from vpcflow import jsonl

    register("jsonl", jsonl.sink)
    register("null", jsonl.null)
