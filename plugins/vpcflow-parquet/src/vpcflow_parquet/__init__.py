"""Parquet for vpcflow: AWS's Parquet flow logs in, Parquet files out."""

__version__ = "0.1.0"
