"""For authors of plugins: suites to subclass, sample records, hypothesis strategies.

A suite holds a plugin to the contract of its kind. A subclass in your tests says how to make the
plugin, and pytest runs the rest; each failure says which promise was broken, and what was seen.
Takes pytest, hypothesis and pyarrow: `pip install vpcflow[testing]`.
"""

from __future__ import annotations

from vpcflow.testing.container_suite import ColumnContainerSuite, ContainerSuite, LineContainerSuite
from vpcflow.testing.enricher_suite import EnricherSuite
from vpcflow.testing.file_sink_suite import FileSinkSuite
from vpcflow.testing.place_suite import PlaceSuite
from vpcflow.testing.samples import FORMATS, batch_of, sample_batch, sample_batches, sample_lines
from vpcflow.testing.sink_suite import SinkSuite
from vpcflow.testing.source_suite import SourceSuite
from vpcflow.testing.strategies import HOSTILE, batches, formats, lines, records

__all__ = [
    "FORMATS",
    "HOSTILE",
    "ColumnContainerSuite",
    "ContainerSuite",
    "EnricherSuite",
    "FileSinkSuite",
    "LineContainerSuite",
    "PlaceSuite",
    "SinkSuite",
    "SourceSuite",
    "batch_of",
    "batches",
    "formats",
    "lines",
    "records",
    "sample_batch",
    "sample_batches",
    "sample_lines",
]
