"""Run a program in a pseudo-terminal and get back every byte that it sent there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence

from attrs import frozen

VPCFLOW = (sys.executable, "-m", "vpcflow")
# What our own drawing may send: colours, and the progress line's cursor movements.
_OURS = re.compile(rb"\x1b\[[0-9;]*m|\x1b\[\?25[hl]|\x1b\[2K|\x1b\[[0-9]*A|\r")


@frozen
class Shown:
    """What was on the terminal (stdout and stderr as they came), and the exit code."""

    sent: bytes
    code: int

    @property
    def text(self) -> str:
        """Without colours and cursor movements, newlines as `\\n`."""
        return _OURS.sub(b"", self.sent).decode()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def show(
    *arguments: str | os.PathLike[str],
    columns: int = 80,
    lines: int = 24,
    program: Sequence[str] = VPCFLOW,
    **environment: str,
) -> Shown:
    """Run `vpcflow` with these arguments in a terminal of this size."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    inherited = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES", "NO_COLOR"}}
    process = subprocess.Popen(
        [*program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**inherited, "TERM": "xterm-256color", **environment},
    )
    os.close(theirs)
    sent = b""
    while True:
        try:
            block = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not block:
            break
        sent += block
    os.close(ours)
    return Shown(sent, process.wait(timeout=60))
