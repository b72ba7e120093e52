"""What the store was last known to hold, kept outside of it: an old copy put back in its place is noticed.

A sealed page that is replayed passes SQLCipher's checks, and so does a whole old store. So a small file beside the
store's folder says how far audit, sealed segments and receipts had come, and whether the store was closed:

- a store that holds less than its witness is refused (`store_rolled_back`), as is one with another entry in that place;
- a store that was not closed must have a -wal file (`wal_missing`), one that was closed none with a commit
  (`wal_foreign`).

The file is two slots of 512 bytes, written in turn and synced: a power cut in the middle leaves the other one, and
nothing is allocated, so that it works on a full disk. It is written after the commits that it speaks of, at most
`SECONDS` behind, and never ahead. What it leaves out: whoever puts back store *and* witness is seen by HQ's receipts
only; a file that is missing or unreadable says nothing and is made anew, since its taker could as well put back an old
one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

from appliance.faults import Fault
from appliance.store.files import fault_of_os, give_to_owner, sync_folder

SECONDS = 3.0  # between a commit and its witness: one small synced write, which an SD card can bear that often
SLOT = 512  # bytes: a sector, which disks write whole or not at all
_MAGIC = b"hearth witness 1\n"

State = Literal["open", "closed"]
One = Callable[[str], Any]  # runs a SELECT and gives its first row, or None


class Seen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a store has come. `last`: the hash of the audit's last entry, hex."""

    entries: int = 0
    last: str = ""
    sealed: int = 0
    settled: int = 0


class Witness(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One slot. The one with the larger `turn` counts."""

    turn: int
    state: State
    seen: Seen


def witness_path(folder: Path) -> Path:
    """Where the witness of the store in `folder` is: beside it, not in it."""
    return folder.with_name(folder.name + ".witness")


def read(folder: Path) -> Witness | None:
    """The newest whole slot, or None: then nothing is known."""
    try:
        content = witness_path(folder).read_bytes()[: 2 * SLOT]
    except OSError:
        return None
    slots = [parse(content[start : start + SLOT]) for start in (0, SLOT)]
    return max((slot for slot in slots if slot is not None), key=lambda slot: slot.turn, default=None)


def write(folder: Path, state: State, seen: Seen) -> None:
    """Write the older slot and sync it. Faults: disk_full, home_read_only, home_not_writable, store_failed."""
    path, before = witness_path(folder), read(folder)
    turn = before.turn + 1 if before else 1
    try:
        fresh = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(descriptor).st_size < 2 * SLOT:
                os.pwrite(descriptor, b"\0" * SLOT, 0)
                os.pwrite(descriptor, b"\0" * SLOT, SLOT)
            _write_all(descriptor, serialise(Witness(turn=turn, state=state, seen=seen)), turn % 2 * SLOT)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if fresh:
            give_to_owner(path, path.parent)
            sync_folder(path.parent)
    except OSError as error:
        raise fault_of_os(error) from error


def reset(folder: Path) -> None:
    """Forget what is known of the store in `folder`: another one comes into its place, by somebody who may do that."""
    path = witness_path(folder)
    try:
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise fault_of_os(error) from error


_LIVES = 11  # the migration since which segments may be unsealed: when a person lets the log go on after HQ's


def look(one: One) -> Seen:
    """How far the store has come, by its own tables. A store of before the outbox has come nowhere yet."""
    version = one("PRAGMA user_version")
    if version is None or version[0] < 2:
        return Seen()
    last = one("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")
    sealed = one("SELECT coalesce(max(sequence), 0) FROM segments")
    given_up = one("SELECT coalesce(max(sealed), 0) FROM log_lives") if version[0] >= _LIVES else None
    settled = one("SELECT size FROM outbox_settled")
    return Seen(
        entries=last[0] if last else 0,
        last=bytes(last[1]).hex() if last else "",
        sealed=max(sealed[0] if sealed else 0, given_up[0] if given_up else 0),
        settled=settled[0] if settled else 0,
    )


def check(one: One, known: Witness | None) -> None:
    """Returns if the store holds at least what its witness saw. Fault("store_rolled_back") says what is missing."""
    if known is None:
        return
    seen, now = known.seen, look(one)
    if now.entries < seen.entries:
        missing = seen.entries - now.entries
        raise Fault("store_rolled_back", f"{missing} entries of the audit are missing", about=str(missing))
    if now.sealed < seen.sealed or now.settled < seen.settled:
        raise Fault("store_rolled_back", "what went to headquarters is missing")
    if seen.entries:
        there = one(f"SELECT hash FROM audit WHERE sequence = {seen.entries:d}")  # noqa: S608 - a number
        if there is None or bytes(there[0]).hex() != seen.last:
            raise Fault("store_rolled_back", f"entry {seen.entries} of the audit is another one")


def check_wal(known: Witness | None, *, exists: bool) -> None:
    """Returns if a store that was not closed has its WAL, be it empty. Fault("wal_missing")."""
    if known is not None and known.state == "open" and not exists:
        raise Fault("wal_missing")


def serialise(slot: Witness) -> bytes:
    """The 512 bytes of a slot: magic, SHA-256 (hex) of the JSON after it, JSON, spaces."""
    body = msgspec.json.encode(slot)
    return (_MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n" + body).ljust(SLOT)


def parse(content: bytes) -> Witness | None:
    """A whole slot, or None for anything else."""
    if len(content) != SLOT or not content.startswith(_MAGIC):
        return None
    digest, _, body = content.removeprefix(_MAGIC).rstrip(b" ").partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    try:
        return msgspec.json.decode(body, type=Witness)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _write_all(descriptor: int, content: bytes, place: int) -> None:
    while content:
        written = os.pwrite(descriptor, content, place)
        content, place = content[written:], place + written
