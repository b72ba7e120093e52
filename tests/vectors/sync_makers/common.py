"""Keys and tools of all makers. Every secret here is made up and for everybody to read."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, NamedTuple

import zstandard

from sync import content, suite
from sync.content import Record

HERE = Path(__file__).parents[1]
BOX, LOST_BOX = bytes(range(16)), bytes(range(16, 32))
BOX_KEY, OTHER_BOX_KEY = suite.SigningKey(b"b" * 32), suite.SigningKey(b"x" * 32)
HQ_KEY, OTHER_HQ_KEY = suite.SigningKey(b"h" * 32), suite.SigningKey(b"y" * 32)
PACK_KEY, OTHER_PACK_KEY = suite.SigningKey(b"p" * 32), suite.SigningKey(b"q" * 32)
RECORD_SEED, INBOX_SEED = b"r" * 32, b"i" * 32
RECORD_KEY, INBOX_KEY, OTHER_RECORD_KEY = (suite.RecordKey(seed) for seed in (RECORD_SEED, INBOX_SEED, b"z" * 32))
AT = "2026-01-02T03:04:05Z"
CLOCK = 1_767_323_045  # the same in Unix seconds
ONE = [Record(1, "session_ended", AT, b'{"session":"4f"}')]
MANY = [Record(number, "session_ended", AT, json.dumps({"n": number}).encode()) for number in range(3, 80)]
NOISE = [Record(2, "session_ended", AT, b"".join(suite.digest(bytes([n])) for n in range(64)))]
LARGE = [Record(number, "session_ended", AT, json.dumps({"n": number}).encode() * 4000) for number in range(1, 4)]
UNKNOWN = [Record(10**16 - 1, "of_another_day_2", "", b"\x00\xff")]
EARLIER = suite.digest(b"the one before")


class Vector(NamedTuple):
    """`expect`: the class of failure, or "read". `result`: what a reader must then have read. `given`: other lines;
    `zeros` among them says how many zero bytes follow that are not in the file."""

    what: str
    expect: str
    raw: bytes
    result: dict[str, Any] | None = None
    given: dict[str, str] | None = None


def told(records: list[Record]) -> list[list[str]]:
    """Records as a result tells them: number in decimal, class, time, body in hex (its SHA-256 where it is long)."""
    return [[str(one.number), one.record_class, one.at, shown(one.body)] for one in records]


def shown(data: bytes) -> str:
    return data.hex() if len(data) <= 2100 else "sha256:" + suite.digest(data).hex()


def put(raw: bytes, at: int, new: bytes) -> bytes:
    return raw[:at] + new + raw[at + len(new) :]


def flip(raw: bytes, at: int) -> bytes:
    at %= len(raw)
    return put(raw, at, bytes([raw[at] ^ 1]))


def framed(number: int = 1, name: bytes = b"session_ended", body: bytes = b"{}", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return struct.pack(">QB", number, len(name)) + name + b"\x00" + struct.pack(">I", size) + body


def inside(coded: bytes, *, version: int = 1, coding: int = 0, length: int | None = None, fill: bytes = b"\0") -> bytes:
    """Padded content from coded records."""
    head = struct.pack(">BBI", version, coding, len(coded) if length is None else length) + coded
    return head + fill * (content.padme(len(head)) - len(head))


def zstd(data: bytes, *, sized: bool = True) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=sized).compress(data)


# What is wrong inside a seal, the same for envelopes and packs: (what it is, expect, padded bytes).
WRONG_INSIDE: dict[str, tuple[str, str, bytes]] = {
    "padding_dirty": ("padding that is not zero", "malformed_content", inside(framed(), fill=b"\1")),
    "padding_more": ("padded to another size", "malformed_content", inside(framed()) + bytes(512)),
    "content_version": ("content version 3", "unsupported_version", inside(framed(), version=3)),
    "content_coding": ("an unknown coding", "malformed_content", inside(framed(), coding=2)),
    "content_length": ("a coded length past the end", "malformed_content", inside(b"", length=600)),
    "content_none": ("no records", "malformed_content", inside(b"")),
    "zstd_none": ("a frame of no bytes", "malformed_content", inside(zstd(b""), coding=1)),
    "zstd_bomb": ("a frame of 1 MiB", "malformed_content", inside(zstd(bytes(1 << 20)), coding=1)),
    "zstd_unsized": ("a frame without its size", "malformed_content", inside(zstd(framed(), sized=False), coding=1)),
    "zstd_trailing": ("bytes after the frame", "malformed_content", inside(zstd(framed()) + b"x", coding=1)),
    "zstd_cut": ("half a frame", "malformed_content", inside(zstd(framed(body=b"{}" * 99))[:-3], coding=1)),
    "zstd_noise": ("no frame", "malformed_content", inside(framed(), coding=1)),
    "too_much_for_1": (
        "140,000 bytes of records in content version 1",
        "malformed_content",
        inside(
            zstd(framed(1, body=bytes(60_000)) + framed(2, body=bytes(60_000)) + framed(3, body=bytes(20_000))),
            coding=1,
        ),
    ),
    "numbers_same": ("one record twice", "malformed_content", inside(framed() * 2)),
    "numbers_falling": ("numbers fall", "malformed_content", inside(framed(2) + framed(1))),
    "record_number_high": ("record number 2**63", "malformed_content", inside(framed(2**63))),
    "number_zero": ("record number 0", "malformed_content", inside(framed(0))),
    "class_empty": ("a record without a class", "malformed_content", inside(framed(name=b""))),
    "class_letters": ("a class in capitals", "malformed_content", inside(framed(name=b"Session"))),
    "class_long": ("a class of 65 letters", "malformed_content", inside(framed(name=b"c" * 65))),
    "time_letters": ("a time that is not ASCII", "malformed_content", inside(b"\0" * 7 + b"\1\1c\1\xff\0\0\0\0")),
    "body_cut": ("a body past the end", "malformed_content", inside(framed(length=3))),
    "body_long": (
        "a body of 65,537 bytes",
        "malformed_content",
        inside(zstd(framed(body=bytes(65_537))), coding=1),
    ),
    "record_cut": ("half a second record", "malformed_content", inside((framed() + framed(2))[:-20])),
}


def write(folder: str, given: dict[str, str], vectors: dict[str, Vector]) -> None:
    """Files of one folder; those of before are taken away."""
    (HERE / folder).mkdir(exist_ok=True)
    for old in (HERE / folder).glob("*.vector"):
        old.unlink()
    for name, one in vectors.items():
        lines = {"what": one.what, "expect": one.expect, **given, **(one.given or {})}
        if one.result is not None:
            lines["result"] = json.dumps(one.result)
        text = "".join(f"{key}: {value}\n" for key, value in lines.items())
        (HERE / folder / f"{name}.vector").write_bytes(text.encode("ascii") + b"\n" + one.raw)
