"""Texts to addresses: what `inet_pton` takes and nothing else, with the value that it gives."""

from __future__ import annotations

import ipaddress
import random
import socket

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from vpcflow_geoip._native import _core

NAT64 = ipaddress.ip_network("64:ff9b::/96")


def packed(text: str | None) -> bytes | None:
    return _core.packed(_core.addresses([text]))[0]


def by_inet_pton(text: str) -> bytes | None:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            return unwrapped(socket.inet_pton(family, text))
        except (OSError, ValueError):  # ValueError: a zero character
            continue
    return None


def by_ipaddress(text: str) -> bytes | None:
    try:
        return None if "%" in text else unwrapped(ipaddress.ip_address(text).packed)
    except ValueError:
        return None


def unwrapped(address: bytes) -> bytes:
    """The IPv4 address inside of a mapped or NAT64 one."""
    if len(address) == 16 and address[:12] in (
        bytes(10) + b"\xff\xff",
        NAT64.network_address.packed[:12],
    ):
        return address[12:]
    return address


PIECES = st.sampled_from(
    ["", ":", "::", ".", "0", "00", "1", "9", "255", "256", "ffff", "FFFF", "10000", "g", "%eth0",
     " ", "-", "+1", "0x1", "1.2.3.4", "1.2.3", "01.2.3.4", "é", "٣", "\x00", "/64", "\ud800"]
)  # fmt: skip
ADDRESSES = st.one_of(
    st.ip_addresses().map(str),
    st.ip_addresses(v=6).map(lambda a: a.exploded),
    st.ip_addresses(v=6).map(lambda a: str(a).upper()),
    st.ip_addresses(v=4).map(lambda a: f"::ffff:{a}"),
    st.ip_addresses(v=4).map(lambda a: f"64:ff9b::{a}"),
    st.lists(st.integers(0, 300).map(str), min_size=1, max_size=6).map(".".join),
    st.lists(st.sampled_from(["0", "1", "ab", "fedc", ""]), min_size=1, max_size=10).map(":".join),
)


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """An address with a piece put into it, or taken out of it."""
    text = draw(ADDRESSES)
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(PIECES) + text[at + draw(st.integers(0, 2)) :]


@given(st.one_of(ADDRESSES, spoilt(), st.lists(PIECES, max_size=12).map("".join), st.text()))
@example("1:2:3:4:5:6:7::")
@example("::2:3:4:5:6:7:8")
@example("1:2:3:4:5:6:7:8::")
@example("1::2::3")
@example(":::")
@example("::1.2.3.4")
@example("1:2:3:4:5:6:7:1.2.3.4")
@example("0000.0.0.0")
@example("1.2.3.4.")
@example("::12345")
@example("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")
def test_texts_are_understood_as_inet_pton_and_ipaddress_do(text: str) -> None:
    understood = packed(text)
    assert understood == by_ipaddress(text)
    if text.isprintable():
        assert understood == by_inet_pton(text)


def test_a_hundred_thousand_random_forms_are_understood_as_ipaddress_does() -> None:
    dice = random.Random(3)
    texts = []
    for _ in range(50_000):
        texts.append(str(ipaddress.IPv4Address(dice.getrandbits(32))))
        groups = [f"{dice.getrandbits(16) * (dice.random() < 0.6):x}" for _ in range(8)]
        texts.append(str(ipaddress.IPv6Address(":".join(groups))))
    assert _core.packed(_core.addresses(texts)) == [
        unwrapped(ipaddress.ip_address(t).packed) for t in texts
    ]


def test_arrow_arrays_are_read_like_lists() -> None:
    texts = ["10.0.0.1", None, "2001:db8::1", "", "no address", "é" * 40, "192.0.2.255"]
    expected = _core.packed(_core.addresses(texts))
    for type_ in (pa.utf8(), pa.large_utf8()):
        array = pa.array(["left out", *texts], type_)[1:]
        assert _core.packed(_core.arrow_addresses(*array.__arrow_c_array__())) == expected
    assert _core.packed(_core.arrow_addresses(*pa.array([], pa.utf8()).__arrow_c_array__())) == []


@pytest.mark.parametrize("array", [pa.array([1]), pa.array(["a"]).dictionary_encode()])
def test_arrow_arrays_of_other_types_are_refused(array: pa.Array) -> None:
    with pytest.raises(TypeError, match="utf8 or large_utf8"):
        _core.arrow_addresses(*array.__arrow_c_array__())


@pytest.mark.parametrize("given", [[1], [b"10.0.0.1"]])
def test_what_is_no_text_is_refused(given: list[object]) -> None:
    with pytest.raises(TypeError):
        _core.addresses(given)
