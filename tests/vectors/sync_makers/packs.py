"""Packs that go down, bundles on a stick, frames of a stream."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence

from sync import bundle, content, envelope, frames, pack, receipt, suite
from sync.checkpoint import EMPTY, extend_all
from sync.content import Record
from tests.vectors.sync_makers.common import (
    AT,
    BOX,
    CLOCK,
    EARLIER,
    HQ_KEY,
    INBOX_KEY,
    INBOX_SEED,
    LOST_BOX,
    MANY,
    ONE,
    OTHER_PACK_KEY,
    OTHER_RECORD_KEY,
    PACK_KEY,
    WRONG_INSIDE,
    Vector,
    flip,
    put,
    shown,
    told,
)
from tests.vectors.sync_makers.envelopes import sealed as envelope_of

GIVEN = {"box": BOX.hex(), "pack_verify_key": PACK_KEY.public.hex(), "inbox_seed": INBOX_SEED.hex()}
ITEM = [Record(1, "policy", AT, json.dumps({"format": 1, "version": 1, "hear_within_days": 30}).encode())]


def sealed(
    records: Sequence[Record] = ITEM,
    *,
    padded: bytes | None = None,
    kind: int = pack.ITEMS,
    box: bytes = BOX,
    number: int = 1,
    previous: bytes = envelope.NO_PREVIOUS,
    subject: bytes = pack.NO_BOX,
    signer: suite.SigningKey = PACK_KEY,
    recipient: bytes = INBOX_KEY.public,
    named: bytes = INBOX_KEY.public,
    header: Callable[[bytes], bytes] = lambda header: header,
) -> bytes:
    """A pack as `pack.seal` makes it, with one step done differently; `header` is applied after the seal."""
    inside = content.pack(records) if padded is None else padded
    ids = envelope.key_id(named), envelope.key_id(signer.public)
    clear = pack.HEADER.pack(pack.MAGIC, 1, 1, kind, box, number, previous, *ids, CLOCK, subject, len(inside) + 1136)
    body = header(clear) + suite.seal(recipient, b"hearth pack seal 1\0" + clear, inside)
    return body + signer.sign(b"hearth pack signature 1\0", body)


def packs() -> dict[str, Vector]:
    good = sealed()
    second = sealed(number=2, previous=EARLIER)
    back = sealed(MANY, kind=pack.RETURNED, subject=LOST_BOX, number=3, previous=EARLIER)
    other = OTHER_RECORD_KEY.public

    def result(number: int, records: list[Record], kind: int = 1, subject: bytes = pack.NO_BOX) -> dict[str, object]:
        fields = {"number": str(number), "kind": str(kind), "subject": subject.hex(), "at": str(CLOCK)}
        return {**fields, "records": told(records)}

    made = {
        "items": Vector("one item", "read", good, result(1, ITEM)),
        "second": Vector("a pack that follows another", "read", second, result(2, ITEM)),
        "returned": Vector("records of a lost box", "read", back, result(3, MANY, 2, LOST_BOX)),
        "empty": Vector("no bytes", "malformed_pack", b""),
        "truncated": Vector("the last byte is missing", "malformed_pack", good[:-1]),
        "header_only": Vector("only a header", "malformed_pack", good[:124]),
        "longer": Vector("one byte too many", "malformed_pack", good + b"\0"),
        "too_large": Vector("larger than any pack", "too_large", good, None, {"zeros": str(pack.MAX_PACK)}),
        "magic": Vector("an envelope's magic", "malformed_pack", put(good, 0, b"HSEG")),
        "version": Vector("version 2", "unsupported_version", put(good, 4, b"\x02")),
        "suite": Vector("suite 2", "unsupported_version", put(good, 5, b"\x02")),
        "kind": Vector("kind 3", "unsupported_version", put(good, 6, b"\x00\x03")),
        "number_zero": Vector("number 0", "malformed_pack", put(good, 24, bytes(8))),
        "number_high": Vector("a number of 17 digits", "malformed_pack", put(second, 24, (10**16).to_bytes(8, "big"))),
        "first_follows": Vector("number 1 that follows another", "malformed_pack", put(good, 32, EARLIER)),
        "second_follows_none": Vector("number 2 that follows none", "malformed_pack", put(good, 31, b"\x02")),
        "items_subject": Vector("items that name a lost box", "malformed_pack", put(good, 104, LOST_BOX)),
        "returned_nobody": Vector("records of no box", "malformed_pack", put(good, 6, b"\x00\x02")),
        "length_lies": Vector("the sealed length is one more", "malformed_pack", put(good, 120, b"\x00\x00\x06\x71")),
        "other_key": Vector("signed by another HQ", "pack_other_key", sealed(signer=OTHER_PACK_KEY)),
        "other_box": Vector("for another box", "pack_other_box", sealed(box=LOST_BOX)),
        "box_changed": Vector("the box id was changed", "bad_signature", flip(good, 8)),
        "time_changed": Vector("another time", "bad_signature", flip(good, 103)),
        "signature_flipped": Vector("a bit of the signature was flipped", "bad_signature", flip(good, -1)),
        "signed_as_envelope": Vector(
            "signed under an envelope's label",
            "bad_signature",
            good[:-64] + PACK_KEY.sign(b"hearth segment signature 1\0", good[:-64]),
        ),
        "renumbered": Vector(
            "sealed as number 1, renumbered and signed anew",
            "cannot_open",
            sealed(header=lambda clear: put(put(clear, 31, b"\x02"), 32, EARLIER)),
        ),
        "other_recipient": Vector(
            "sealed to another key, and says so", "unknown_recipient", sealed(recipient=other, named=other)
        ),
        "lying_recipient": Vector("sealed to another key, names ours", "cannot_open", sealed(recipient=other)),
    }
    wrong = {name: Vector(what, expect, sealed(padded=raw)) for name, (what, expect, raw) in WRONG_INSIDE.items()}
    return made | wrong


RECEIPT = receipt.issue(BOX, EARLIER, extend_all(EMPTY, [EARLIER]), CLOCK, HQ_KEY)
HELLO = json.dumps({"version": "0.5.0", "queued": 2, "oldest_at": AT, "applied": 3, "certificate_ends": ""}).encode()


def bundles() -> dict[str, Vector]:
    first = envelope_of(ONE)
    parts = [bundle.Part(1, HELLO), bundle.Part(2, RECEIPT), bundle.Part(3, first)]
    good = bundle.pack(bundle.UP, BOX, parts)

    def closed(body: bytes) -> bytes:
        return body + suite.digest(body)

    def result(direction: int, parts: list[bundle.Part]) -> dict[str, object]:
        return {"direction": str(direction), "parts": [[str(one.kind), shown(one.payload)] for one in parts]}

    later = [bundle.Part(9, b"of another day"), bundle.Part(4, sealed())]
    head, over = good[:24], struct.pack(">BI", 2, receipt.MAX_RECEIPT + 1) + bytes(receipt.MAX_RECEIPT + 1)
    return {
        "up": Vector("hello, receipt, envelope", "read", good, result(1, parts)),
        "down": Vector(
            "an unknown part, then a pack",
            "read",
            bundle.pack(bundle.DOWN, BOX, later),
            result(2, later[1:]),
            {"direction": "2"},
        ),
        "none": Vector("no parts", "read", bundle.pack(bundle.UP, BOX, []), result(1, [])),
        "empty": Vector("no bytes", "bundle_damaged", b""),
        "half": Vector("half of it: the stick was pulled out", "bundle_damaged", good[: len(good) // 2]),
        "zeros": Vector("the second half is zeros", "bundle_damaged", good[:900] + bytes(len(good) - 900)),
        "flipped": Vector("a flipped bit", "bundle_damaged", flip(good, 700)),
        "too_large": Vector("larger than any bundle", "too_large", b"", None, {"zeros": str(bundle.MAX_BUNDLE + 1)}),
        "magic": Vector("another magic", "malformed_bundle", closed(put(good[:-32], 0, b"HBDM"))),
        "version": Vector("version 2", "unsupported_version", closed(put(good[:-32], 4, b"\x02"))),
        "direction": Vector("direction 3", "unsupported_version", closed(put(good[:-32], 5, b"\x03"))),
        "not_zero": Vector("bytes that are to be zero", "unsupported_version", closed(put(good[:-32], 7, b"\x01"))),
        "part_cut": Vector("a part past the end", "malformed_bundle", closed(good[:-33])),
        "part_head_cut": Vector("half a part's head", "malformed_bundle", closed(head + b"\x01\0\0")),
        "part_large": Vector("a receipt longer than any", "malformed_bundle", closed(head + over)),
        "parts_many": Vector("4,097 empty parts", "malformed_bundle", closed(head + struct.pack(">BI", 9, 0) * 4097)),
        "other_box": Vector("from another box", "bundle_other_box", bundle.pack(bundle.UP, LOST_BOX, parts)),
        "other_direction": Vector("of the other direction", "bundle_other_box", bundle.pack(bundle.DOWN, BOX, parts)),
    }


def streams() -> dict[str, Vector]:
    def frame(kind: int, payload: bytes = b"") -> bytes:
        return struct.pack(">BI", kind, len(payload)) + payload

    def read(what: str, raw: bytes, *wanted: tuple[int, bytes]) -> Vector:
        return Vector(what, "read", raw, {"frames": [[str(kind), shown(payload)] for kind, payload in wanted]})

    up = [(1, HELLO), (2, RECEIPT), (3, envelope_of(ONE)), (4, b"")]
    down = [
        (0x81, RECEIPT),
        (0x82, b'{"code":"gap","next_wanted":7,"sequence":9}'),
        (0x83, b'{"packs":3}'),
        (0x84, b""),
    ]
    largest = bytes(envelope.MAX_ENVELOPE)
    return {
        "up": read("what a courier sends", b"".join(frame(*one) for one in up), *up),
        "down": read("what HQ answers", b"".join(frame(*one) for one in down), *down),
        "nothing": read("a stream of no bytes", b""),
        "cut": read("the last frame is cut", frame(4) + frame(2, RECEIPT)[:-1], (4, b"")),
        "head_cut": read("the last head is cut", frame(4) + b"\x03\0\0", (4, b"")),
        "later": read("kinds of another day", frame(0x41, b"news") + frame(4) + frame(0xC7), (4, b"")),
        "largest": read("the largest payload", frame(3, largest)[:5], (3, largest))._replace(
            given={"zeros": str(envelope.MAX_ENVELOPE)}
        ),
        "kind": Vector("an unknown kind", "malformed_carriage", frame(4) + frame(5)),
        "kind_zero": Vector("kind 0", "malformed_carriage", frame(0)),
        "too_large": Vector(
            "an envelope longer than any", "too_large", struct.pack(">BI", 3, envelope.MAX_ENVELOPE + 1)
        ),
        "beat_large": Vector("a beat with a payload", "too_large", frame(frames.BEAT, b"x")),
        "hello_large": Vector("a hello of 4,097 bytes", "too_large", frame(1, bytes(4097))),
        "later_large": Vector("a kind of another day, of 4,097 bytes", "too_large", frame(0x41, bytes(4097))),
    }
