"""What is registered, by whom, and what is said about names that are not."""

from __future__ import annotations

from typing import Any

import pytest

from vpcflow.errors import PluginError, UsageError
from vpcflow.registry import Registry


def registry(**things: str) -> Registry:
    made = Registry("sink", {"parquet": "vpcflow-parquet"})
    for name, distribution in things.items():
        made.add(name, dict, distribution)
    return made


def test_it_is_a_mapping_in_the_order_of_registration() -> None:
    sinks = registry(jsonl="vpcflow", acme="vpcflow-acme")
    assert list(sinks) == ["jsonl", "acme"]
    assert len(sinks) == 2
    assert sinks["acme"].distribution == "vpcflow-acme"
    assert sinks.find("acme") is sinks["acme"]


@pytest.mark.parametrize(
    ("first", "second", "block"),
    [("acme", "bolt", "acme"), ("vpcflow", "bolt", "bolt"), ("acme", "acme", "acme")],
)
def test_a_name_twice_names_both(first: str, second: str, block: str) -> None:
    sinks = registry(flows=first)
    with pytest.raises(PluginError) as error:
        sinks.add("flows", list, second)
    assert error.value.message == (
        f"the sink 'flows' is registered twice: by {first} and by {second}"
    )
    assert error.value.hint == f"uninstall one, or block it: VPCFLOW_BLOCK_PLUGINS={block}"
    assert sinks["flows"].thing is dict


@pytest.mark.parametrize(
    "name", ["", "A", "a:b", "a=b", "a?b", "a/b", "-a", "a b", "\x1b", 5, None]
)
def test_a_name_that_nobody_could_write(name: Any) -> None:
    with pytest.raises(PluginError, match="cannot be used") as error:
        registry().add(name, dict, "acme")
    assert error.value.plugin == "acme"


def test_something_that_cannot_be_called() -> None:
    with pytest.raises(PluginError, match="registered as sink 'x' is a int"):
        registry().add("x", 5, "acme")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("parquet", "pip install vpcflow-parquet"),
        ("jsnol", "did you mean 'jsonl'?"),
        ("parqet", "did you mean 'parquet'?"),
        ("kafka", "there are: jsonl"),
    ],
)
def test_a_name_that_is_not_there(name: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        registry(jsonl="vpcflow").find(name)
    assert error.value.message == f"there is no sink {name!r}"
    assert error.value.hint == hint


def test_nothing_registered_at_all() -> None:
    with pytest.raises(UsageError) as error:
        Registry("place").find("\x1b[31m")
    assert error.value.hint == "there are: none"
    assert "\x1b" not in str(error.value)
