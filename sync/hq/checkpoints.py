"""The checkpoints of a box's audit as headquarters sees them: signed, rising, and each an extension of the one before.

A reader of its own, made from appliance/audit/README.md: HQ holds a box to its word with no code of the box. Pure.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sync import suite
from sync.faults import SyncFault

MAX_NOTE = 1024  # bytes
MAX_PROOF = 128  # hashes: a log of 2^63 entries needs 64
LIFE = 40  # bits of a record's number; what is above counts how often the box's log was taken up again after a loss
_LABEL = b"hearth-audit-1/"
_NOTE = re.compile(
    r"(hearth-audit-1/([0-9a-f]{32}))\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\nnumber ([1-9][0-9]{0,18})\n"
    r"at ([0-9TZ:-]{20})\n\n— \1 ([A-Za-z0-9+/]{91}=)\n"
)


@dataclass(frozen=True, slots=True)
class Told:
    """What record `number` of envelope `sequence` says: audit entries up to `size` have `root`.

    `place` counts the box's checkpoints; `proof` leads from size `since`.
    """

    number: int
    sequence: int
    size: int
    root: bytes
    place: int
    since: int
    proof: tuple[bytes, ...]


def read(body: bytes, number: int, sequence: int, box: bytes, verify_key: bytes) -> Told | None:
    """The checkpoint in a record, None when this box did not sign it like this."""
    try:
        fields = json.loads(body)
        note, since, proof = fields["note"], fields["since"], fields["consistency"]
        match = _NOTE.fullmatch(note) if len(note) <= MAX_NOTE else None
        if match is None or bytes.fromhex(match[2]) != box or type(since) is not int or len(proof) > MAX_PROOF:
            return None
        signed = f"{match[1]}\n{match[3]}\n{match[4]}\nnumber {match[5]}\nat {match[6]}\n".encode()
        stamp = base64.b64decode(match[7], validate=True)
        suite.verify(verify_key, _LABEL, signed.removeprefix(_LABEL), stamp[4:])
        root = base64.b64decode(match[4], validate=True)
        hashes = tuple(base64.b64decode(part, validate=True) for part in proof)
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error, SyncFault):
        return None
    return Told(number, sequence, int(match[3]), root, int(match[5]), since, hashes)


def compare(told: Sequence[Told]) -> Iterator[tuple[Told, str]]:
    """What is wrong between each and the one before it, in the order of their records.

    `checkpoint_back` (`checkpoint_back_adopted` where the box's log was taken up again between), `checkpoint_missing`,
    `checkpoint_differs`.
    """
    before: Told | None = None
    for one in sorted(told, key=lambda one: one.number):
        if before is not None and one != before:
            code = _between(before, one)
            if code:
                yield one, code
        before = one


def _between(before: Told, one: Told) -> str:
    if (one.place, one.size, one.root) == (before.place, before.size, before.root):
        return ""  # sent twice
    if one.size < before.size or one.place <= before.place:
        return "checkpoint_back_adopted" if one.number >> LIFE > before.number >> LIFE else "checkpoint_back"
    if one.since != before.size or one.place != before.place + 1:
        return "checkpoint_missing"
    if before.size == 0:
        return ""
    return "" if consistent(before.size, one.size, before.root, one.root, one.proof) else "checkpoint_differs"


def consistent(first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]) -> bool:
    """RFC 9162 section 2.1.4.2: whether the tree of size `second` begins with that of size `first`."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    parts = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not parts:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = parts[0]
    for part in parts[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = _join(part, fr), _join(part, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = _join(sr, part)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and (fr, sr) == (first_root, second_root)


def _join(left: bytes, right: bytes) -> bytes:
    return suite.digest(b"\x01" + left + right)
