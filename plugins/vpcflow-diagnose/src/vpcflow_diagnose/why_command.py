"""`vpcflow why SRC DST[:PORT][/PROTO]`: one question, one answer."""

from __future__ import annotations

from typing import Any

import click
from vpcflow_query.reading import Reading, source_options

from vpcflow.cli.options import json_option
from vpcflow_diagnose.diagnose_command import conclude, inventory_option, memory_option, show

EPILOG = """\
\b
Examples:
  vpcflow why 10.0.1.5 10.0.2.9:5432 --inventory inventory/ logs/
  vpcflow why web-1 internet:443 --inventory inventory/ logs/
  vpcflow why internet shop:443 --inventory inventory/ logs/
  vpcflow why 10.0.1.0/24 '[2001:db8::9]:53/udp' logs/

\b
SRC and DST: an address, a CIDR block, internet, eni-..., or with an inventory an instance (i-...),
any resource's id or name. A port without a protocol means TCP; /udp, /icmp or a number says it.

Exit code: 0 answered; 1 an input failed or is damaged; 2 wrong usage."""


@click.command(epilog=EPILOG, short_help="Say why SRC does not reach DST, or that it does.")
@click.argument("src", metavar="SRC")
@click.argument("dst", metavar="DST[:PORT][/PROTO]")
@source_options
@inventory_option
@memory_option
@json_option
@click.pass_context
def why(
    ctx: click.Context,
    /,
    src: str,
    dst: str,
    inventory: str | None,
    memory: str,
    as_json: bool,
    **reading: Any,
) -> None:
    """Say why SRC does not reach DST, or that the network is not to blame."""
    from vpcflow_diagnose.why import answer

    what = Reading.of(**reading)
    found = answer(what, src, dst, inventory, memory=memory)
    show(found, None, as_json=as_json)
    ctx.exit(conclude(what))
