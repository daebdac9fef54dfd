"""`vpcflow cost`: the answer first, honest and safe to show; JSON with the same numbers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import lines
import pytest
import terminal
from click.testing import CliRunner, Result
from vpcflow_query import cost_command
from vpcflow_query.cost.report_lines import count, usd, volume_text

from vpcflow.cli.app import Program

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "tests" / "data" / "samples"
INVENTORY = ROOT / "tests" / "data" / "samples-inventory"
DOCUMENT = ROOT / "docs" / "cost.md"
PROGRAM = Program(commands=[cost_command.cost])


def cost(*arguments: object) -> Result:
    return CliRunner().invoke(PROGRAM, ["cost", *map(str, arguments)])


def told(*arguments: object) -> str:
    """What it prints, as one line of words."""
    result = cost(*arguments)
    assert result.exit_code == 0, result.stderr
    return " ".join(result.stdout.split())


def refused(*arguments: object) -> str:
    result = cost(*arguments)
    assert result.exit_code == 2, result.output
    return " ".join(result.stderr.split())


def test_the_answer_comes_first() -> None:
    words = told(SAMPLES / "AWSLogs", "--inventory", INVENTORY, "--destination", "cloudwatch")
    assert re.match(r"About \$0\.12\*? a month at CloudWatch Standard in eu-west-1: ", words)
    for part in (
        "records of 109 bytes",
        "a weak guess",
        "What drives it:",
        "(web-1)",
        "What would save most without losing flows: deliver to S3 (text)",
        "no prices for eu-west-1; these are us-east-1's",
        "as of 2026-06-30",
    ):
        assert part in words


def test_json_has_the_same_and_more() -> None:
    result = cost(SAMPLES / "AWSLogs", "--json", "--region", "us-east-1")
    found = json.loads(result.stdout)
    assert (found["destination"], found["destination_assumed"]) == ("s3", False)
    assert found["measured"]["all"] == {"records": 555, "text_bytes": 60_505}
    assert [one["destination"] for one in found["destinations"]] == [
        *("cloudwatch", "cloudwatch-ia", "s3", "s3-parquet", "firehose")
    ]
    chosen = found["destinations"][2]
    assert found["usd_per_month"] == chosen["usd_per_month"]
    delivery = chosen["charges"][0]
    assert delivery["usd"] == pytest.approx(found["gb_per_month"] * 0.25)
    assert delivery["confirmed"]
    assert not chosen["confirmed"]
    assert {"name", "usd", "share", "keeps", "what", "caveat"} <= set(found["levers"][0])


def test_a_known_volume_needs_no_logs() -> None:
    assert "About $8,294" in told("--per-month", "72TB", "--retention", "0")
    assert "About $13,414 a month" in told(
        "--per-month", "72TB", "--destination", "cloudwatch", "--retention", "0"
    )
    assert "27.8 GB of text, 259 M records of 115 bytes" in told("--records-per-second", "100")
    of_format = told("--records-per-second", "100", "--format", "interface-id srcaddr dstaddr")
    assert "records of 46 bytes" in of_format


def test_a_known_volume_and_measured_lines() -> None:
    words = told(SAMPLES / "custom-v5.log", "--per-month", "1000000")
    assert "1 M records of 227 bytes (given with --per-month)" in words
    assert "What drives it" in words
    assert "weak guess" not in words


def test_the_time_that_logs_cover() -> None:
    day = json.loads(cost(SAMPLES / "AWSLogs", "--covers", "24h", "--json").stdout)
    assert day["records_per_month"] == pytest.approx(555 * 30)
    assert not day["weak"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to measure"),
        (["--per-month", "1GB", "--records-per-second", "1"], "contradict"),
        (["--per-month", "1GB", "--covers", "1h"], "--covers is for logs"),
        (["--per-month", "lots"], "is no volume"),
        (["--per-month", "1XB"], "is no volume"),
        (["--per-month", "-1GB"], "is no volume"),
        (["--per-month", "1e99"], "more than can be"),
        (["--per-month", "9" * 400], "more than can be"),
        (["--per-month", "1e20PB"], "more than can be"),
        (["--records-per-second", "nan"], "cannot be"),
        (["--records-per-second", "0"], "cannot be"),
        (["--records-per-second", "inf"], "cannot be"),
        (["--covers", "soon", "{sample}"], "no length of time"),
        (["--covers", "0h", "{sample}"], "no length of time"),
        (["--retention", "-1", "{sample}"], "retention"),
        (["--destination", "s4", "{sample}"], "s4"),
        (["--prices", "{sample}", "{sample}"], "is not TOML"),
        (["--inventory", "/nowhere/at/all", "{sample}"], "/nowhere/at/all"),
        (["--region", "us east\x1b[31m", "{sample}"], "is no AWS Region"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str) -> None:
    sample = str(SAMPLES / "ipv6.log")
    words = refused(*(argument.replace("{sample}", sample) for argument in arguments))
    assert said in words
    assert "\x1b" not in words


def test_prices_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_text("date = 2027-01-31\n[eu-west-1.s3.delivery]\nusd = 9999\nconfirmed = true\n")
    words = told(SAMPLES / "AWSLogs", "--prices", path)
    assert "About $2,438* a month at S3 (text) in eu-west-1" in words
    assert "as of 2027-01-31" in words


def test_a_damaged_file_is_measured_up_to_the_damage() -> None:
    result = cost(SAMPLES / "damaged.log.gz")
    assert result.exit_code == 1
    assert "What drives it" in result.stdout
    assert "damaged.log.gz" in result.stderr


def test_an_empty_file_has_no_month(tmp_path: Path) -> None:
    (tmp_path / "empty.log").touch()
    assert " ".join(told(tmp_path / "empty.log").split()) == (
        "There are no records in these logs, so nothing can be said of a month."
    )
    assert "About $" in told(tmp_path / "empty.log", "--per-month", "1GB")


def test_hostile_logs_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "hostile.log"
    names = "interface-id srcaddr region instance-tag start end"
    values = "eni-\x1b[31m\u202e \x9b31m \x1b]0;x\x07 \x1b[2J 1789380000 1789380059"
    path.write_text(f"{names}\n{values}\n")
    for arguments in ([path], [path, "--json"]):
        result = cost(*arguments)
        assert result.exit_code == 0, result.stderr
        assert result.stdout.replace("\n", "").isprintable()
        assert "eni-" in result.stdout
        assert "us-east-1" in result.stdout  # what is no Region is not taken for one


def test_it_fits_a_terminal_of_eighty_columns() -> None:
    shown = terminal.show(
        *("cost", SAMPLES / "custom-v5.log", "--inventory", INVENTORY),
        *("--per-month", "72TB", "--destination", "cloudwatch"),
    )
    assert shown.code == 0
    assert max(len(line) for line in shown.lines) <= 80
    assert shown.lines[0].startswith("About $")


def test_the_command_is_light_until_it_runs() -> None:
    code = "import sys, vpcflow_query.cost_command, vpcflow_query.cost.estimate as e;"
    code += "print([m for m in ('duckdb', 'pyarrow', 'boto3') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_numbers_for_people() -> None:
    assert [usd(x) for x in (0, 0.001, 0.5, 999.99, 9500.2)] == [
        *("$0.00", "<$0.01", "$0.50", "$999.99", "$9,500")
    ]
    assert [count(x) for x in (0, 950, 2_400_000, 259e9)] == ["0", "950", "2.4 M", "259 G"]
    assert [volume_text(x) for x in (0.01, 27.76, 618, 27_761)] == [
        *("10.2 MB", "27.8 GB", "618 GB", "27.1 TB")
    ]


def test_the_document_shows_what_the_program_says() -> None:
    """The table of worked figures: rate, line, GB, CloudWatch, S3."""
    text = DOCUMENT.read_text()
    number = r"([\d,.]+)"
    row = rf"^\| {number} \| v\d+, (\d+) B \| {number} \| {number} \| {number} \|$"
    rows = re.findall(row, text, re.MULTILINE)
    assert len(rows) == 8
    formats = {"115": 14, "256": 29, "278": 40}
    for rate, line, gb, cloudwatch, s3 in rows:
        names = " ".join(lines.EVERY_FIELD.names[: formats[line]])
        arguments = ["--records-per-second", rate.replace(",", ""), "--format", names, "--json"]
        found = json.loads(cost(*arguments).stdout)
        delivery = {d["destination"]: d["charges"][0]["usd"] for d in found["destinations"]}
        said = [float(number.replace(",", "")) for number in (gb, cloudwatch, s3)]
        computed = [found["gb_per_month"], delivery["cloudwatch"], delivery["s3"]]
        assert said == pytest.approx(computed, rel=2e-3)
    for command in re.findall(r"^    \$ vpcflow (cost .*)$", text, re.MULTILINE):
        in_place = command.replace("tests/data", str(ROOT / "tests" / "data"))
        assert CliRunner().invoke(PROGRAM, in_place.split()).exit_code == 0, command
