"""Hostile databases: never a crash, only errors that name the file; and sanitizers find nothing."""

from __future__ import annotations

import os
import random
import re
import subprocess
from pathlib import Path

import pytest
from vpcflow_geoip.database import open_database
from vpcflow_geoip.enricher import GeoIP, Settings
from vpcflow_geoip.samples import write_asn_like, write_city_like
from vpcflow_geoip.writing import encode, write_database

from vpcflow.errors import InputError, UsageError, VpcflowError

NATIVE = Path(__file__).parent / "native"
ADDRESSES = [f"{n}.{n * 7 % 256}.3.4" for n in range(256)] + [f"2a00:{n:x}::1" for n in range(256)]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "city.mmdb"
    write_city_like(path, 60, record_size=24)
    return path


def ask(path: Path) -> VpcflowError | None:
    """Everything that the enricher does with a file: the error that it ends in, if any."""
    try:
        enricher = GeoIP([path], Settings(lookup="all"))
        columns = enricher.lookup_many(ADDRESSES)
    except (InputError, UsageError) as error:
        return error
    assert [len(column) for column in columns] == [len(ADDRESSES)] * len(enricher.adds)
    for column in columns:
        column.validate(full=True)
    return None


def test_flipped_bytes_give_answers_or_errors(city: Path, tmp_path: Path) -> None:
    good = city.read_bytes()
    dice = random.Random(11)
    path = tmp_path / "damaged.mmdb"
    errors = 0
    for _ in range(400):
        bytes_ = bytearray(good)
        start = dice.choice((0, len(good) - 400, len(good) // 2))
        for _ in range(dice.choice((1, 3, 30))):
            bytes_[dice.randrange(start, len(good))] = dice.choice((0, 0xFF, dice.randrange(256)))
        path.write_bytes(bytes_)
        error = ask(path)
        errors += error is not None
        assert error is None or str(path) in str(error)
    assert 50 < errors < 350


def test_a_file_cut_off_anywhere_is_an_error(city: Path, tmp_path: Path) -> None:
    good = city.read_bytes()
    path = tmp_path / "cut.mmdb"
    for size in range(1, len(good), max(1, len(good) // 150)):
        path.write_bytes(good[:size])
        assert ask(path) is not None
    path.write_bytes(good)
    assert ask(path) is None


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("node_count", 0, "node_count does not fit"),
        ("node_count", 2**40, "outside of the file"),
        ("node_count", 100_000, "reaches past the end|outside of the file"),
        ("record_size", 20, "record_size is not"),
        ("ip_version", 5, "ip_version is neither"),
    ],
)
def test_metadata_that_cannot_be_is_refused(
    tmp_path: Path, name: str, value: int, reason: str
) -> None:
    path = tmp_path / "wrong.mmdb"
    write_database(path, {"9.0.0.0/8": {"a": 1}}, database_type="Any", record_size=24)
    content = path.read_bytes()
    key = bytes([0x40 | len(name)]) + name.encode()
    at = content.rindex(key) + len(key)
    old = content[at] & 31
    path.write_bytes(content[:at] + encode(value) + content[at + 1 + old :])
    with pytest.raises(InputError, match=reason):
        open_database(path)


def test_a_tree_that_goes_round_in_circles_is_damaged(tmp_path: Path) -> None:
    """Every record of the tree points to its first node, so no address ever ends."""
    path = tmp_path / "ring.mmdb"
    write_database(path, {"9.0.0.0/8": {"country": {"iso_code": "DE"}}}, database_type="X-City")
    content = bytearray(path.read_bytes())
    size = open_database(path).metadata.node_count * 6
    content[:size] = bytes(size)
    path.write_bytes(content)
    with pytest.raises(InputError, match="deeper than an address has bits"):
        GeoIP([path], Settings(fields=("c:country.iso_code:text",))).lookup_many(["9.0.0.1"])


# ---- under sanitizers ----------------------------------------------------------------------------


def build(directory: Path, *options: str) -> Path:
    for command in (
        ["cmake", "-S", str(NATIVE), "-B", str(directory), *options],
        ["cmake", "--build", str(directory), "--parallel"],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return directory / "fuzz"


def fuzz(program: Path, path: Path, rounds: int) -> subprocess.CompletedProcess[str]:
    said = open_database(path).metadata
    content = path.read_bytes()
    begin = said.node_count * said.record_size // 4 + 16
    end = content.rindex(b"\xab\xcd\xefMaxMind.com")
    facts = (said.node_count, said.record_size, said.ip_version, begin, end, 1, rounds)
    command = [str(program), str(path), *map(str, facts)]
    leaks = {"ASAN_OPTIONS": "detect_leaks=1"}
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | leaks)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("record_size", [24, 28, 32])
def test_sanitizers_find_nothing_in_damaged_files(
    program: Path, tmp_path: Path, record_size: int
) -> None:
    rounds = int(os.environ.get("VPCFLOW_GEOIP_FUZZ_ROUNDS", "300"))
    write_city_like(tmp_path / "city.mmdb", 60, record_size=record_size)
    write_asn_like(tmp_path / "asn.mmdb", 300, record_size=record_size)
    for name in ("city.mmdb", "asn.mmdb"):
        ran = fuzz(program, tmp_path / name, rounds)
        assert ran.returncode == 0, ran.stderr[:3000]
        counts = [int(n) for n in re.findall(r"\d+", ran.stdout)]
        assert sum(counts) == rounds
        assert min(counts) >= 5, ran.stdout


def test_the_sanitizer_run_can_fail(tmp_path: Path) -> None:
    """A planted bug, a tree that is believed to be larger than the file, is found."""
    write_city_like(tmp_path / "city.mmdb", 60, record_size=24)
    ran = fuzz(build(tmp_path / "planted", "-DVG_PLANTED_BUG=ON"), tmp_path / "city.mmdb", 100)
    assert ran.returncode != 0
    assert "AddressSanitizer: heap-buffer-overflow" in ran.stderr
