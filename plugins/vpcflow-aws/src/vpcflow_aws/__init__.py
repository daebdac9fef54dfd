"""AWS for vpcflow: one boto3 session, one retry policy."""

__version__ = "0.1.0"
