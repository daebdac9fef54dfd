"""Avro for vpcflow: a sink that writes object container files."""

__version__ = "0.1.0"
