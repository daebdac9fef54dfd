"""Listing S3: the right files in every layout, and no request more than that takes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fault_proxy import ACCESS_DENIED, SLOW_DOWN, CutBefore, CutBody, FaultProxy, Rule, s3_error
from s3_world import (
    ACCOUNTS,
    BUCKET,
    FLOW_LOGS,
    MOMENTS,
    REGIONS,
    connected,
    keys_of,
    lay,
    make_bucket,
    put,
)
from servers import moto, rclone_s3
from vpcflow_aws.s3_listing import SEARCHES
from vpcflow_aws.s3_source import S3Source
from vpcflow_aws.session import client

from vpcflow.errors import InputError, UsageError
from vpcflow.selection import EVERYTHING, Selection
from vpcflow.testing import SourceSuite

LAYOUTS = {
    "daily": ("daily", "AWSLogs/"),
    "hourly": ("hourly", "hourly/AWSLogs/"),
    "hive": ("hive", "by/team/hive/AWSLogs/"),
    "hive-hourly": ("hive-hourly", "hh/AWSLogs/"),
    "organisation": ("daily", "org/AWSLogs/o-abcdefghij/"),
    "transit gateway": ("daily", "tgw/AWSLogs/"),
}
SERVICES = {"transit gateway": "transitgatewayflowlogs"}
OTHERS = [
    "AWSLogs/111111111111/CloudTrail/eu-west-1/2024/02/28/trail.json.gz",
    "AWSLogs/111111111111/elasticloadbalancing/eu-west-1/2024/02/28/elb.log",
    "AWSLogs/aws-logs-write-test",
    "plain/_SUCCESS",
    "plain/.hidden/x.log",
]
PLAIN = ["plain/a b+c%20ü.log", "plain/deep/er/x.log", "plain/x-1.log", "plain/x-2.log"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root: Path = tmp_path_factory.mktemp("buckets")
    for name, (layout, above) in LAYOUTS.items():
        lay(root, keys_of(layout, above, SERVICES.get(name, "vpcflowlogs")))
    lay(root, OTHERS + PLAIN)
    (root / "empty").mkdir()
    return root


@pytest.fixture(scope="module")
def bucket(root: Path) -> Iterator[str]:
    """A server with one bucket that has every layout."""
    with rclone_s3(root) as url:
        yield url


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    with moto() as url:
        yield url


def all_keys() -> list[str]:
    keys = [*PLAIN]
    for name, (layout, root) in LAYOUTS.items():
        keys += keys_of(layout, root, SERVICES.get(name, "vpcflowlogs"))
    return sorted(keys)


def listed(prefix: str, selection: Selection = EVERYTHING, bucket: str = BUCKET) -> list[str]:
    start = f"s3://{bucket}/"
    files = list(S3Source().files(start + prefix, selection))
    assert all(file.name.startswith(start) for file in files)
    return [file.name[len(start) :] for file in files]


@pytest.fixture
def watched(bucket: str) -> Iterator[FaultProxy]:
    with FaultProxy(bucket) as proxy, connected(proxy.url):
        yield proxy


# ---- what is found -------------------------------------------------------------------------------


def test_a_whole_bucket(watched: FaultProxy) -> None:
    assert listed("") == all_keys()


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_under_every_selection(watched: FaultProxy, name: str) -> None:
    layout, root = LAYOUTS[name]
    keys = sorted(keys_of(layout, root, SERVICES.get(name, "vpcflowlogs")))
    choice = random.Random(f"selections of {name}")
    for _ in range(6):
        since = choice.choice([None, *MOMENTS])
        length = choice.choice([timedelta(minutes=5), timedelta(days=1), timedelta(days=60)])
        selection = Selection(
            accounts=choice.choice([[], [ACCOUNTS[0]], ["999999999999"]]),
            regions=choice.choice([[], [REGIONS[1]]]),
            flow_logs=choice.choice([[], [FLOW_LOGS[0]]]),
            since=since,
            until=choice.choice([None, (since or MOMENTS[3]) + length]),
        )
        start = choice.choice([root, root[: -len("AWSLogs/")] or root])
        wanted = [key for key in keys if key.startswith(start) and selection.wants(key)]
        found = [key for key in listed(start, selection) if key in keys]
        assert found == wanted, selection


@pytest.mark.parametrize(
    ("prefix", "wanted"),
    [
        ("plain/", PLAIN),
        ("plain", PLAIN),
        ("plain/x", ["plain/x-1.log", "plain/x-2.log"]),
        ("plain/x-1.log", ["plain/x-1.log"]),
        ("plain/a b+c%20ü.log", ["plain/a b+c%20ü.log"]),
        ("plain/deep", ["plain/deep/er/x.log"]),
        ("plain/.hidden/", ["plain/.hidden/x.log"]),
        ("plain/_SUC", ["plain/_SUCCESS"]),
        ("plain/_SUCCESS", ["plain/_SUCCESS"]),
        ("AWSLogs/111111111111/CloudTrail/", [OTHERS[0]]),
        ("AWSLogs/1", [key for key in keys_of("daily") if "/1111" in key]),
        ("AWSLogs/111111111111/vpcflowlogs/eu-west-1/2024/02/2", None),
        ("AWSLogs/111111111111/vpcflowlogs/eu-west-1/2024/02/29/", None),
    ],
)
def test_prefixes(watched: FaultProxy, prefix: str, wanted: list[str] | None) -> None:
    if wanted is None:
        wanted = [key for key in keys_of("daily") if key.startswith(prefix)]
        assert wanted
    assert listed(prefix) == sorted(wanted)


def test_one_object_is_given_whatever_is_selected(watched: FaultProxy) -> None:
    key = keys_of("daily")[0]
    assert listed(key, Selection(accounts=["999999999999"])) == [key]


def test_facts_of_a_file(aws: str) -> None:
    with connected(aws) as s3:
        make_bucket(s3)
        put(s3, ["facts/one"])
        (file,) = S3Source().files("s3://flow-logs/facts/one", EVERYTHING)
        head = s3.head_object(Bucket=BUCKET, Key="facts/one")
    assert file.name == "s3://flow-logs/facts/one"
    assert file.size == 9
    assert file.etag == head["ETag"].strip('"')
    assert file.modified is not None
    assert file.modified.utcoffset() == timedelta(0)
    assert abs(file.modified - datetime.now(UTC)) < timedelta(minutes=5)


# ---- what it takes -------------------------------------------------------------------------------

DAY = Selection(
    since=datetime(2024, 3, 1, 1, tzinfo=UTC),
    until=datetime(2024, 3, 1, 2, tzinfo=UTC),
)


def prefixes(proxy: FaultProxy) -> list[str]:
    """The prefixes that were listed; nothing else may have been asked for."""
    assert {request.operation for request in proxy.requests} == {"ListObjectsV2"}
    return sorted(request.query["prefix"][0] for request in proxy.requests)


def test_a_known_day_takes_one_request_a_region(watched: FaultProxy) -> None:
    listed("AWSLogs/", DAY)
    regions = [f"AWSLogs/{a}/vpcflowlogs/{r}/" for a in ACCOUNTS for r in REGIONS]
    assert prefixes(watched) == sorted(
        [
            "AWSLogs/",
            *(f"AWSLogs/{account}/" for account in ACCOUNTS),
            *(f"AWSLogs/{account}/vpcflowlogs/" for account in ACCOUNTS),
            *(f"{region}2024/03/01/" for region in regions),
        ]
    )


def test_an_account_and_a_region_are_not_listed_beside_others(watched: FaultProxy) -> None:
    one = Selection(accounts=[ACCOUNTS[1]], regions=[REGIONS[0]], since=DAY.since, until=DAY.until)
    found = listed("by/team/hive/AWSLogs/", one)
    account = f"by/team/hive/AWSLogs/aws-account-id={ACCOUNTS[1]}/"
    service = f"{account}aws-service=vpcflowlogs/"
    day = f"{service}aws-region={REGIONS[0]}/year=2024/month=03/day=01/"
    assert prefixes(watched) == sorted(["by/team/hive/AWSLogs/", account, service, day])
    assert found == [
        key for key in sorted(keys_of("hive", "by/team/hive/AWSLogs/")) if one.wants(key)
    ]


def test_of_a_day_only_the_wanted_hours_are_listed(watched: FaultProxy) -> None:
    region = f"hourly/AWSLogs/{ACCOUNTS[0]}/vpcflowlogs/{REGIONS[0]}/"
    hour = Selection(since=MOMENTS[2], until=MOMENTS[2] + timedelta(minutes=30))
    found = listed(region, hour)
    day = f"{region}{MOMENTS[2]:%Y/%m/%d}/"
    assert prefixes(watched) == [day, f"{day}{MOMENTS[2]:%H}/"]
    assert len(found) == len(FLOW_LOGS)


def test_an_open_end_is_walked_by_year_month_and_day(watched: FaultProxy) -> None:
    region = f"AWSLogs/{ACCOUNTS[0]}/vpcflowlogs/{REGIONS[0]}/"
    since = Selection(since=datetime(2024, 3, 2, tzinfo=UTC))
    found = listed(region, since)
    assert prefixes(watched) == [
        region,
        f"{region}2024/",
        f"{region}2024/03/",
        f"{region}2024/03/02/",
    ]
    assert found == [key for key in sorted(keys_of("daily")) if region in key and since.wants(key)]


def test_all_of_a_region_is_listed_in_one_go(watched: FaultProxy) -> None:
    region = f"hourly/AWSLogs/{ACCOUNTS[0]}/vpcflowlogs/{REGIONS[0]}/"
    assert len(listed(region)) == len(FLOW_LOGS) * len(MOMENTS)
    assert prefixes(watched) == [region]


def test_nothing_is_fetched_before_it_is_read(watched: FaultProxy) -> None:
    files = list(S3Source().files("s3://flow-logs/plain/", EVERYTHING))
    for file in files:
        file.open().close()
    assert watched.count("GetObject") == 0
    with files[0].open() as stream:
        assert stream.read() == PLAIN[0].encode()
    assert watched.count("GetObject") == 1


def test_many_folders_of_another_layout_are_listed_in_one_go(
    root: Path, watched: FaultProxy
) -> None:
    """As Firehose writes them: a folder per hour, none of which has AWSLogs in it."""
    hours = [f"2024/{n // 48 + 1:02}/{n % 48 // 24 + 1:02}/{n % 24:02}/x" for n in range(300)]
    lay(root, hours, "firehose")
    assert listed("", DAY, "firehose") == sorted(hours)
    assert watched.count("ListObjectsV2") <= 2 * SEARCHES


def test_pages_follow_each_other(root: Path, watched: FaultProxy) -> None:
    keys = [f"AWSLogs/{number:012}/vpcflowlogs/x" for number in range(1100)]
    lay(root, keys, "pages")
    wanted = Selection(accounts=["000000001050", "000000000003"])
    assert listed("AWSLogs/", wanted, "pages") == [keys[3], keys[1050]]
    # two pages of accounts, two accounts, and the service of each
    assert watched.count("ListObjectsV2") == 6
    lay(root, [f"{number:06}.log" for number in range(2500)], "flat")
    watched.clear()
    assert listed("", bucket="flat") == [f"{number:06}.log" for number in range(2500)]
    assert watched.count("ListObjectsV2") == 3


def test_markers_of_folders_are_no_files(aws: str) -> None:
    """As the console makes them."""
    with connected(aws) as s3:
        make_bucket(s3, "marked")
        put(s3, ["a/", "a/b/", "a/b/c.log"], "marked")
        assert listed("", bucket="marked") == ["a/b/c.log"]
        assert listed("a/b/", bucket="marked") == ["a/b/c.log"]


def test_the_first_file_does_not_wait_for_the_last(watched: FaultProxy) -> None:
    files = S3Source().files("s3://flow-logs/", EVERYTHING)
    next(files)
    so_far = len(watched.requests)
    files.close()  # type: ignore[attr-defined]
    assert so_far < 25
    list(S3Source().files("s3://flow-logs/", EVERYTHING))
    assert len(watched.requests) > 50


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://flow-logs/awslogs/", "did you mean 'AWSLogs'?"),
        ("s3://flow-logs/plain/deep/es/", "s3://flow-logs/plain/deep/ exists, and has no 'es'"),
        ("s3://flow-logs/plain/*.log", "wildcards are not expanded"),
        ("s3://empty/", "the bucket empty is empty"),
        ("s3://empty/x", "the bucket empty is empty"),
        ("s3://no-such-bucket/x/", "NoSuchBucket"),
        ("s3://flow-logs/AWSLogs/111111111111/vpcflowlogs/eu-west-9/", "has no 'eu-west-9'"),
    ],
)
def test_nothing_there(watched: FaultProxy, url: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        list(S3Source().files(url, EVERYTHING))
    assert said in str(caught.value)


def test_a_day_without_files_is_no_error(watched: FaultProxy) -> None:
    never = Selection(since=MOMENTS[0] + timedelta(days=90), until=MOMENTS[0] + timedelta(days=91))
    assert listed(f"AWSLogs/{ACCOUNTS[0]}/vpcflowlogs/{REGIONS[0]}/", never) == []


@pytest.mark.parametrize("url", ["s3://", "s3:///key", "s3://a", "s3://a b/c", "s3://arn:aws:s3:x"])
def test_wrong_urls(url: str) -> None:
    with pytest.raises(UsageError, match="does not name an S3 bucket"):
        S3Source().files(url, EVERYTHING)


def test_permissions_are_named(bucket: str) -> None:
    kms = s3_error(403, "AccessDenied", message="not authorized to perform: kms:Decrypt")
    rules = [
        Rule(ACCESS_DENIED, "ListObjectsV2", times=None),
        Rule(ACCESS_DENIED, "GetObject", "x-1"),
        Rule(kms, "GetObject", "x-2"),
        Rule(s3_error(403, "InvalidObjectState"), "GetObject", "deep"),
    ]
    with FaultProxy(bucket, rules) as proxy, connected(proxy.url):
        with pytest.raises(InputError, match=r"s3:ListBucket") as caught:
            listed("plain/")
        assert caught.value.source == "s3://flow-logs/plain/"
        # one object may be read by those who may not list
        for key, said in (
            ("plain/x-1.log", "s3:GetObject; with SSE-KMS also kms:Decrypt"),
            ("plain/x-2.log", "need kms:Decrypt"),
            ("plain/deep/er/x.log", "restore"),
        ):
            (file,) = S3Source().files(f"s3://flow-logs/{key}", EVERYTHING)
            with pytest.raises(InputError) as denied, file.open() as stream:
                stream.read()
            assert said in str(denied.value)
            assert denied.value.source == f"s3://flow-logs/{key}"


def test_listing_survives_what_networks_do(bucket: str) -> None:
    rules = [
        Rule(SLOW_DOWN, "ListObjectsV2", share=0.1, seed=1, times=1),
        Rule(CutBefore(), "ListObjectsV2", share=0.1, seed=2, times=1),
        Rule(CutBody(100), "ListObjectsV2", share=0.1, seed=3, times=1),
        Rule(CutBody(0), "ListObjectsV2", share=0.1, seed=4, times=1),
    ]
    with FaultProxy(bucket, rules) as proxy, connected(proxy.url):
        assert listed("hh/") == sorted(keys_of("hive-hourly", "hh/AWSLogs/"))
        assert listed("AWSLogs/", DAY) == [
            key for key in sorted(keys_of("daily")) if DAY.wants(key)
        ]
        assert any(request.fault for request in proxy.requests)


@pytest.mark.parametrize("after", [0, 1, 200])
def test_a_cut_answer_is_not_an_empty_listing(bucket: str, after: int) -> None:
    rules = [Rule(CutBody(after), "ListObjectsV2", times=1)]
    with FaultProxy(bucket, rules) as proxy, connected(proxy.url):
        assert listed("plain/") == PLAIN


# ---- the contract, on both servers ---------------------------------------------------------------


class _Suite(SourceSuite):
    url = "s3://suite/logs/"
    missing_url = "s3://suite/nothing/"
    wrong_url = "s3://"
    expected = {
        f"s3://suite/{key}": key.encode()
        for key in [*keys_of("hive-hourly", "logs/AWSLogs/")[:12], "logs/other.log"]
    }

    def make_source(self) -> S3Source:
        return S3Source()

    @classmethod
    def fill(cls, s3: Any) -> None:
        make_bucket(s3, "suite")
        put(s3, [name[len("s3://suite/") :] for name in cls.expected], "suite")


class TestSourceOnMoto(_Suite):
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def server(cls, aws: str) -> Iterator[None]:
        with connected(aws) as s3:
            cls.fill(s3)
            yield


class TestSourceOnRclone(_Suite):
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def server(cls, bucket: str) -> Iterator[None]:
        with connected(bucket) as s3:
            cls.fill(s3)
            yield


def test_clients_keep_to_one_retry_policy() -> None:
    with connected("http://127.0.0.1:9"):
        assert client("s3").meta.config.retries == {"total_max_attempts": 10, "mode": "standard"}
