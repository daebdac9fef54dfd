"""The Avro schema that files get: names, types, documentation."""

from __future__ import annotations

import fastavro
import lines
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vpcflow_avro.schema import avro_names, avro_schema

import vpcflow
from vpcflow.errors import PluginError


def fields(schema: pa.Schema) -> dict[str, dict[str, object]]:
    return {field["name"]: field for field in avro_schema(schema)["fields"]}


def test_the_record_has_one_name_whatever_its_columns() -> None:
    for columns in (["srcaddr"], ["srcaddr", "bytes"]):
        schema = avro_schema(pa.schema([(name, pa.utf8()) for name in columns]))
        assert (schema["type"], schema["namespace"], schema["name"]) == (
            "record",
            "vpcflow",
            "FlowRecord",
        )


def test_every_column_is_null_first_and_null_by_default(batch: pa.RecordBatch) -> None:
    for field in avro_schema(batch.schema)["fields"]:
        assert field["type"][0] == "null"
        assert len(field["type"]) == 2
        assert field["default"] is None


def test_every_field_of_aws_has_its_type_and_description(batch: pa.RecordBatch) -> None:
    written = fields(batch.schema)
    assert list(written) == list(vpcflow.FIELDS)
    types = {
        "int32": "int",
        "int64": "long",
        "utf8": "string",
        "timestamp[ms, tz=UTC]": {"type": "long", "logicalType": "timestamp-millis"},
    }
    for name, field in vpcflow.FIELDS.items():
        assert written[name]["type"] == ["null", types[field.type]]
        assert written[name]["doc"] == field.description


def test_whole_seconds_are_a_plain_long_that_says_so() -> None:
    start = fields(pa.schema([("start", pa.int64())]))["start"]
    assert start["type"] == ["null", "long"]
    assert str(start["doc"]).endswith("; in seconds since 1970 UTC")


@pytest.mark.parametrize(
    ("arrow", "avro"),
    [
        ("bool", "boolean"),
        ("int8", "int"),
        ("uint16", "int"),
        ("uint32", "long"),
        ("uint64", "long"),
        ("float32", "float"),
        ("float64", "double"),
        ("utf8", "string"),
        (pa.dictionary(pa.int32(), pa.utf8()), "string"),
    ],
)
def test_columns_of_enrichers_have_types(arrow: str | pa.DataType, avro: str) -> None:
    kind = pa.type_for_alias(arrow) if isinstance(arrow, str) else arrow
    assert fields(pa.schema([("src_new", kind)]))["src_new"] == {
        "name": "src_new",
        "type": ["null", avro],
        "default": None,
    }


@pytest.mark.parametrize(
    "kind",
    [pa.list_(pa.utf8()), pa.timestamp("us", "UTC"), pa.timestamp("ms"), pa.large_utf8()],
    ids=str,
)
def test_another_type_is_refused_by_the_columns_name(kind: pa.DataType) -> None:
    with pytest.raises(PluginError) as caught:
        avro_schema(pa.schema([("src\x1b[2J", kind)]))
    assert "\x1b" not in str(caught.value)
    assert f"x1b[2J' has the type {kind}, which" in caught.value.message
    assert caught.value.hint


def test_a_name_that_avro_does_not_take_is_respelt_and_kept_beside() -> None:
    written = fields(pa.schema([(name, pa.utf8()) for name in ["a.b", "1st", "é", "a_x2Eb", ""]]))
    assert list(written) == ["a_x2Eb_2", "_1st", "_xE9", "a_x2Eb", "_"]
    assert [field.get("column") for field in written.values()] == ["a.b", "1st", "é", None, ""]


@given(st.lists(st.one_of(st.text(max_size=5), st.sampled_from(["a", "_", "_2", "é"]))))
def test_names_are_avros_and_all_different(columns: list[str]) -> None:
    columns = list(dict.fromkeys(columns))
    names = avro_names(columns)
    fields = [{"name": name, "type": "int"} for name in names]
    fastavro.parse_schema({"type": "record", "name": "r", "fields": fields})
    assert len(set(names)) == len(columns)


@given(lines.formats())
def test_fastavro_takes_the_schema_of_any_format(format: vpcflow.FlowFormat) -> None:
    empty = vpcflow.parse(b"", format=format, text="utf8")
    fastavro.parse_schema(avro_schema(pa.schema(empty)))
