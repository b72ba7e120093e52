"""What the spool holds for the courier: what is due, what was receipted, who this box is. Blocking, no decisions.

urgent.json     numbers in out/ that pass hours and budget (the appliance's)
queue.json      {"records": n, "oldest_at": "..."} for HQ's fleet page (the appliance's; without it: what lies in out/)
packs.json      {"applied": n, "next": m} (the appliance's)         down/<16 digits>.pack   fetched packs (ours)
tls/            courier.key, courier.csr (ours), courier.pem (the appliance's)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.x509.oid import NameOID

from sync import envelope, frames, keys, receipt
from sync.courier import own_key
from sync.envelope import Envelope
from sync.faults import SyncFault
from sync.spool import DIGITS, Spool, read_bounded, write_whole

MAX_FILE = 65_536
_HALF = (
    ".courier.json.*.tmp", ".spent.json.*.tmp", "in/.*.tmp", "down/.*.tmp", "ask/.*.answer.*.tmp",
    "tls/.courier.key.*.tmp", "tls/.courier.csr.*.tmp",
)  # fmt: skip
MAX_PACK_NUMBER = 10**16 - 1


@dataclass(frozen=True, slots=True)
class Due:
    """`handed`: the newest receipt that goes before, b"" for none; `after`: its size; `numbers`: what waits, rising;
    `newest`: the highest receipt's size."""

    handed: bytes
    after: int
    numbers: tuple[int, ...]
    newest: int = 0


def due(spool: Spool, wanted: int = 0) -> Due:
    """What is to be sent: all after the newest receipt; from `wanted` on if HQ misses what it has signed for."""
    sizes = spool.receipts()
    newest = sizes[-1] if sizes else 0
    after = min(newest, wanted - 1) if wanted else newest
    handed = (spool.receipt(after) if after in sizes else None) or b""
    return Due(handed, after, tuple(number for number in spool.segments() if number > after), newest)


def load(spool: Spool, number: int) -> Envelope | None:
    """An envelope, parsed; None when it was settled meanwhile."""
    raw = spool.segment(number)
    if raw is None:
        return None
    found = envelope.parse(raw)
    if found.sequence != number:
        raise SyncFault("malformed_envelope")  # its receipt would settle another one, and this one go again for ever
    return found


def urgent_upto(spool: Spool) -> int:
    """Everything up to this number goes although the line is metered: what is urgent, and what it stands on."""
    found = _json(spool.root / "urgent.json")
    numbers = [one for one in found if type(one) is int] if isinstance(found, list) else []
    return max(numbers, default=0)


def box_id(spool: Spool) -> bytes | None:
    """This box, by its certificate, else by what it sealed or was signed for; None while there is nothing yet."""
    shown = certificate(spool)
    if shown is not None:
        names = shown.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        found = keys.box_from_text(str(names[0].value)) if names else None
        if found is not None:
            return found
    try:
        for number in spool.segments()[:1]:
            sealed = load(spool, number)
            if sealed is not None:
                return sealed.box
        for size in spool.receipts()[-1:]:
            return receipt.parse(spool.receipt(size) or b"").box
    except SyncFault:
        return None
    return None


def certificate(spool: Spool) -> x509.Certificate | None:
    """The box's own certificate for TLS, None before it has one that can be read and belongs to the key."""
    raw = read_bounded(spool.root / "tls" / "courier.pem", MAX_FILE)
    try:
        shown = None if raw is None else x509.load_pem_x509_certificate(raw)
        if shown is not None:
            _text(shown), shown.subject
    except ValueError:
        return None
    return shown


def client(spool: Spool) -> tuple[Path, Path] | None:
    """Certificate and key to show to HQ; None before the box has both and they belong together."""
    shown, folder = certificate(spool), spool.root / "tls"
    if shown is None or not own_key.belongs(folder, shown):
        return None
    return folder / "courier.pem", folder / "courier.key"


def hello(spool: Spool, version: str) -> bytes:
    """The first frame."""
    said = _json(spool.root / "queue.json")
    queue: dict[str, Any] = said if isinstance(said, dict) else {}
    waiting, oldest = queue.get("records"), queue.get("oldest_at")
    shown = certificate(spool)
    fields = {
        "version": version,
        "queued": waiting if type(waiting) is int and waiting >= 0 else len(spool.segments()),
        "oldest_at": oldest if isinstance(oldest, str) and len(oldest) <= 40 else "",
        "applied": applied(spool),
        "certificate_ends": "" if shown is None else _text(shown),
    }
    return frames.pack(frames.HELLO, msgspec.json.encode(fields))


def tidy(spool: Spool) -> None:
    """Take away what a kill left half written of ours; what the appliance writes is its own to take away."""
    for pattern in _HALF:
        for left in spool.root.glob(pattern):
            left.unlink(missing_ok=True)


def applied(spool: Spool) -> int:
    """Number of the newest pack that the appliance applied."""
    return _of_packs(spool, "applied")


def _of_packs(spool: Spool, name: str) -> int:
    found = _json(spool.root / "packs.json")
    number = found.get(name) if isinstance(found, dict) else None
    return number if type(number) is int and 0 <= number < MAX_PACK_NUMBER else 0


def next_pack(spool: Spool) -> int:
    """The pack to fetch next: after what the appliance has and what lies here already, in order."""
    number = max(applied(spool) + 1, _of_packs(spool, "next"))
    while (spool.root / "down" / f"{number:0{DIGITS}d}.pack").exists():
        number += 1
    return number


def put_pack(spool: Spool, number: int, raw: bytes) -> None:
    (spool.root / "down").mkdir(mode=0o770, exist_ok=True)
    write_whole(spool.root / "down" / f"{number:0{DIGITS}d}.pack", raw)


def _text(shown: x509.Certificate) -> str:
    return shown.not_valid_after_utc.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _json(path: Path) -> Any:
    try:
        return msgspec.json.decode(read_bounded(path, MAX_FILE) or b"null")
    except (msgspec.DecodeError, ValueError, RecursionError, OSError):
        return None
