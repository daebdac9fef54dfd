"""Write the fuzzer's first inputs: `python tests/make_corpus.py [DIRECTORY]` (tests/fuzz/corpus).

An input is three bytes - plan, chunk and batch size, flags (read_input in fuzz/fuzz.c) - and a
text: lines of the sample logs, and hostile ones. The same every time; change this, not the files.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import lines

from vpcflow.fields import FIELDS
from vpcflow.flow_format import FlowFormat

FUZZ = Path(__file__).parent / "fuzz"
CORPUS, CRASHES = FUZZ / "corpus", FUZZ / "crashes"
SAMPLES = Path(__file__).parent / "data" / "samples"
MOST = 1500  # bytes of text: libFuzzer makes more of small inputs

# the plans of fuzz/plans.c in order, and the formats of their lines
TEXTS = "vpc-id srcaddr log-status ecs-task-arn"
TAGS = "instance-tag bytes asg-tag"
PLANS = {
    "default, view": "default",
    "default, utf8": "default",
    "default, dictionary": "default",
    "two columns": "default",
    "one column of text": "default",
    "texts, view": TEXTS,
    "texts, utf8": TEXTS,
    "texts, dictionary": TEXTS,
    "tags, view": TAGS,
    "tags, utf8": TAGS,
    "tags, dictionary": TAGS,
    "integer filters": "default",
    "time filter": "default",
    "text filters": "default",
    "address filters": "default",
    "tag filter": TAGS,
    "status filter": "default",
    "fields that are not there": "default",
    "nothing passes": TEXTS,
    "one port": "dstport",
    "one int32": "tcp-flags",
    "one int64": "bytes",
    "one time": "start",
    "one text, view": "srcaddr",
    "one text, utf8": "srcaddr",
    "one text, dictionary": "srcaddr",
    "one tag, view": "instance-tag",
    "one tag, utf8": "instance-tag",
    "one tag, dictionary": "instance-tag",
    "one status": "log-status",
    "integers and text filters": "dstport srcaddr end",
}
BOUNDED, DAMAGED, LATER, TAKE_EACH, POOLED = 1, 2, 4, 8, 16
WHOLE = 0x30  # one chunk; batches of a hundred rows, if they are bounded
WAYS = (0, BOUNDED, BOUNDED | POOLED, TAKE_EACH, DAMAGED, LATER | BOUNDED, POOLED | TAKE_EACH)


def format_of(plan: str) -> FlowFormat:
    text = PLANS[plan]
    return FlowFormat.default() if text == "default" else FlowFormat.parse(text)


def texts(number: int, plan: str, rng: Random) -> Iterator[tuple[str, bytes]]:
    """Named texts for one plan: good lines, edited ones, spoilt values."""
    format = format_of(plan)
    good = lines.records(number, format, 6)
    yield "good", lines.header(format) + b"\n" + lines.text(good)

    names = [name for name in lines.EDITS if name != "many fields"]
    edited = [
        lines.EDITS[name](line, format, rng.randrange(2**20))
        for line in good
        for name in rng.sample(names, 2)
    ]
    yield "edited", rng.choice([b"", b"", lines.BOM]) + b"\n".join(edited)

    spoilt = [line.split(b" ") for line in lines.records(number, format, 40)]
    for tokens in spoilt:
        for _ in range(rng.choice([1, 1, 1, 2])):
            tokens[rng.randrange(len(tokens))] = rng.choice(lines.SPOILT)
    yield "spoilt", lines.text([b" ".join(tokens) for tokens in spoilt])


def filling(value: bytes) -> list[bytes]:
    """Sixty values: a new one with every sixth, null every fifth. A small dictionary is full in the
    middle of a piece."""
    return [b"-" if n % 5 == 3 else value % (n // 6) for n in range(60)]


def special() -> Iterator[tuple[str, str, bytes]]:
    """(name, plan, text): what only chance would put together."""
    default = format_of("default, view")
    other = lines.header(FlowFormat.parse("srcaddr dstaddr action"))
    good = lines.text(lines.records(1, default, 2))
    yield "two formats", "default, utf8", good + other + b"\n1.1.1.1 2.2.2.2 ACCEPT\n"
    yield "header only", "one text, view", b"srcaddr\nsrcaddr\r\n dstaddr\n"
    values = [b"vpc-%d 10.0.0.%d OK a" % (n, n % 30) for n in range(70)]
    yield "many values", "texts, dictionary", lines.text(values)
    values = [b"%s ::1 OK %s" % (v, b"a" * (n % 15)) for n, v in enumerate(filling(b"vpc-%d"), 1)]
    yield "a value now and then", "texts, view", lines.text(values)
    values = [b"%s %d %%41%s" % (v, n, b"a" * (n % 15)) for n, v in enumerate(filling(b"%%4%x"))]
    yield "a tag now and then", "tags, utf8", lines.text(values)
    zeros = b"OK\n\0OK\nNODATA\n\0NODATA\n-\n\0-\n\0\0-\nO\0K\n"
    yield "zeros before values", "one status", zeros * 9
    yield "lengths of status", "one status", b"SKIPDATA\nxSKIPDATA\nNODATA\nxNODATA\nNODATAx\n" * 3
    yield "many nulls", "one int32", b"7\n8\n-\n" * 300
    yield "many lengths", "one text, dictionary", lines.text([b"v" * n for n in range(1, 45)])
    yield "many tags", "tags, view", lines.text([b"%%%02X 1 %d%%25" % (n, n) for n in range(60)])
    yield "only a mark", "one text, view", lines.BOM
    yield "blank lines", "default, view", b"\n \n\t\r\n\r\n\r\r\n" * 9
    yield "long line", "one text, utf8", b"a" * 1100 + b"\nb\n"
    yield "long first line", "two columns", lines.BOM + b"a" * 1023 + b"\n" + good
    yield "nothing", "default, view", b""


def samples() -> Iterator[tuple[str, str, bytes]]:
    """(name, plan, text): how the sample logs begin, in the default format or not."""
    for path in sorted(SAMPLES.rglob("*.log*")):
        if path.name != "damaged.log.gz":
            data = path.read_bytes()
            text = gzip.decompress(data) if path.suffix == ".gz" else data
            yield f"sample {path.name.split('.')[0].split('_')[-1]}", "default, view", text[:MOST]


def corpus() -> dict[str, bytes]:
    """File names and contents."""
    rng = Random(7)
    made: dict[str, bytes] = {}

    def add(name: str, plan: str, text: bytes, flags: int, sizes: int | None = None) -> None:
        sizes = rng.randrange(64) if sizes is None else sizes
        head = bytes([list(PLANS).index(plan), sizes, flags])
        made[name.replace(", ", "-").replace(" ", "-")] = head + text[:MOST]

    for number, plan in enumerate(PLANS):
        for name, text in texts(number, plan, rng):
            repeat = rng.choice([0, 0, 0, 6, 7])
            add(f"{plan} {name}", plan, text, WAYS[number % len(WAYS)] | repeat << 5)
    for name, plan, text in special():
        add(name, plan, text, 0, WHOLE)
        add(f"{name} bounded", plan, text, BOUNDED, WHOLE)
        add(f"{name} in pieces", plan, text, BOUNDED | POOLED)
    for name, plan, text in samples():
        add(name, plan, text, rng.choice(WAYS))
    return made


def dictionary() -> bytes:
    """libFuzzer's dictionary: what lines are put together from."""
    names = [field.aws_name for field in FIELDS.values() if field.version <= 3]
    names += ["instance-tag", "asg-tag", "ecs-task-arn", "srcaddr\\x0a"]
    words = ["-", "NODATA", "SKIPDATA", "OK", "ACCEPT", "REJECT", "unknown", "10.0.0.1", "::1"]
    words += ["2001:db8::1", "::ffff:10.0.0.1", "1418530010", "1418530010000", "123456789010"]
    words += ["%2D", "%C3%A9", "%", "caf%C3%A9", "65535", "65536", "2147483648", "255", "9999999"]
    words += ["9223372036854775807", "9223372036854775808", "00", "10000000", "eni-1235b8ca12345"]
    words += ["\\xef\\xbb\\xbf", "\\x0a", "\\x0d\\x0a", " ", "  ", "\\x09", "\\x00", "\\xc3\\xa9"]
    words += ["\\xed\\xa0\\x80", "\\xf4\\x8f\\xbf\\xbf", "\\xff", " - ", " - - - - - - - "]
    entries = [f'"{word}"\n' for word in dict.fromkeys([*names, *words])]
    return ("# Written by tests/make_corpus.py.\n" + "".join(entries)).encode()


def kept_inputs() -> list[Path]:
    """The committed inputs: the corpus, and what once failed."""
    return sorted(path for path in [*CORPUS.iterdir(), *CRASHES.iterdir()] if not path.suffix)


def main(directory: Path) -> None:
    (directory / "corpus").mkdir(parents=True, exist_ok=True)
    for old in (directory / "corpus").iterdir():
        old.unlink()
    for name, content in corpus().items():
        (directory / "corpus" / name).write_bytes(content)
    (directory / "fuzz.dict").write_bytes(dictionary())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FUZZ)
