"""AWS VPC Flow Logs as typed Arrow columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vpcflow._native import FlowRecord
from vpcflow.batch import FlowBatch
from vpcflow.errors import (
    ContainerError,
    FormatError,
    InputError,
    PluginError,
    RecordError,
    RejectedLine,
    RejectedLinesWarning,
    UsageError,
    VpcflowError,
)
from vpcflow.fields import FIELDS, Field
from vpcflow.flow_format import FlowFormat
from vpcflow.parser import FlowParser, parse
from vpcflow.scan import scan
from vpcflow.stream import FlowStream

if TYPE_CHECKING:
    from vpcflow.pipeline import Pipeline
    from vpcflow.report import RunReport

__all__ = [
    "FIELDS",
    "ContainerError",
    "Field",
    "FlowBatch",
    "FlowFormat",
    "FlowParser",
    "FlowRecord",
    "FlowStream",
    "FormatError",
    "InputError",
    "Pipeline",
    "PluginError",
    "RecordError",
    "RejectedLine",
    "RejectedLinesWarning",
    "RunReport",
    "UsageError",
    "VpcflowError",
    "parse",
    "scan",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Pipeline and RunReport come with pyarrow, when they are first asked for."""
    if name == "Pipeline":
        from vpcflow.pipeline import Pipeline

        return Pipeline
    if name == "RunReport":
        from vpcflow.report import RunReport

        return RunReport
    raise AttributeError(f"module 'vpcflow' has no attribute {name!r}")
