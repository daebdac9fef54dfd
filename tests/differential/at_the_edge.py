"""Run by test_kernels.py: parse texts that end, or begin, right at a page that may not be read.

A kernel that reads one byte too far dies here of a segmentation fault. argv: the kernel's name.
"""

from __future__ import annotations

import ctypes
import mmap
import sys

import vpcflow
from vpcflow import _native

PAGE = mmap.PAGESIZE
ROWS = (
    b"eni-1235b8ca123456789 10.0.0.1 443 4249 1418530010 ACCEPT\n"
    b"eni-1235b8ca123456789 fd12:3456:789a:bcde:f012:3456:789a:bcde 80 1 1418530010 -\r\n"
    b"- 10.0.0.2 53 0 1418530010 REJECT\n"
    b"2 x 3 4  5\n"
    b"eni-3 10.0.0.3 65535 99999999999 1418530010000 REJECT"
)
FILLER = b"eni-5 10.0.0.5 22 1 1418530010 ACCEPT\n" * 900
FILLER_SIZE = len(FILLER)  # more than an internal piece of text
FORMATS = ("interface-id srcaddr dstport bytes start action", "vpc-id", "instance-tag", "dstport")


def closed_page(memory: mmap.mmap, page: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    protection = libc.mprotect(ctypes.c_void_p(start + page * PAGE), ctypes.c_size_t(PAGE), 0)
    if protection != 0:
        raise OSError(ctypes.get_errno(), "mprotect")


def parse(text: memoryview, formats: tuple[str, ...]) -> None:
    for fields in formats:
        for mode in ("view", "utf8", "dictionary"):
            batch = vpcflow.parse(text, format=fields, text=mode, on_error="skip")
            assert batch.to_jsonl().count(b"\n") == len(batch) == batch.counts["records"]


def main() -> None:
    _native.force(sys.argv[1])
    pages = 2 + FILLER_SIZE // PAGE + 1
    memory = mmap.mmap(-1, (1 + pages + 1) * PAGE)  # closed, open ones, closed
    closed_page(memory, 0)
    closed_page(memory, 1 + pages)
    room = memoryview(memory)[PAGE : (1 + pages) * PAGE]
    for size in range(len(ROWS) + 1):
        for part, place in ((ROWS[-size:] if size else b"", len(room) - size), (ROWS[:size], 0)):
            room[place : place + size] = part
            parse(room[place : place + size].toreadonly(), FORMATS)
    for size in range(len(ROWS) + 1):  # the same behind a piece of whole lines
        text = FILLER + ROWS[:size]
        room[-len(text) :] = text
        parse(room[-len(text) :].toreadonly(), FORMATS[:1])
    print("untouched")


main()
