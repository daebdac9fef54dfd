"""Where a flow log goes: a bucket, a log group, or a Firehose stream."""

from __future__ import annotations

from attrs import frozen

RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557),
    *(2922, 3288, 3653),
)
"""What PutRetentionPolicy takes (CloudWatch Logs API Reference)."""

CROSS_ACCOUNT_ROLE = "AWSLogDeliveryFirehoseCrossAccountRole"
"""The name that the role in a stream's account must start with (AWS: "IAM roles for cross account
delivery", VPC User Guide)."""


@frozen
class Bucket:
    """Files in S3. account: the bucket's owner. prefix: without slashes around it. file_format:
    "plain-text" or "parquet". create: make the bucket too. expire_days: of a bucket that is made
    here. key: ARN of the KMS key that encrypts it."""

    name: str
    account: str
    partition: str
    prefix: str | None = None
    file_format: str = "parquet"
    hive: bool = True
    per_hour: bool = True
    create: bool = False
    expire_days: int | None = None
    key: str | None = None

    api_type = "s3"

    @property
    def bucket_arn(self) -> str:
        return f"arn:{self.partition}:s3:::{self.name}"

    @property
    def arn(self) -> str:
        """As CreateFlowLogs' LogDestination."""
        return f"{self.bucket_arn}/{self.prefix}/" if self.prefix else self.bucket_arn

    def objects_arn(self, account: str) -> str:
        """What the flow logs of one account write, and no more: "Amazon S3 bucket permissions for
        flow logs", VPC User Guide."""
        owner = f"aws-account-id={account}" if self.hive else account
        folder = f"{self.prefix}/" if self.prefix else ""
        return f"{self.bucket_arn}/{folder}AWSLogs/{owner}/*"

    @property
    def options(self) -> dict[str, object]:
        return {
            "FileFormat": self.file_format,
            "HiveCompatiblePartitions": self.hive,
            "PerHourPartition": self.per_hour,
        }

    def __str__(self) -> str:
        return f"s3://{self.name}/" + (f"{self.prefix}/" if self.prefix else "")


@frozen
class LogGroup:
    """A log group in CloudWatch Logs. infrequent: of the class Infrequent Access, which has no
    metric filters and no Contributor Insights. topic: ARN of the SNS topic that an alarm tells."""

    name: str
    account: str
    partition: str
    region: str
    role_name: str
    retention_days: int = 30
    infrequent: bool = False
    key: str | None = None
    topic: str | None = None
    threshold: int = 100

    api_type = "cloud-watch-logs"

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:logs:{self.region}:{self.account}:log-group:{self.name}"

    @property
    def role_arn(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{self.role_name}"

    def __str__(self) -> str:
        return f"the log group {self.name}"


@frozen
class Stream:
    """A Firehose stream, perhaps in another account. role_name: of the role in the flow log's own
    account that delivery passes through if the stream is in another; stream_role_name: of the one
    over there."""

    name: str
    account: str
    partition: str
    region: str
    source_account: str
    role_name: str
    stream_role_name: str = CROSS_ACCOUNT_ROLE

    api_type = "kinesis-data-firehose"

    @property
    def arn(self) -> str:
        return (
            f"arn:{self.partition}:firehose:{self.region}:{self.account}:deliverystream/{self.name}"
        )

    @property
    def crosses_accounts(self) -> bool:
        return self.account != self.source_account

    @property
    def role_arn(self) -> str:
        return f"arn:{self.partition}:iam::{self.source_account}:role/{self.role_name}"

    @property
    def stream_role_arn(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{self.stream_role_name}"

    def __str__(self) -> str:
        return f"the Firehose stream {self.name} in account {self.account}"


Destination = Bucket | LogGroup | Stream
