"""Options of plugins: from text to settings, and errors that say what is allowed."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal

import pytest
from attrs import field, frozen, validators
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.errors import UsageError
from vpcflow.options import Age, Size, settings, split_target


class Level(Enum):
    LOW = "low"
    HIGH = "high"


@frozen(kw_only=True)
class Everything:
    text: str = ""
    number: int = 0
    ratio: float = 0.0
    yes: bool = False
    size: Size = Size(1)  # noqa: RUF009
    age: Age = Age(1)  # noqa: RUF009
    mode: Literal["epoch", "timestamp"] = "timestamp"
    level: Level = Level.LOW
    names: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    maybe: int | None = None
    small: int = field(default=1, validator=validators.lt(10))
    made: frozenset[str] = field(default=frozenset(), converter=lambda text: frozenset(text))
    _private: str = ""


def made(**options: str) -> Everything:
    return settings(Everything, options, owner="sink acme")


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("text", "a=b&c", "a=b&c"),
        ("text", "", ""),
        ("number", "-5", -5),
        ("number", "007", 7),
        ("ratio", "1.5e3", 1500.0),
        ("ratio", "2", 2.0),
        ("yes", "", True),
        ("yes", "Yes", True),
        ("yes", "on", True),
        ("yes", "0", False),
        ("yes", "FALSE", False),
        ("size", "64MB", 64_000_000),
        ("size", "64MiB", 64 << 20),
        ("size", "1.5kB", 1500),
        ("size", "1000", 1000),
        ("size", "9007199254740993", 2**53 + 1),
        ("size", "8g", 8 * 10**9),
        ("age", "90", 90.0),
        ("age", "15m", 900.0),
        ("age", "2h", 7200.0),
        ("age", "7d", 604800.0),
        ("age", "0.5s", 0.5),
        ("mode", "epoch", "epoch"),
        ("level", "high", Level.HIGH),
        ("names", "a, b,,c ", ("a", "b", "c")),
        ("names", "", ()),
        ("ports", "22,443", (22, 443)),
        ("maybe", "3", 3),
        ("made", "abca", frozenset("abc")),
    ],
)
def test_values(option: str, text: str, value: object) -> None:
    got = getattr(made(**{option: text}), option)
    assert got == value
    assert type(got) is type(value) or isinstance(got, (Size, Age))


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("number", "1_000", "is not a whole number"),
        ("number", " 5", "is not a whole number"),
        ("number", "5.0", "is not a whole number"),
        ("number", "٣", "is not a whole number"),
        ("number", "9" * 5000, "is not a whole number"),
        ("ratio", "nan", "is not a number"),
        ("ratio", "inf", "is not a number"),
        ("ratio", "1e999", "is not a number"),
        ("yes", "maybe", "is not one of"),
        ("size", "64XB", "a size such as 64MB, 64MiB or 1000000"),
        ("size", "", "a size such as"),
        ("size", "MB", "a size such as"),
        ("size", "1_0MB", "a size such as"),
        ("size", "1e5", "a size such as"),
        ("size", "-1", "a size such as"),
        ("size", "0", "out of range"),
        ("size", "0.1", "out of range"),
        ("size", "99999999999GiB", "out of range"),
        ("age", "5 weeks", "a time span such as 90s, 15m, 2h or 7d"),
        ("age", "0", "out of range"),
        ("mode", "epcoh", "is not one of epoch, timestamp"),
        ("level", "medium", "is not one of low, high"),
        ("ports", "22,x", "is not a whole number"),
        ("small", "11", "'small' must be < 10"),
        ("number", "\x1b[31m", r"\x1b"),
    ],
)
def test_values_that_do_not_fit(option: str, text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        made(**{option: text})
    assert said in error.value.message
    assert error.value.message.startswith("sink acme")
    assert "\x1b" not in str(error.value)
    assert len(error.value.message) < 400


def test_a_misspelt_value_gives_the_nearest() -> None:
    with pytest.raises(UsageError) as error:
        made(mode="timestmap")
    assert error.value.hint == "did you mean 'timestamp'?"


@pytest.mark.parametrize(
    ("option", "hint"),
    [("sizes", "did you mean 'size'?"), ("nothing_like_it", "there are: text, number")],
)
def test_an_unknown_option_says_what_there_is(option: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        made(**{option: "1"})
    assert error.value.message == f"sink acme has no option {option!r}"
    assert error.value.hint is not None
    assert error.value.hint.startswith(hint)


def test_dashes_and_underscores_are_one() -> None:
    @frozen
    class Two:
        max_age: int = 0

    assert settings(Two, {"max-age": "5"}, owner="x").max_age == 5
    with pytest.raises(UsageError, match="given twice"):
        settings(Two, {"max-age": "5", "max_age": "6"}, owner="x")


def test_a_private_attribute_goes_by_its_public_name() -> None:
    assert made(private="x")._private == "x"
    with pytest.raises(UsageError, match="has no option '_private'"):
        settings(Everything, {"_private": "x"}, owner="x")


def test_what_is_needed_and_not_given() -> None:
    @frozen
    class Needs:
        region: str

    with pytest.raises(UsageError, match="sink acme needs the option 'region'"):
        settings(Needs, {}, owner="sink acme")


def test_a_class_that_texts_cannot_fill_is_the_authors_mistake() -> None:
    @frozen
    class Wrong:
        table: dict[str, str]

    with pytest.raises(TypeError, match="without a converter"):
        settings(Wrong, {"table": "x"}, owner="x")


@pytest.mark.parametrize(
    ("text", "target", "options"),
    [
        ("out/", "out/", {}),
        ("out/?size=64MB&partition=day", "out/", {"size": "64MB", "partition": "day"}),
        ("s3://bucket/a?b=c%26d+e", "s3://bucket/a", {"b": "c&d+e"}),
        ("out?flag", "out", {"flag": ""}),
        ("what?name/?", "what?name/", {}),
        ("", "", {}),
    ],
)
def test_targets_and_options(text: str, target: str, options: dict[str, str]) -> None:
    assert split_target(text) == (target, options)


def test_an_option_twice() -> None:
    with pytest.raises(UsageError, match="option 'a' is given twice"):
        split_target("out/?a=1&a=2")


@given(
    st.dictionaries(st.sampled_from(["text", "number", "size", "age", "names", "yes"]), st.text())
)
def test_any_text_is_taken_or_refused_in_words(options: dict[str, str]) -> None:
    try:
        got = made(**options)
    except UsageError as error:
        said = str(error).replace("\n", "")
        assert said.isprintable()
    else:
        assert isinstance(got.number, int)
        assert 1 <= got.size < 2**63


@given(st.text(), st.dictionaries(st.text(min_size=1), st.text()))
def test_options_survive_being_written_as_urls_write_them(
    target: str, options: dict[str, Any]
) -> None:
    from urllib.parse import urlencode

    query = urlencode({k.encode("utf-8", "replace"): v for k, v in options.items()})
    if len(query) and len({k.encode("utf-8", "replace") for k in options}) == len(options):
        assert split_target(f"{target}?{query}".replace("+", "%20"))[1] == {
            k.encode("utf-8", "replace").decode(): v for k, v in options.items()
        }
