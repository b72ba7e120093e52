"""What a helper on the telephone asks, as whole numbers and nothing else: so no name can be in it. Pure.

`code` packs them into 76 capitals and digits, for a QR code or to be typed; `read` gives them back. A code is of one
FORM: any change of the fields takes the next letter.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from appliance.store import sheet

FORM = "A"
UNKNOWN = -1
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BASE = len(_DIGITS)
_CHECK = 2  # characters at the end: one typing mistake in 1,296 gets by, and the two words find that one

# How many values a field has, unknown aside; what is beyond the last counts as the last. In the order of the code.
SIZES = {
    "major": 64,
    "minor": 128,
    "patch": 128,
    "running": 4,  # 0 no, 1 not set up yet, 2 locked, 3 open
    "up_hours": 8_192,
    "slot": 2,  # 0 A, 1 B
    "trial": 2,
    "fell_back": 2,
    "release_days": 4_096,
    "update": 3,  # 1: headquarters told of another release; 2: this Raspberry Pi's boot loader cannot try any
    "line": 4,  # 0 none, 1 a cable, 2 the box's own Wi-Fi, 3 a guest in a Wi-Fi
    "mbps": 10_001,
    "address": 256,  # the last part of four
    "address_kind": 3,  # 0 none, 1 ordinary, 2 one that the box gave itself
    "gateway": 3,  # 0 does not answer, 1 answers, 2 there is none
    "hq": 3,  # 0 none known, 1 unreachable, 2 reached
    "hq_fault": 16,  # 0 none, else a kind of FAULTS
    "hq_hours": 8_192,  # since it was heard
    "receipt_days": 4_096,
    "queued": 65_536,
    "clock": 7,  # trouble: "", behind, ahead, jumped, unsure, not known to a locked box, contradicted
    "clock_from": 5,  # 0 the machine, 1 staff, 2 headquarters, 3 a time server, 4 a clock with a battery
    "clock_minutes": 33_554_432,  # since 2026-01-01T00:00Z
    "clock_off": 200_001,  # seconds ahead of headquarters' clock, plus 100,000
    "portal_days": 4_096,  # until the certificate ends; 0: it has
    "name_days": 4_096,
    "courier_days": 4_096,
    "disk_percent": 101,  # free
    "disk_mib": 16_777_216,  # free
    "store": 6,  # trouble: "", disk_full, home_read_only, store_failed, store_damaged, another
    "card": 5,  # 0 another kind, 1 SD card, 2 eMMC, 3 NVMe, 4 a disk
    "card_used": 121,  # percent of its life
    "card_errors": 1_024,
    "card_written": 1_048_576,  # GiB since the file system was made
    "degrees": 151,
    "throttled": 3,  # 0 never, 1 since the start, 2 now
    "memory_mib": 1_048_576,  # available
    "memory_total": 1_048_576,
    "relay": 2,
    "people": 1_024,
    "carried": 1_001,  # percent of what box and network carry
    "capacity": 3,  # 0 assumed, 1 measured, 2 set
    "backup": 4,  # 0 unknown, 1 none, 2 fine, 3 old
    "backup_days": 4_096,
}
_LEAST = {"clock_off": -100_000}

# Why headquarters is not reached, by codes of sync's faults; kinds that a helper has an answer for.
OTHER_FAULT = 10
FAULTS = {
    "hq_unreachable": 1,
    "name_unknown": 2,
    "captive_portal": 3,
    "wrong_certificate": 4,
    "other_server": 4,
    "certificate_renewed": 4,
    "certificate_refused": 5,
    "certificate_ended": 5,
    "no_certificate": 5,
    "other_certificate": 5,
    "unknown_box": 6,
    "box_revoked": 6,
    "courier_away": 7,
    "set_back": 8,
    "fork": 8,
    "receipt_other_bytes": 8,
    "restored": 8,
    "busy": 9,
}


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """By the names of SIZES, which has their meanings; UNKNOWN for what could not be seen, which every field can be."""

    major: int = UNKNOWN
    minor: int = UNKNOWN
    patch: int = UNKNOWN
    running: int = UNKNOWN
    up_hours: int = UNKNOWN
    slot: int = UNKNOWN
    trial: int = UNKNOWN
    fell_back: int = UNKNOWN
    release_days: int = UNKNOWN
    update: int = UNKNOWN
    line: int = UNKNOWN
    mbps: int = UNKNOWN
    address: int = UNKNOWN
    address_kind: int = UNKNOWN
    gateway: int = UNKNOWN
    hq: int = UNKNOWN
    hq_fault: int = UNKNOWN
    hq_hours: int = UNKNOWN
    receipt_days: int = UNKNOWN
    queued: int = UNKNOWN
    clock: int = UNKNOWN
    clock_from: int = UNKNOWN
    clock_minutes: int = UNKNOWN
    clock_off: int | None = None  # the one that can be below zero
    portal_days: int = UNKNOWN
    name_days: int = UNKNOWN
    courier_days: int = UNKNOWN
    disk_percent: int = UNKNOWN
    disk_mib: int = UNKNOWN
    store: int = UNKNOWN
    card: int = UNKNOWN
    card_used: int = UNKNOWN
    card_errors: int = UNKNOWN
    card_written: int = UNKNOWN
    degrees: int = UNKNOWN
    throttled: int = UNKNOWN
    memory_mib: int = UNKNOWN
    memory_total: int = UNKNOWN
    relay: int = UNKNOWN
    people: int = UNKNOWN
    carried: int = UNKNOWN
    capacity: int = UNKNOWN
    backup: int = UNKNOWN
    backup_days: int = UNKNOWN


def bounded(found: Figures) -> Figures:
    """Each figure within its field, so that a code gives back what was told."""
    return _from(_values(found))


def code(found: Figures) -> str:
    """All figures in capitals and digits, the form first and the check last."""
    number = 0
    for (_name, size), value in zip(SIZES.items(), _values(found), strict=True):
        number = number * (size + 1) + value
    packed = FORM + _text(number, _LENGTH)
    return packed + _check(packed)


def read(typed: str) -> Figures | None:
    """The figures of a code as somebody typed it, spaces and dashes and small letters forgiven; None if it is none."""
    packed = "".join(char for char in typed.upper() if char in _DIGITS)
    if len(packed) != 1 + _LENGTH + _CHECK or packed[0] != FORM or packed[-_CHECK:] != _check(packed[:-_CHECK]):
        return None
    number, values = int(packed[1:-_CHECK], _BASE), list[int]()
    for size in reversed(SIZES.values()):
        number, value = divmod(number, size + 1)
        values.append(value)
    return _from(values[::-1]) if number == 0 else None


def words(packed: str, language: Literal["en", "es"]) -> tuple[str, str]:
    """Two words that belong to this code: read out last, they tell a helper that all was heard right."""
    first, second = sheet.words(hashlib.sha256(packed.encode()).digest()[:16], language)[:2]
    return first, second


def _values(found: Figures) -> list[int]:
    """0 for unknown, else one more than the figure within its field."""
    values = []
    for name, size in SIZES.items():
        value: int | None = getattr(found, name)
        if name in _LEAST and value is not None:
            value -= _LEAST[name]
            values.append(max(0, min(value, size - 1)) + 1)
        else:
            values.append(0 if value is None or value < 0 else min(value, size - 1) + 1)
    return values


def _from(values: list[int]) -> Figures:
    fields: dict[str, int] = {}
    for name, value in zip(SIZES, values, strict=True):
        if value:
            fields[name] = value - 1 + _LEAST.get(name, 0)
    return Figures(**fields)


def _most() -> int:
    number = 1
    for size in SIZES.values():
        number *= size + 1
    return number - 1


def _text(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, _BASE)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def _check(packed: str) -> str:
    return _text(int.from_bytes(hashlib.sha256(packed.encode()).digest()[:4]) % _BASE**_CHECK, _CHECK)


_LENGTH = next(length for length in range(1, 1000) if _BASE**length > _most())
