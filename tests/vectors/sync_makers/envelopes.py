"""Envelopes, receipts, and chains of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sync import content, envelope, frames, receipt, suite
from sync.checkpoint import EMPTY, Checkpoint, extend_all, root
from sync.content import Record
from tests.vectors.sync_makers.common import (
    AT,
    BOX,
    BOX_KEY,
    CLOCK,
    EARLIER,
    HQ_KEY,
    LARGE,
    MANY,
    NOISE,
    ONE,
    OTHER_BOX_KEY,
    OTHER_HQ_KEY,
    OTHER_RECORD_KEY,
    RECORD_KEY,
    RECORD_SEED,
    UNKNOWN,
    WRONG_INSIDE,
    Vector,
    flip,
    put,
    told,
)

GIVEN = {"box": BOX.hex(), "box_verify_key": BOX_KEY.public.hex(), "record_seed": RECORD_SEED.hex()}
GIVEN_RECEIPT = {"box": BOX.hex(), "hq_verify_key": HQ_KEY.public.hex()}
GIVEN_CHAIN = GIVEN | GIVEN_RECEIPT


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
) -> bytes:
    """An envelope as `envelope.seal` makes it, with one step done differently; `header` is applied after the seal."""
    inside = content.pack(records) if padded is None else padded
    clear = envelope.HEADER.pack(
        envelope.MAGIC, 1, 1, 1, BOX, sequence, previous, envelope.key_id(named), len(inside) + 1136
    )
    body = header(clear) + suite.seal(recipient, b"hearth segment seal 1\0" + clear, inside)
    return body + signer.sign(b"hearth segment signature 1\0", body)


def _read(what: str, records: list[Record], sequence: int = 1, previous: bytes = envelope.NO_PREVIOUS) -> Vector:
    raw = sealed(records, sequence=sequence, previous=previous)
    return Vector(
        what, "read", raw, {"sequence": str(sequence), "hash": suite.digest(raw).hex(), "records": told(records)}
    )


def envelopes() -> dict[str, Vector]:
    good = sealed()
    renumbered = sealed(header=lambda clear: put(put(clear, 31, b"\x02"), 32, EARLIER))
    other = sealed(named=OTHER_RECORD_KEY.public, recipient=OTHER_RECORD_KEY.public)
    made = {
        "one_record": _read("one record", ONE),
        "many_records": _read("77 records, compressed", MANY),
        "large": _read("more than content version 1 holds", LARGE),
        "stored": _read("a record that does not compress", NOISE),
        "unknown_class": _read("a class of another day, no time, the highest number", UNKNOWN),
        "second": _read("an envelope that follows another", ONE, 2, EARLIER),
        "highest": _read("the highest number", ONE, 10**16 - 1, EARLIER),
        "empty": Vector("no bytes", "malformed_envelope", b""),
        "truncated": Vector("the last byte is missing", "malformed_envelope", good[:-1]),
        "header_only": Vector("only a header", "malformed_envelope", good[:84]),
        "short": Vector("less than the shortest", "malformed_envelope", put(good, 80, b"\0\0\x06\x6f")[:-1]),
        "longer": Vector("one byte too many", "malformed_envelope", good + b"\0"),
        "too_large": Vector("larger than any envelope", "too_large", good, None, {"zeros": str(envelope.MAX_ENVELOPE)}),
        "magic": Vector("another magic", "malformed_envelope", put(good, 0, b"HSEH")),
        "version": Vector("version 2", "unsupported_version", put(good, 4, b"\x02")),
        "suite": Vector("suite 2", "unsupported_version", put(good, 5, b"\x02")),
        "kind": Vector("kind 2", "unsupported_version", put(good, 6, b"\x00\x02")),
        "version_cut": Vector(
            "version 2, whose lengths nobody knows", "unsupported_version", put(good, 4, b"\x02")[:99]
        ),
        "sequence_zero": Vector("number 0", "malformed_envelope", put(good, 24, bytes(8))),
        "sequence_high": Vector(
            "a number of 17 digits", "malformed_envelope", put(good, 24, (10**16).to_bytes(8, "big"))
        ),
        "first_follows": Vector("number 1 that follows another", "malformed_envelope", put(good, 32, EARLIER)),
        "second_follows_none": Vector("number 2 that follows none", "malformed_envelope", put(good, 31, b"\x02")),
        "length_lies": Vector(
            "the sealed length is one less", "malformed_envelope", put(good, 80, b"\x00\x00\x06\x6f")
        ),
        "other_box": Vector("the box id was changed", "bad_signature", flip(good, 8)),
        "sealed_flipped": Vector("a sealed bit was flipped", "bad_signature", flip(good, 300)),
        "signature_flipped": Vector("a bit of the signature was flipped", "bad_signature", flip(good, -1)),
        "other_signer": Vector("signed by another box", "bad_signature", sealed(signer=OTHER_BOX_KEY)),
        "renumbered": Vector("sealed as number 1, renumbered and signed anew", "cannot_open", renumbered),
        "other_recipient": Vector("sealed to another key, and says so", "unknown_recipient", other),
        "lying_recipient": Vector(
            "sealed to another key, names ours", "cannot_open", sealed(recipient=OTHER_RECORD_KEY.public)
        ),
    }
    wrong = {name: Vector(what, expect, sealed(padded=padded)) for name, (what, expect, padded) in WRONG_INSIDE.items()}
    return made | wrong


def _receipted(what: str, reached: Checkpoint, at: int = CLOCK) -> Vector:
    raw = receipt.issue(BOX, EARLIER, reached, at, HQ_KEY)
    result = {"size": str(reached.size), "at": str(at), "last": EARLIER.hex(), "root": root(reached).hex()}
    return Vector(what, "read", raw, result)


def receipts() -> dict[str, Vector]:
    tree = extend_all(EMPTY, (suite.digest(bytes([n])) for n in range(7)))
    good = receipt.issue(BOX, EARLIER, tree, CLOCK, HQ_KEY)
    full = Checkpoint((1 << 53) - 1, tuple(suite.digest(bytes([n])) for n in range(53)))
    return {
        "one": _receipted("the first receipt", extend_all(EMPTY, [EARLIER]), 0),
        "seven": _receipted("three peaks", tree),
        "many_peaks": _receipted("a size with 53 ones", full),
        "empty": Vector("no bytes", "malformed_receipt", b""),
        "truncated": Vector("the last byte is missing", "malformed_receipt", good[:-1]),
        "longer": Vector("one byte too many", "malformed_receipt", good + b"\0"),
        "too_large": Vector("larger than any receipt", "too_large", good + bytes(receipt.MAX_RECEIPT)),
        "magic": Vector("another magic", "malformed_receipt", put(good, 0, b"HRCS")),
        "version": Vector("version 2", "unsupported_version", put(good, 4, b"\x02")),
        "suite": Vector("suite 2", "unsupported_version", put(good, 5, b"\x02")),
        "size_zero": Vector("size 0", "malformed_receipt", put(good, 72, bytes(8))),
        "size_high": Vector("a size of 17 digits", "malformed_receipt", put(good, 72, (10**16).to_bytes(8, "big"))),
        "peaks_missing": Vector("size 11 with the peaks of 7", "bad_signature", put(good, 79, b"\x0b")),
        "peaks_count": Vector("a count that the size does not have", "malformed_receipt", put(good, 6, b"\x00\x02")),
        "peak_flipped": Vector("a bit of a peak was flipped", "bad_signature", flip(good, 100)),
        "time_changed": Vector("another time", "bad_signature", flip(good, 87)),
        "signature_flipped": Vector("a bit of the signature was flipped", "bad_signature", flip(good, -1)),
        "other_hq": Vector(
            "signed by another HQ", "receipt_other_key", receipt.issue(BOX, EARLIER, tree, 0, OTHER_HQ_KEY)
        ),
        "other_box": Vector("for another box", "receipt_other_box", receipt.issue(bytes(16), EARLIER, tree, 0, HQ_KEY)),
        "box_changed": Vector("the box was changed after signing", "bad_signature", flip(good, 8)),
    }


def chains() -> dict[str, Vector]:
    """Frames as on the stream: envelopes from 1 on, and receipts after some of them."""
    raws: list[bytes] = []
    for number in range(1, 6):
        previous = suite.digest(raws[-1]) if raws else envelope.NO_PREVIOUS
        raws.append(sealed([Record(number, "session_ended", AT, b"{}")], sequence=number, previous=previous))
    hashes = [suite.digest(raw) for raw in raws]

    def got(size: int, last: bytes = b"", tree: Sequence[bytes] = ()) -> bytes:
        reached = extend_all(EMPTY, tree or hashes[:size])
        raw = receipt.issue(BOX, last or hashes[size - 1], reached, CLOCK, HQ_KEY)
        return frames.pack(frames.RECEIPT, raw)

    def sent(*numbers: int) -> bytes:
        return b"".join(frames.pack(frames.SEGMENT, raws[number - 1]) for number in numbers)

    twin = sealed([Record(9, "session_ended", AT, b"{}")], sequence=3, previous=hashes[1])
    stray = sealed(sequence=3, previous=EARLIER)
    whole = {"size": "5", "receipted": "5", "root": root(extend_all(EMPTY, hashes)).hex()}
    return {
        "whole": Vector("five envelopes, a receipt for all", "read", sent(1, 2, 3, 4, 5) + got(5), whole),
        "pipelined": Vector(
            "receipts between envelopes, the last two without",
            "read",
            sent(1, 2) + got(1) + sent(3) + got(2) + got(3) + sent(4, 5),
            whole | {"receipted": "3"},
        ),
        "doubled": Vector("an envelope sent twice", "read", sent(1, 2, 2, 3, 4, 5) + got(5), whole),
        "hole": Vector("number 3 is missing", "gap", sent(1, 2, 4, 5)),
        "late_start": Vector("begins with number 2", "gap", sent(2, 3)),
        "twin": Vector("two different envelopes under number 3", "fork", sent(1, 2, 3) + frames.pack(3, twin)),
        "stray": Vector("number 3 follows another number 2", "fork", sent(1, 2) + frames.pack(3, stray)),
        "set_back": Vector("a receipt for more than was sent", "set_back", sent(1, 2) + got(3)),
        "other_last": Vector(
            "a receipt that names another last envelope", "receipt_other_bytes", sent(1, 2, 3) + got(3, last=hashes[4])
        ),
        "other_history": Vector(
            "a receipt over another first envelope",
            "receipt_other_bytes",
            sent(1, 2, 3) + got(3, tree=[hashes[4], *hashes[1:3]]),
        ),
    }
