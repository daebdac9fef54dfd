"""AWS VPC Flow Logs as typed Arrow columns."""

from __future__ import annotations

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
    "PluginError",
    "RecordError",
    "RejectedLine",
    "RejectedLinesWarning",
    "UsageError",
    "VpcflowError",
    "parse",
    "scan",
]
__version__ = "0.1.0"
