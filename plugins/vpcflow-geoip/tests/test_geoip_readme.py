"""What the README shows is true; and the sample databases know the addresses of the sample logs."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from vpcflow_geoip.enricher import SCOPES, GeoIP, Settings

import vpcflow

PLUGIN = Path(__file__).parents[1]
README = (PLUGIN / "README.md").read_text()
DATA = PLUGIN.parents[1] / "tests" / "data"
DATABASES = DATA / "samples-geoip"
EXAMPLE = r"<!-- example: run by tests -->\n```{}\n(.*?)```"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "logs").mkdir()
    shutil.copy(DATA / "samples" / "ipv6.log", tmp_path / "logs")
    for path in DATABASES.iterdir():
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_run(directory: Path) -> None:
    (commands,) = re.findall(EXAMPLE.format("sh"), README, re.DOTALL)
    printed = b""
    for command in commands.splitlines():
        program, *words = shlex.split(command)
        assert program == "vpcflow"
        done = subprocess.run([sys.executable, "-m", program, *words], capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        printed += done.stdout
    rows = [json.loads(line) for line in printed.splitlines()]
    assert {row["src_as_org"] for row in rows} >= {"AMAZON-02", "Example Broadband"}
    places = [json.loads(line) for line in (directory / "places.jsonl").read_text().splitlines()]
    assert {row.get("src_city") for row in places} >= {"München", "Mailand", "Tokio"}
    assert "src_asn" not in places[0]
    assert '"src_name":"Ireland"' in (directory / "names.jsonl").read_text()


def test_the_python_examples_run(directory: Path) -> None:
    examples = re.findall(EXAMPLE.format("python"), README, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        exec(compile(example, "README.md", "exec"), {})


def test_every_option_stands_in_the_table() -> None:
    (table,) = re.findall(r"## Options\n(.*?)\n## ", README, re.DOTALL)
    first_cells = re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE)
    assert first_cells == [option.name for option in attrs.fields(Settings)]


def test_every_scope_and_column_is_explained() -> None:
    (table,) = re.findall(r"## Columns\n(.*?)\n## ", README, re.DOTALL)
    assert all(f"`{scope}`" in table for scope in SCOPES)
    enricher = GeoIP([DATABASES / "city.mmdb", DATABASES / "asn.mmdb"])
    assert all(f"`{name.format(role='src')}`" in table for name in enricher.adds)


def test_the_sample_databases_are_what_their_script_writes(tmp_path: Path) -> None:
    script = runpy.run_path(str(DATA / "make_geoip.py"))
    script["main"](tmp_path)
    for path in DATABASES.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_the_sample_databases_know_the_addresses_of_the_sample_logs() -> None:
    addresses: set[str] = set()
    columns = ["srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr"]
    for path in (DATA / "samples").rglob("*"):
        if path.suffix not in {".gz", ".log", ".jsonl"} or path.name.startswith(("bad", "dam")):
            continue
        for record in vpcflow.scan(path, columns=columns, threads=1).records():
            addresses.update(value for value in record.asdict().values() if value)
    given = sorted(addresses)
    enricher = GeoIP([DATABASES / "city.mmdb", DATABASES / "asn.mmdb"], Settings(language="de"))
    names = [name.removeprefix("{role}_") for name in enricher.adds]
    answers = [column.to_pylist() for column in enricher.lookup_many(given)]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*answers, strict=True)]
    outside = [row for row in rows if row["scope"] in ("public", "documentation")]
    assert len(outside) > 20
    assert all(row[name] for row in outside for name in ("country", "latitude", "as_org"))
