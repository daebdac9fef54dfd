"""Write the sample logs: `python tests/data/make_samples.py [DIRECTORY]`.

The text is the same every time and everywhere. What is packed with gzip may differ in its packed
bytes where Python is built on another zlib; `damaged.log.gz` is put together by hand and does not.
"""

from __future__ import annotations

import gzip
import json
import struct
import sys
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sample_neighbours import ipv6, transit_gateway
from sample_story import (
    ACCOUNT,
    ACL_CHANGE,
    APP_1,
    APP_2,
    APP_3,
    CACHE,
    DB,
    LAB,
    NAT,
    SPARE,
    WEB,
    Host,
    Record,
    story,
)

from vpcflow.fields import FIELDS
from vpcflow.flow_format import FlowFormat

FLOW_LOG = "fl-0e000000000000001"
AWS_LAYOUT = f"AWSLogs/{ACCOUNT}/vpcflowlogs/eu-west-1/2026/09/14"
AWS_NAME = f"{ACCOUNT}_vpcflowlogs_eu-west-1_{FLOW_LOG}_20260914T{{}}Z_{{}}.log.gz"

Format = Sequence[str]


def up_to(version: int) -> Format:
    """AWS's names of the VPC fields up to a version, in AWS's order."""
    known = (f for f in FIELDS.values() if f.version <= version and f.version != 6)
    return [f.aws_name for f in known]


DEFAULT, V5, V8, V11 = up_to(2), sorted(up_to(5)), up_to(8), up_to(11)
TRANSIT_GATEWAY = [f.aws_name for f in FlowFormat.transit_gateway().fields]


def line(record: Record, fmt: Format) -> str:
    """A record as AWS writes it in that format."""
    highest = max(FIELDS[name.replace("-", "_")].version for name in fmt)
    return " ".join(str(highest) if n == "version" else record.get(n, "-") for n in fmt)


def lines(records: Iterable[Record], fmt: Format, *, header: bool = True) -> bytes:
    """A file of records, with AWS's header line or without."""
    made = [" ".join(fmt)] if header else []
    return "".join(f"{text}\n" for text in [*made, *(line(r, fmt) for r in records)]).encode()


def samples() -> dict[str, bytes]:
    """Every sample's content by its path; what goes into a `.gz` is not packed yet, but for
    `damaged.log.gz`."""
    records = story()
    slots = [[r for r in records if _slot(r) == n] for n in (0, 1)]
    return {
        f"{AWS_LAYOUT}/{AWS_NAME.format('1000', '5f2a90c1')}": lines(slots[0], DEFAULT),
        f"{AWS_LAYOUT}/{AWS_NAME.format('1005', 'c07be314')}": lines(slots[1], DEFAULT),
        "custom-v5.log": lines(slots[1], V5),
        "ecs-v8.log.gz": lines(_at(slots[1], APP_1, APP_2, APP_3, DB, LAB), V8),
        "tags-v11.log.gz": lines(_at(slots[1], APP_1, APP_3, NAT, WEB), V11),
        "ipv6.log": lines(ipv6(), DEFAULT),
        "transit-gateway.log.gz": lines(transit_gateway(), TRANSIT_GATEWAY),
        "cloudwatch-subscription.json.gz": _subscription(_at(records, WEB), _at(records, SPARE)),
        "cloudwatch-export.log.gz": _export(_at(records, DB)),
        "firehose.jsonl": _firehose(r for r in records if r.get("action") != "ACCEPT"),
        "bad-lines.log": _bad(_at(records, DB, CACHE)),
        "damaged.log.gz": _damaged(lines(_at(slots[1], WEB), DEFAULT)),
    }


def main(directory: Path) -> None:
    """Write all samples below a directory."""
    for name, content in samples().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        packed = name.endswith(".gz") and name != "damaged.log.gz"
        path.write_bytes(gzip.compress(content, 9, mtime=0) if packed else content)


def _slot(record: Record) -> int:
    """AWS puts a record into the file of the five minutes in which it ends."""
    return 0 if int(record["end"]) < ACL_CHANGE else 1


def _at(records: Iterable[Record], *hosts: Host) -> list[Record]:
    enis = {host.eni for host in hosts}
    return [record for record in records if record["interface-id"] in enis]


def _subscription(*streams: Sequence[Record]) -> bytes:
    """CloudWatch Logs' envelopes, one after the other, with the probe that comes first."""
    probe = "CWL CONTROL MESSAGE: Checking health of destination Firehose."
    made = [_envelope("CONTROL_MESSAGE", "", [{"id": "", "timestamp": 0, "message": probe}])]
    for records in streams:
        half = len(records) // 2
        for part in (records[:half], records[half:]):
            events = [
                {
                    "id": f"{int(r['start']) * 10**9 + number:056d}",
                    "timestamp": int(r["start"]) * 1000,
                    "message": line(r, DEFAULT),
                }
                for number, r in enumerate(part)
            ]
            made.append(_envelope("DATA_MESSAGE", f"{records[0]['interface-id']}-all", events))
    return "".join(json.dumps(envelope) for envelope in made).encode()


def _envelope(kind: str, stream: str, events: Sequence[Mapping[str, object]]) -> dict[str, object]:
    data = kind == "DATA_MESSAGE"
    return {
        "messageType": kind,
        "owner": ACCOUNT if data else "CloudwatchLogs",
        "logGroup": "/vpc/shop/flow-logs" if data else "",
        "logStream": stream,
        "subscriptionFilters": ["to-the-lake"] if data else [],
        "logEvents": events,
    }


def _export(records: Iterable[Record]) -> bytes:
    """What an export task writes: the event's time, then the record."""
    made = []
    for record in records:
        time = datetime.fromtimestamp(int(record["start"]), UTC)
        made.append(f"{time:%Y-%m-%dT%H:%M:%S}.000Z {line(record, DEFAULT)}\n")
    return "".join(made).encode()


def _firehose(records: Iterable[Record]) -> bytes:
    return "".join(json.dumps({"message": line(r, DEFAULT)}) + "\n" for r in records).encode()


def _bad(records: Sequence[Record]) -> bytes:
    """Good lines with every sort of bad line between them, in a format with a tag at its end."""
    fmt = [*DEFAULT, "interface-tag"]
    good = lines(records, fmt).splitlines(keepends=True)
    names = {name: number for number, name in enumerate(fmt)}

    def with_(number: int, name: str, value: bytes) -> bytes:
        tokens = good[number].rstrip(b"\n").split(b" ")
        tokens[names[name]] = value
        return b" ".join(tokens) + b"\n"

    bad = {
        5: good[5].rsplit(b" ", 2)[0] + b"\n",  # cut off: too-few-fields
        9: b"connection reset by peer\n",  # not a record at all: too-few-fields
        14: good[14].rstrip(b"\n") + b" " + good[15],  # two lines in one: too-many-fields
        20: with_(20, "dstport", b"010"),  # not-an-integer: AWS writes no leading zero
        21: with_(21, "bytes", b"1.5e3"),  # not-an-integer
        22: with_(22, "packets", b"+6"),  # not-an-integer
        27: with_(27, "srcport", b"70000"),  # out-of-range
        28: with_(28, "bytes", b"9223372036854775808"),  # out-of-range: 2^63
        29: with_(29, "start", b"178938000"),  # out-of-range: nine digits are no time
        33: with_(33, "action", b"ACC\xffPT"),  # not-utf8
        38: with_(38, "interface-tag", b"50%"),  # bad-percent-encoding
        39: with_(39, "interface-tag", b"caf%E9"),  # not-utf8 once decoded
    }
    # Odd, but not wrong: runs of blanks, a tab, a carriage return, a header, a blank line.
    odd = {
        12: good[12].replace(b" ", b"  ", 3),
        13: good[13].replace(b" ", b"\t", 1).rstrip(b"\n") + b" \r\n",
        24: good[0],
        25: b"\n",
    }
    return b"".join({**dict(enumerate(good)), **bad, **odd}.values())


def _damaged(text: bytes) -> bytes:
    """A gzip file whose end is missing: its last line is cut, and the checksum never comes.

    Stored, not compressed, so that the cut is at the same letter whatever zlib does.
    """
    packed = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    packed += b"\x01" + struct.pack("<HH", len(text), len(text) ^ 0xFFFF) + text
    packed += struct.pack("<II", zlib.crc32(text), len(text))
    return packed[: -8 - 40]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "samples")
