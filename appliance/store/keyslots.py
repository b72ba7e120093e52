"""The key slots of a store: a secret opens a slot, a slot holds the store's key. The secret itself is kept nowhere.

Slow on purpose (Argon2id): call from a thread, never from the event loop. The caller holds the home's lock.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from appliance.clock import now_text
from appliance.faults import Fault
from appliance.store import probe, sheet, slotpair, slots
from appliance.store.files import fault_of_os
from appliance.store.key import SIZE, StoreKey
from appliance.store.slotfile import Argon2, Hkdf, Kind, Slot, Slots
from appliance.store.slotfile1 import Slot1
from appliance.store.slots import BOX_COST, MAX_PASSPHRASE, Cost, Numbered

__all__ = ["BOX_COST", "Cost", "Opened", "StoreKey", "create", "open_with", "open_with_seed", "slots_path", "unlock"]


@dataclass(frozen=True, slots=True)
class Opened:
    """The store's key, its number, and the id of the slot that it came from."""

    key: StoreKey
    number: int
    slot: str


def slots_path(folder: Path) -> Path:
    """Where the slots of the store in `folder` are; a second copy stands in `slotpair.copies`."""
    return folder / "slots.json"


def create(folder: Path, passphrase: str, cost: Cost = BOX_COST, label: str = "") -> StoreKey:
    """A new key in new slots with one passphrase slot.

    Faults: store_exists (slots or a store are here already), bad_request (an empty or endless passphrase),
    home_not_writable, store_failed.
    """
    if slotpair.present(folder) or (folder / "hearth.db").exists():
        raise Fault("store_exists")
    if not 0 < len(passphrase) <= MAX_PASSPHRASE:
        raise Fault("bad_request", "passphrase length")
    key = StoreKey(os.urandom(SIZE))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise fault_of_os(error) from error
    first = slots.of_passphrase(passphrase, label, now_text(), (Numbered(1, key),), cost)
    slotpair.save(folder, Slots(generation=0, slots=(first,)))
    return key


def unlock(folder: Path, secret: str) -> StoreKey:
    """The key alone, as `open_with` finds it."""
    return open_with(folder, secret).key


def open_with(folder: Path, secret: str) -> Opened:
    """The key by a passphrase or by a sheet's words. Faults: slots_missing, wrong_passphrase.

    A wrong secret writes nothing. A right one also mends what it finds (`_settle`).
    """
    file = slotpair.load(folder)
    if not 0 < len(secret) <= MAX_PASSPHRASE:
        raise Fault("wrong_passphrase")
    if isinstance(file, Slot1):
        return _open_version_1(folder, file, secret)
    for slot in _likely_first(file, sheet.entropy(secret) is not None):
        keys = slots.opened(slot, seed) if (seed := _seed(slot, secret)) else ()
        if keys:
            return _settled(folder, file, slot, keys)
    raise Fault("wrong_passphrase")


def open_with_seed(folder: Path, kind: Kind, seed: bytes) -> Opened | None:
    """The key by a private half that is held elsewhere, None if no slot of that kind is its."""
    file = slotpair.load(folder)
    if isinstance(file, Slot1):
        return None
    for slot in file.slots:
        keys = slots.opened(slot, seed) if slot.kind == kind else ()
        if keys:
            return _settled(folder, file, slot, keys)
    return None


def right_one(folder: Path, keys: tuple[Numbered, ...]) -> Numbered:
    """Of several keys the one that opens the store; the newest if none does, so that the store's own fault is told."""
    for one in keys if len(keys) > 1 else ():
        if probe.opens(folder / "hearth.db", one.key):
            return one
    return keys[0]


def _likely_first(file: Slots, looks_like_a_sheet: bool) -> Iterator[Slot]:
    """Twelve words may be a passphrase all the same; a sheet is tried in no time."""
    yield from (slot for slot in file.slots if slot.kind == "sheet" and looks_like_a_sheet)
    yield from (slot for slot in file.slots if slot.kind == "passphrase")


def _seed(slot: Slot, secret: str) -> bytes | None:
    if isinstance(slot.kdf, Argon2):
        return slots.seed_of_passphrase(secret, slot.kdf)
    entropy = sheet.entropy(secret)
    return slots.seed_of_sheet(entropy, slot.kdf) if isinstance(slot.kdf, Hkdf) and entropy else None


def _settled(folder: Path, file: Slots, by: Slot, keys: tuple[Numbered, ...]) -> Opened:
    """What the slot opened, and the slots put in order: the key of a rekey that did not come about is dropped, a sheet
    that opened the box has been tried, a damaged copy is written anew.

    While the WAL holds anything both keys stay (`Keeper.reconcile` drops the other one): without it the file may still
    be sealed for the older key. None of that may keep a box locked: a disk that refuses is the store's to complain of.
    """
    right = right_one(folder, keys)
    with suppress(Fault, OSError):
        wanted = file
        if file.keys() != (right.number,) and probe.opens_alone(folder / "hearth.db", right.key):
            wanted = _each(wanted, lambda slot: slots.without(slot, right.number))
        if not by.tried_at:
            tried = now_text()
            wanted = _each(wanted, lambda s: msgspec.structs.replace(s, tried_at=tried) if s.id == by.id else s)
        if wanted != file:
            slotpair.save(folder, wanted)
        else:
            slotpair.mend(folder)
    return Opened(right.key, right.number, by.id)


def _each(file: Slots, change: Callable[[Slot], Slot]) -> Slots:
    changed = (change(slot) for slot in file.slots)
    return msgspec.structs.replace(file, slots=tuple(slot for slot in changed if slot.seals))


def _open_version_1(folder: Path, slot: Slot1, passphrase: str) -> Opened:
    """As version 0.4 wrote it; the same passphrase gets a slot of today at the same cost.

    And of the same salt: so the ledger knows its public key if that passphrase was removed and the old file comes back.
    """
    old = slot.kdf
    kdf = Argon2(memory=old.memory, iterations=old.iterations, lanes=old.lanes, salt=old.salt)
    seed = slots.seed_of_passphrase(passphrase, kdf)
    try:
        key = StoreKey(ChaCha20Poly1305(seed).decrypt(slot.nonce, slot.wrapped, slot.header()))
    except InvalidTag:
        raise Fault("wrong_passphrase") from None
    fresh = slots.of_derived(passphrase, kdf, "", slotpair.made_at(folder), (Numbered(1, key),))
    with suppress(Fault):
        slotpair.save(folder, Slots(generation=0, slots=(fresh,)))
    return Opened(key, 1, fresh.id)
