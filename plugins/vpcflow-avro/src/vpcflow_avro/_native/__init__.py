"""The C encoder: rows of a record batch as Avro writes them."""

from vpcflow_avro._native._core import encode

__all__ = ["encode"]
