"""`vpcflow report` on the sample network: one page, read once, put in its place or not at all."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from vpcflow_diagnose.report.writing import Target

from vpcflow.cli.app import cli
from vpcflow.errors import UsageError
from vpcflow.plugins import plugins

DATA = Path(__file__).parents[3] / "tests" / "data"
LOGS = DATA / "samples" / "AWSLogs"
CUSTOM = DATA / "samples" / "custom-v5.log"
INVENTORY = DATA / "samples-inventory"


@pytest.fixture(scope="module", autouse=True)
def commands() -> None:
    if "report" not in cli.commands:
        plugins().add_commands(cli)


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, ["report", *map(str, words)])


def test_the_page_names_resources_subnets_and_the_fault(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    done = run(LOGS, "--inventory", INVENTORY, "-o", target)
    assert done.exit_code == 0, done.output
    text = target.read_text()
    for name in ("database db-1", "db-a", "nat-a", "eu-west-1a", "acl-0a500000000000001"):
        assert name in text
    assert f"{target}: " in done.output
    assert "acl-0a500000000000001" in done.output


def test_the_map_shows_the_way_over_gateways(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    run(LOGS, "--inventory", INVENTORY, "-o", target)
    rows = re.findall(r'<th scope="row">\d+</th>((?:<td.*?</td>)+)', target.read_text())
    lines = {tuple(re.findall(r"<td[^>]*>(.*?)</td>", row)[:3]) for row in rows}
    both = {(a, b, c) for x, y, c in lines for a, b in ((x, y), (y, x))}
    assert ("app-a", "nat-a", "accepted") in both
    assert ("nat-a", "Internet", "accepted") in both
    assert ("app-a", "AWS s3", "accepted") in both
    assert ("app-a", "Internet", "accepted") not in both
    assert ("db-a", "app-a", "rejected") in lines
    assert ("Internet", "web-a", "rejected") in lines


def test_without_an_inventory_the_map_is_of_blocks(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    assert run(CUSTOM, "-o", target).exit_code == 0
    text = target.read_text()
    assert "10.0.2.0/24" in text
    assert "boxes are blocks of addresses" in text
    assert "No inventory was given" in text


def test_all_traffic_is_on_the_page_once(tmp_path: Path) -> None:
    """Six records from both ends of three connections: bytes count once, records of both count."""
    log = tmp_path / "one.log"
    line = "2 123456789010 {} {} {} {} {} 6 10 {} 1789380000 1789380060 {} OK\n"
    ends = ("10.0.1.5", "10.0.2.9", 40_000, 443)
    back = ("10.0.2.9", "10.0.1.5", 443, 40_000)
    log.write_text(
        "".join(
            line.format(eni, *way, size, "ACCEPT")
            for eni in ("eni-0a", "eni-0b")
            for way, size in ((ends, 1000), (back, 3000))
        )
    )
    target = tmp_path / "report.html"
    assert run(log, "-o", target).exit_code == 0
    (row,) = re.findall(r'<th scope="row">1</th>((?:<td.*?</td>)+)', target.read_text())
    assert re.findall(r"<td[^>]*>(.*?)</td>", row)[3:5] == ["1 kB", "3 kB"]


def test_a_hostile_log_stays_text(tmp_path: Path) -> None:
    log = tmp_path / "bad.log"
    evil = "<script>alert(1)</script>"
    log.write_text(f"2 1 {evil} {evil} \"'><b> 1 2 6 9 9 1789380000 1789380060 REJECT OK\n" * 9)
    target = tmp_path / "report.html"
    assert run(log, "--format", "default", "-o", target).exit_code == 0
    text = target.read_text()
    assert evil not in text
    assert "<b>" not in text
    assert "&lt;script&gt;" in text


def test_no_record_is_a_page_too(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    done = run(LOGS, "--where", "srcaddr=1.2.3.4", "-o", target)
    assert done.exit_code == 0
    assert "Nothing was read" in target.read_text()


def test_json_says_what_was_written(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    done = run(LOGS, "--inventory", INVENTORY, "--json", "-o", target)
    said = json.loads(done.output)
    assert said["bytes"] == target.stat().st_size
    assert said["report"] == str(target)
    assert said["first"]["resource"] == "acl-0a500000000000001"


def test_damaged_input_is_told_on_the_page_and_ends_with_1(tmp_path: Path) -> None:
    log = tmp_path / "damaged.log.gz"
    log.write_bytes(gzip.compress(CUSTOM.read_bytes())[:-400])
    target = tmp_path / "report.html"
    done = run(log, "-o", target)
    assert done.exit_code == 1
    assert "could not be read to the end" in target.read_text()
    assert "Damaged input" in target.read_text()


def test_standard_output_takes_the_page_when_it_is_no_terminal() -> None:
    command = [sys.executable, "-m", "vpcflow", "report", str(CUSTOM), "-o", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stdout.startswith(b"<!doctype html>")
    ours, theirs = os.openpty()
    try:
        done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE)
    finally:
        os.close(theirs)
        os.close(ours)
    assert done.returncode == 2
    assert b"-o report.html" in done.stderr


def test_json_and_the_page_do_not_share_standard_output() -> None:
    assert run(CUSTOM, "--json", "-o", "-").exit_code == 2


def test_a_page_is_replaced_at_once_and_anything_else_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("<!DOCTYPE html>old")
    assert run(CUSTOM, "-o", target).exit_code == 0
    assert "old" not in target.read_text()[:100]
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    other = tmp_path / "flow.log"
    other.write_bytes(CUSTOM.read_bytes())
    done = run(CUSTOM, "-o", other)
    assert done.exit_code == 2
    assert other.read_bytes() == CUSTOM.read_bytes()


def test_a_place_that_cannot_be_is_refused_before_reading(tmp_path: Path) -> None:
    for name in (tmp_path, tmp_path / "missing" / "report.html"):
        assert run("no-such-logs", "-o", name).exit_code == 2
    assert run(CUSTOM, "-o", os.devnull).exit_code == 0


def test_a_link_is_followed_and_a_failed_write_leaves_the_old_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, link = tmp_path / "real.html", tmp_path / "link.html"
    real.write_text("<!doctype html>old")
    link.symlink_to(real)
    target = Target.of(str(link))
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        target.write(b"<!doctype html>new")
    assert real.read_text() == "<!doctype html>old"
    monkeypatch.undo()
    target.write(b"<!doctype html>new")
    assert real.read_text() == "<!doctype html>new"
    assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.html", "real.html"]
    with pytest.raises(UsageError):
        Target.of(str(tmp_path))


def test_importing_the_command_brings_nothing_heavy() -> None:
    code = "import sys, vpcflow_diagnose.report_command; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in ran.stdout.split()} & {"duckdb", "pyarrow", "boto3"}
