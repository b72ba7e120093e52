"""Fuzz targets: everything that comes to sync over a line, from a stick, or out of a folder that another writes.

A value or a SyncFault of the classes that FORMAT.md names; and what was read is read again the same.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from sync import (
    bundle,
    carriage,
    content,
    enrolment,
    envelope,
    frames,
    items,
    keys,
    limits,
    pack,
    receipt,
    rollover,
    suite,
)
from sync.courier import line
from sync.faults import SyncFault
from sync.hq import stream
from tests.vectors.sync_makers.common import BOX, BOX_KEY, HQ_KEY, PACK_KEY
from tests.vectors.sync_makers.facts import BOX_FACTS, CODE, HQ, NONCE

Q = TypeVar("Q")
T = TypeVar("T")

FACTS = ("malformed_facts", "unsupported_version")
ASKED = enrolment.parse_request(
    enrolment.request(BOX_FACTS, BOX_KEY, b"csr", software="0.5.0", serial=0, nonce=NONCE, code=CODE)
)
SECRET = enrolment.code_secret(CODE)


def _bounded(read: Callable[[Q], T], given: Q, *codes: str) -> T | None:
    """The value, or None after one of the faults that the parser may raise."""
    try:
        return read(given)
    except SyncFault as fault:
        assert fault.code in codes, fault.code
        return None


def sealed(data: bytes) -> None:
    """An envelope, a pack, a receipt: none that nobody signed is ever believed."""
    found = _bounded(envelope.parse, data, "malformed_envelope", "unsupported_version", "too_large")
    if found is not None:
        assert found.raw == data and 1 <= found.sequence <= envelope.MAX_SEQUENCE
        _bounded(lambda one: envelope.verify(one, BOX_KEY.public), found, "bad_signature")
    down = _bounded(pack.parse, data, "malformed_pack", "unsupported_version", "too_large")
    if down is not None:
        assert (down.kind == pack.RETURNED) == (down.subject != pack.NO_BOX)
        told = "pack_other_key", "bad_signature", "pack_other_box"
        _bounded(lambda one: pack.verify(one, [PACK_KEY.public], BOX), down, *told)
    got = _bounded(receipt.parse, data, "malformed_receipt", "unsupported_version", "too_large")
    if got is not None:
        assert len(got.checkpoint.peaks) == got.size.bit_count()
        _bounded(
            lambda one: receipt.verify(one, [HQ_KEY.public], BOX),
            got,
            "receipt_other_key",
            "bad_signature",
            "receipt_other_box",
        )
    _bounded(carriage.unpack, data, "malformed_carriage")


def records(data: bytes) -> None:
    """What is inside a seal, as it is, and with a head that fits (the first byte says which)."""
    coded = data[1:]
    first = data[0] if data else 0
    head = struct.pack(">BBI", 1 + (first & 1), first >> 1 & 1, len(coded)) + coded
    for padded in (data, head + bytes(content.padme(len(head)) - len(head))):
        found = _bounded(content.unpack, padded, "malformed_content", "unsupported_version")
        if found is not None:
            assert sum(map(content.framed_size, found)) <= content.MAX_LARGE
            again = _bounded(content.pack, found, "too_large")
            assert again is None or content.unpack(again) == found


def stream_frames(data: bytes) -> None:
    """Frames: the same however the line cuts them, never more held than the largest."""
    whole, pieces, size = frames.Reader(), frames.Reader(), 1 + len(data) % 7
    told = "malformed_carriage", "too_large"
    found = _bounded(whole.feed, data, *told)
    cut: list[frames.Frame] | None = []
    for start in range(0, len(data), size):
        more = _bounded(pieces.feed, data[start : start + size], *told)
        cut = None if more is None or cut is None else cut + more
        if cut is None:
            break
        assert len(pieces._held) <= frames.HEAD.size + envelope.MAX_ENVELOPE + size
    assert cut == found
    for frame in found or ():
        assert frames.pack(frame.kind, frame.payload) in data


def words(data: bytes) -> None:
    """What is JSON inside frames and the courier's files."""
    with suppress(msgspec.DecodeError, ValueError, RecursionError):  # as `Stream._hello` does
        msgspec.json.decode(data, type=stream.Hello)
    refused = line.refused(data)
    assert refused.code and 0 <= refused.retry_after <= line.MAX_RETRY_AFTER and refused.next_wanted >= 0
    limits.limits_from_json(data)
    limits.spent_from_json(data)


def facts(data: bytes) -> None:
    """hq.json, a box's facts, a step between two of HQ's."""
    hq = _bounded(keys.hq_from_json, data, *FACTS)
    if hq is not None:
        assert keys.hq_from_json(keys.hq_to_json(hq)) == hq
    box = _bounded(keys.box_from_json, data, *FACTS)
    if box is not None:
        assert keys.box_from_json(keys.box_to_json(box)) == box
    step = _bounded(rollover.step_from_json, data, *FACTS)
    if step is not None:
        _bounded(
            lambda one: rollover.walk([one], HQ), step, *FACTS, "facts_other_key", "bad_signature", "facts_unrelated"
        )


def bundles(data: bytes) -> None:
    """A bundle as it is, and with a digest that fits."""
    told = "bundle_damaged", "malformed_bundle", "unsupported_version", "too_large"
    for raw in (data, data + suite.digest(data)):
        found = _bounded(bundle.parse, raw, *told)
        if found is not None:
            assert len(found.parts) <= bundle.MAX_PARTS
            assert bundle.pack(found.direction, found.box, found.parts) == raw


def enrolments(data: bytes) -> None:
    """Messages of enrolment as they come, and bodies that are signed or MACed as they should be."""
    told = "malformed_enrolment", "unsupported_version", "bad_signature"
    asked = _bounded(enrolment.parse_request, data, *told)
    assert asked is None or asked.box.verify_key == BOX_KEY.public or asked.raw == data
    _bounded(enrolment.parse_request, _message("request", data), *told)
    answers = "not_hq", "answer_forged", *FACTS
    for raw in (data, _message("answer", data)):
        _bounded(lambda one: enrolment.read_answer(one, ASKED, SECRET), raw, *answers)
        steps = "facts_other_key", "bad_signature", "facts_unrelated"
        _bounded(lambda one: enrolment.read_renewal(one, ASKED, HQ), raw, *answers, *steps)
    code = _bounded(enrolment.read_code, data.decode("utf-8", "replace"), "code_mistyped")
    assert code is None or enrolment.read_code(enrolment.shown(code)) == code


def item(data: bytes) -> None:
    """An item of a pack: the first byte says of which kind."""
    kind = sorted(items.KINDS)[(data[0] if data else 0) % len(items.KINDS)]
    told = "malformed_item", *FACTS
    found = _bounded(lambda body: items.decode(kind, body), data[1:], *told)
    if found is not None:
        again = _bounded(items.encode, found, "too_large")
        assert again is None or items.decode(kind, again) == found


def _message(what: str, body: bytes) -> bytes:
    """`body` in a message that passes the checks before it is looked at."""
    label = f"hearth enrolment {what} "
    signature = BOX_KEY.sign(f"{label}signature 1\0".encode(), body)
    signed = body + signature if what == "request" else body
    mac = enrolment._mac(SECRET, f"{label}mac 1\0".encode(), signed)
    fields: dict[str, Any] = {"version": 1, "what": label.strip(), "body": _b64(body)}
    return msgspec.json.encode({**fields, "signature": _b64(signature), "mac": _b64(mac)})


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
