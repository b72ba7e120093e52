"""Makes tests/vectors/envelope and tests/vectors/receipt anew: `.venv/bin/python tests/vectors/make_sync_vectors.py`.

A vector file is ASCII lines `name: value`, an empty line, then the bytes. `expect` is what a reader must come to:
`records` or `receipt`, else the code of a fault. Sealing is random: a new run changes bytes, never what is expected.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import zstandard

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from sync import content, envelope, receipt, suite  # noqa: E402
from sync.checkpoint import EMPTY, extend_all, root  # noqa: E402
from sync.content import Record  # noqa: E402

BOX = bytes(range(16))
BOX_SEED, HQ_SEED, RECORD_SEED = b"b" * 32, b"h" * 32, b"r" * 32
BOX_KEY, HQ_KEY, RECORD_KEY = suite.SigningKey(BOX_SEED), suite.SigningKey(HQ_SEED), suite.RecordKey(RECORD_SEED)
OTHER_BOX, OTHER_HQ, OTHER_RECORD = suite.SigningKey(b"x" * 32), suite.SigningKey(b"y" * 32), suite.RecordKey(b"z" * 32)
AT = "2026-01-02T03:04:05Z"
ONE = [Record(1, "session_ended", AT, b'{"session":"4f"}')]
MANY = [Record(number, "session_ended", AT, json.dumps({"n": number}).encode()) for number in range(3, 80)]
NOISE = [Record(2, "session_ended", AT, b"".join(suite.digest(bytes([n])) for n in range(64)))]
PREVIOUS = suite.digest(b"the envelope before")


def sealed(
    records: Sequence[Record] = ONE,
    *,
    padded: bytes | None = None,
    sequence: int = 1,
    previous: bytes = envelope.NO_PREVIOUS,
    signer: suite.SigningKey = BOX_KEY,
    named: bytes = RECORD_KEY.public,
    recipient: bytes = RECORD_KEY.public,
    header: Callable[[bytes], bytes] = lambda header: header,
    length: int = 0,
) -> bytes:
    """An envelope as `envelope.seal` makes it, with one step done differently; `header` is applied after the seal."""
    inside = content.pack(records) if padded is None else padded
    clear = envelope.HEADER.pack(
        envelope.MAGIC, 1, 1, 1, BOX, sequence, previous, envelope.key_id(named), length or len(inside) + 1136
    )
    body = header(clear) + suite.seal(recipient, b"hearth segment seal 1\0" + clear, inside)
    return body + signer.sign(b"hearth segment signature 1\0", body)


def put(raw: bytes, at: int, new: bytes) -> bytes:
    return raw[:at] + new + raw[at + len(new) :]


def inside(coded: bytes, *, version: int = 1, coding: int = 0, length: int | None = None, fill: bytes = b"\0") -> bytes:
    """Padded content from coded records."""
    head = struct.pack(">BBI", version, coding, len(coded) if length is None else length) + coded
    return head + fill * (content.padme(len(head)) - len(head))


def framed(number: int = 1, name: bytes = b"session_ended", body: bytes = b"{}", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return struct.pack(">QB", number, len(name)) + name + b"\x00" + struct.pack(">I", size) + body


def flip(raw: bytes, at: int) -> bytes:
    at %= len(raw)
    return put(raw, at, bytes([raw[at] ^ 1]))


def zstd(data: bytes, *, sized: bool = True) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=sized).compress(data)


def envelopes() -> dict[str, tuple[str, str, bytes]]:
    """name: (what it is, expect, bytes)."""
    good = sealed()
    long = framed() + framed(2)
    return {
        "one_record": ("one record", "records", good),
        "many_records": ("77 records, compressed", "records", sealed(MANY)),
        "stored": ("a record that does not compress", "records", sealed(NOISE)),
        "second": ("an envelope that follows another", "records", sealed(sequence=2, previous=PREVIOUS)),
        "empty": ("no bytes", "malformed_envelope", b""),
        "truncated": ("the last byte is missing", "malformed_envelope", good[:-1]),
        "header_only": ("only a header", "malformed_envelope", good[:84]),
        "longer": ("one byte too many", "malformed_envelope", good + b"\0"),
        "too_large": ("larger than any envelope", "too_large", good + bytes(envelope.MAX_ENVELOPE)),
        "magic": ("another magic", "malformed_envelope", put(good, 0, b"HSEH")),
        "version": ("version 2", "unsupported_version", put(good, 4, b"\x02")),
        "suite": ("suite 2", "unsupported_version", put(good, 5, b"\x02")),
        "kind": ("kind 2", "unsupported_version", put(good, 6, b"\x00\x02")),
        "sequence_zero": ("number 0", "malformed_envelope", put(good, 24, bytes(8))),
        "sequence_high": ("a number of 17 digits", "malformed_envelope", put(good, 24, (10**16).to_bytes(8, "big"))),
        "first_follows": ("number 1 that follows another", "malformed_envelope", put(good, 32, PREVIOUS)),
        "second_follows_none": ("number 2 that follows none", "malformed_envelope", put(good, 31, b"\x02")),
        "length_lies": ("the sealed length is one less", "malformed_envelope", put(good, 80, b"\x00\x00\x06\x6f")),
        "other_box": ("the box id was changed", "bad_signature", flip(good, 8)),
        "sealed_flipped": ("a sealed bit was flipped", "bad_signature", flip(good, 300)),
        "signature_flipped": ("a bit of the signature was flipped", "bad_signature", flip(good, -1)),
        "other_signer": ("signed by another box", "bad_signature", sealed(signer=OTHER_BOX)),
        "renumbered": (
            "sealed as number 1, renumbered and signed anew",
            "cannot_open",
            sealed(header=lambda clear: put(put(clear, 31, b"\x02"), 32, PREVIOUS)),
        ),
        "other_recipient": (
            "sealed to another key, and says so",
            "unknown_recipient",
            sealed(named=OTHER_RECORD.public, recipient=OTHER_RECORD.public),
        ),
        "lying_recipient": (
            "sealed to another key, names ours",
            "cannot_open",
            sealed(recipient=OTHER_RECORD.public),
        ),
        "padding_dirty": ("padding that is not zero", "malformed_content", sealed(padded=inside(framed(), fill=b"\1"))),
        "padding_more": ("padded to another size", "malformed_content", sealed(padded=inside(framed()) + bytes(512))),
        "content_version": ("content version 3", "unsupported_version", sealed(padded=inside(framed(), version=3))),
        "content_coding": ("an unknown coding", "malformed_content", sealed(padded=inside(framed(), coding=2))),
        "content_length": ("a coded length past the end", "malformed_content", sealed(padded=inside(b"", length=600))),
        "content_none": ("no records", "malformed_content", sealed(padded=inside(b""))),
        "zstd_bomb": ("a frame of 1 MiB", "malformed_content", sealed(padded=inside(zstd(bytes(1 << 20)), coding=1))),
        "zstd_unsized": (
            "a frame that does not tell its size",
            "malformed_content",
            sealed(padded=inside(zstd(framed(), sized=False), coding=1)),
        ),
        "zstd_trailing": (
            "bytes after the frame",
            "malformed_content",
            sealed(padded=inside(zstd(framed()) + b"x", coding=1)),
        ),
        "zstd_noise": ("no frame", "malformed_content", sealed(padded=inside(framed(), coding=1))),
        "numbers_same": ("one record twice", "malformed_content", sealed(padded=inside(framed() * 2))),
        "numbers_falling": ("numbers fall", "malformed_content", sealed(padded=inside(framed(2) + framed(1)))),
        "class_empty": ("a record without a class", "malformed_content", sealed(padded=inside(framed(name=b"")))),
        "class_letters": ("a class in capitals", "malformed_content", sealed(padded=inside(framed(name=b"Session")))),
        "body_cut": ("a body past the end", "malformed_content", sealed(padded=inside(framed(length=3)))),
        "record_cut": ("half a second record", "malformed_content", sealed(padded=inside(long[:-20]))),
    }


def receipts() -> dict[str, tuple[str, str, bytes]]:
    """name: (what it is, expect, bytes)."""
    tree = extend_all(EMPTY, (suite.digest(bytes([n])) for n in range(7)))
    good = receipt.issue(BOX, PREVIOUS, tree, 1_767_323_045, HQ_KEY)
    one = extend_all(EMPTY, [PREVIOUS])
    return {
        "one": ("the first receipt", "receipt", receipt.issue(BOX, PREVIOUS, one, 0, HQ_KEY)),
        "seven": ("three peaks", "receipt", good),
        "empty": ("no bytes", "malformed_receipt", b""),
        "truncated": ("the last byte is missing", "malformed_receipt", good[:-1]),
        "longer": ("one byte too many", "malformed_receipt", good + b"\0"),
        "too_large": ("larger than any receipt", "too_large", good + bytes(receipt.MAX_RECEIPT)),
        "magic": ("another magic", "malformed_receipt", put(good, 0, b"HRCS")),
        "version": ("version 2", "unsupported_version", put(good, 4, b"\x02")),
        "suite": ("suite 2", "unsupported_version", put(good, 5, b"\x02")),
        "size_zero": ("size 0", "malformed_receipt", put(good, 72, bytes(8))),
        "peaks_missing": ("size 8 with the peaks of 7", "bad_signature", put(good, 79, b"\x0b")),
        "peaks_count": ("a count that the size does not have", "malformed_receipt", put(good, 6, b"\x00\x02")),
        "peak_flipped": ("a bit of a peak was flipped", "bad_signature", flip(good, 100)),
        "time_changed": ("another time", "bad_signature", flip(good, 87)),
        "signature_flipped": ("a bit of the signature was flipped", "bad_signature", flip(good, -1)),
        "other_hq": ("signed by another HQ", "receipt_other_key", receipt.issue(BOX, PREVIOUS, tree, 0, OTHER_HQ)),
        "other_box": ("for another box", "receipt_other_box", receipt.issue(bytes(16), PREVIOUS, tree, 0, HQ_KEY)),
        "box_changed": ("the box was changed after signing", "bad_signature", flip(good, 8)),
    }


def expected(folder: str, name: str, raw: bytes) -> dict[str, str]:
    """What a reader that succeeds must have read."""
    if folder == "envelope":
        records = {"one_record": ONE, "many_records": MANY, "stored": NOISE, "second": ONE}[name]
        told = [[r.number, r.record_class, r.at, r.body.hex()] for r in records]
        return {"records": json.dumps(told)}
    parsed = receipt.parse(raw)
    return {"size": str(parsed.size), "at": str(parsed.at), "root": root(parsed.checkpoint).hex()}


def write(folder: str, vectors: dict[str, tuple[str, str, bytes]]) -> None:
    (HERE / folder).mkdir(exist_ok=True)
    for old in (HERE / folder).glob("*.vector"):
        old.unlink()
    for name, (what, expect, raw) in vectors.items():
        lines = {"what": what, "expect": expect, "box": BOX.hex()}
        if folder == "envelope":
            lines |= {"box_verify_key": BOX_KEY.public.hex(), "record_seed": RECORD_SEED.hex()}
        else:
            lines |= {"hq_verify_key": HQ_KEY.public.hex()}
        if expect in ("records", "receipt"):
            lines |= expected(folder, name, raw)
        text = "".join(f"{key}: {value}\n" for key, value in lines.items())
        (HERE / folder / f"{name}.vector").write_bytes(text.encode("ascii") + b"\n" + raw)


if __name__ == "__main__":
    write("envelope", envelopes())
    write("receipt", receipts())
