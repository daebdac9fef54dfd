"""Named queries for CloudWatch Logs Insights: each is in its grammar and asks for fields that are
there.

The checker knows the commands that the queries use, as the query syntax in AWS's CloudWatch Logs
User Guide has them, and nothing else. It follows which names each command leaves.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vpcflow_query.queries import find, named_queries
from vpcflow_query.queries.insights import DISCOVERED, expressible, render
from vpcflow_query.queries.parameters import values

from vpcflow import FIELDS, FlowFormat, UsageError

DEFAULT = FlowFormat.default()
EVERYTHING = FlowFormat.parse(" ".join(f.aws_name for f in FIELDS.values()))
CUSTOM = FlowFormat.parse(
    "end action log-status bytes srcaddr dstaddr srcport dstport protocol start interface-id "
    "instance-id subnet-id pkt-srcaddr pkt-dstaddr az-id next-hop-az-id flow-direction tcp-flags"
)
WITHOUT_STATUS = FlowFormat.parse("srcaddr dstaddr srcport dstport protocol bytes action")
FORMATS = {
    "default": DEFAULT,
    "everything": EVERYTHING,
    "custom": CUSTOM,
    "no status": WITHOUT_STATUS,
}

TOKEN = re.compile(
    r'\s*(?:(?P<text>"[^"\\]*")|(?P<pattern>/[^/]+/)|(?P<number>[0-9]+(?:\.[0-9]+)?)'
    r"|(?P<name>@?[A-Za-z_][A-Za-z0-9_]*)|(?P<sign><=|>=|!=|[=<>()\[\],*/+-]))"
)
AGGREGATES = {"sum", "min", "max", "count", "count_distinct"}
SUBNETS = {"isIpv4InSubnet", "isIpv6InSubnet"}
WORDS = {"and", "or", "not", "in", "like", "as", "by", "asc", "desc"}


class WrongError(Exception):
    pass


class Checker:
    """Reads the tokens of one command; names: of the fields that there are before it."""

    def __init__(self, text: str, names: set[str]) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            if found is None:
                raise WrongError(f"no token: {text[at:]!r}")
            self.tokens.append((str(found.lastgroup), found[found.lastgroup or 0]))
            at = found.end()
        self.names = names

    def peek(self) -> str:
        return self.tokens[0][1] if self.tokens else ""

    def take(self, *wanted: str) -> str:
        kind, text = self.tokens.pop(0) if self.tokens else ("end", "")
        if wanted and text not in wanted and kind not in wanted:
            raise WrongError(f"{text!r} instead of {wanted}")
        return text

    def has(self, text: str) -> bool:
        if self.peek() == text:
            self.take()
            return True
        return False

    def field(self) -> str:
        name = self.take("name")
        if name not in self.names or name in WORDS:
            raise WrongError(f"there is no field {name}")
        return name

    # conditions

    def condition(self) -> None:
        self.conjunction()
        while self.has("or"):
            self.conjunction()

    def conjunction(self) -> None:
        self.test()
        while self.has("and"):
            self.test()

    def test(self) -> None:
        if self.has("not") or self.peek() == "(":
            self.take("(")
            self.condition()
            self.take(")")
        elif self.peek() in SUBNETS:
            self.take()
            self.take("(")
            self.field()
            self.take(",")
            self.take("text")
            self.take(")")
        elif self.has("ispresent"):
            self.take("(")
            self.field()
            self.take(")")
        else:
            self.comparison()

    def comparison(self) -> None:
        self.field()
        if self.has("like"):
            self.take("pattern")
        elif self.has("in"):
            self.take("[")
            self.take("number", "text")
            while self.has(","):
                self.take("number", "text")
            self.take("]")
        else:
            self.take("=", "!=", "<", "<=", ">", ">=")
            if self.tokens and self.tokens[0][0] in {"number", "text"}:
                self.take()
            else:
                self.field()

    # stats

    def amount(self) -> None:
        """An aggregate, a number, or arithmetic with them."""
        if self.has("("):
            self.amount()
            self.take(")")
        elif self.peek() in AGGREGATES:
            self.take()
            self.take("(")
            if not self.has("*"):
                self.field()
            self.take(")")
        else:
            self.take("number")
        if self.peek() in {"*", "/", "+", "-"}:
            self.take()
            self.amount()

    def end(self) -> None:
        if self.tokens:
            raise WrongError(f"left over: {self.tokens}")


def check(query: str, format: FlowFormat) -> set[str]:
    """Raises WrongError for a query that is not in the grammar; gives the names it ends with."""
    names = set(DISCOVERED.values()) if format.names == DEFAULT.names else {"@message"}
    grouped = limited = False
    for command in query.split("\n| "):
        word, _, rest = command.partition(" ")
        if limited:
            raise WrongError("limit is the last command")
        if word == "parse":
            names |= parsed(rest, format)
        elif word == "filter":
            checker = Checker(rest, names)
            checker.condition()
            checker.end()
        elif word == "stats":
            if grouped:
                raise WrongError("stats twice")
            names, grouped = stats(Checker(rest, names)), True
        elif word == "sort":
            sort(Checker(rest, names))
        elif word == "limit":
            if not rest.isdigit() or not 1 <= int(rest) <= 10_000:
                raise WrongError(f"limit {rest}")
            limited = True
        else:
            raise WrongError(f"no command {word}")
    return names


def parsed(rest: str, format: FlowFormat) -> set[str]:
    found = re.fullmatch(r'@message "([* ]+)" as ([a-z0-9_, ]+)', rest)
    if found is None:
        raise WrongError(f"parse {rest}")
    names = found[2].split(", ")
    if found[1].split(" ") != ["*"] * len(names) or tuple(names) != format.names:
        raise WrongError("not a wildcard for each field of the format")
    return set(names)


def stats(checker: Checker) -> set[str]:
    made: list[str] = []
    while True:
        checker.amount()
        checker.take("as")
        made.append(checker.take("name"))
        if not checker.has(","):
            break
    if checker.has("by"):
        made.append(checker.field())
        while checker.has(","):
            made.append(checker.field())
    checker.end()
    if len(set(made)) < len(made):
        raise WrongError(f"a name twice: {made}")
    return set(made)


def sort(checker: Checker) -> None:
    while True:
        checker.field()
        checker.take("asc", "desc")
        if not checker.has(","):
            break
    checker.end()


def rendered(name: str, format: FlowFormat, **texts: str) -> str:
    variant = find(name).variant(format.names)
    examples = {"address": "10.0.0.0/8", "interfaces": "eni-0123456789abcdef0"}
    needed = {p.name: examples[p.name] for p in variant.parameters if p.default is None}
    return render(variant.select, values(name, variant.parameters, {**needed, **texts}), format)


@pytest.mark.parametrize("name", named_queries())
@pytest.mark.parametrize("format", FORMATS)
def test_queries_are_in_the_grammar_and_their_fields_exist(format: str, name: str) -> None:
    fmt, query = FORMATS[format], find(name)
    if not query.answerable(fmt.names):
        return
    variant = query.variant(fmt.names)
    if not expressible(variant.select):
        with pytest.raises(UsageError, match="cannot ask that"):
            rendered(name, fmt)
        return
    ends_with = check(rendered(name, fmt), fmt)
    aggregates = {c.name for c in variant.select.columns} - {c.name for c in variant.select.keys}
    assert aggregates <= ends_with


def test_most_queries_can_be_asked() -> None:
    select = {name: query.variant(None).select for name, query in named_queries().items()}
    impossible = {name for name, one in select.items() if not expressible(one)}
    assert impossible == {
        *("top-talkers", "top-talkers-packet-level"),  # a record for two addresses
        *("new-talkers", "nat-gateway-bill"),  # a query over another; a value by a condition
    }


@pytest.mark.parametrize(
    "query",
    [
        "filter vpcId = 1",
        "filter action = REJECT",
        'filter action == "REJECT"',
        "stats sum(bytes) by srcAddr",
        "stats sum(bytes) as n by vpcId",
        "stats sum(bytes) as n\n| sort bytes desc",
        "stats count(*) as n\n| filter srcAddr = 1",
        "limit 20000",
        "limit 5\n| limit 5",
        "select 1",
        'filter isIpv4InSubnet("10.0.0.0/8", srcAddr)',
        'parse @message "* *" as srcaddr, dstaddr',
    ],
)
def test_the_checker_refuses_what_is_wrong(query: str) -> None:
    with pytest.raises(WrongError):
        check(query, DEFAULT)


def test_nodata_is_left_out_whether_or_not_the_format_says_so() -> None:
    assert 'filter logStatus = "OK"' in rendered("ipv4-traffic", DEFAULT)
    assert 'filter log_status = "OK"' in rendered("ipv4-traffic", CUSTOM)
    assert 'srcaddr != "-"' in rendered("ipv4-traffic", WITHOUT_STATUS)


def test_a_period_and_a_large_limit() -> None:
    text = rendered("rejected-traffic", DEFAULT, since="2026-09-14", limit="50000")
    assert "filter startTime >= 1789344000" in text
    assert text.endswith("limit 10000")


@given(st.sampled_from(["address", "limit", "since", "until"]), st.text(max_size=30))
def test_whatever_is_given_is_refused_or_in_the_grammar(name: str, text: str) -> None:
    try:
        query = rendered("traffic-to-dst-addr", DEFAULT, **{name: text})
    except UsageError:
        return
    check(query, DEFAULT)


@given(st.one_of(st.ip_addresses(), st.ip_addresses().map(lambda a: f"{a}/{a.max_prefixlen}")))
def test_addresses_of_both_kinds_are_in_the_grammar(address: object) -> None:
    check(rendered("top-tcp-traffic", CUSTOM, address=str(address)), CUSTOM)
