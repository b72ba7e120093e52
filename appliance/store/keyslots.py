"""The key slots: a passphrase opens a slot, a slot holds the store's key. The passphrase itself is kept nowhere.

Slow on purpose (Argon2id): call from a thread, never from the event loop.
"""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from appliance.faults import Fault
from appliance.store import slotfile
from appliance.store.files import fault_of_os, write_atomically
from appliance.store.key import SIZE, StoreKey

__all__ = ["BOX_COST", "Cost", "StoreKey", "create", "slots_path", "unlock"]

MAX_PASSPHRASE = 1024  # characters: a longer one is a mistake or an attack on the key derivation


@dataclass(frozen=True, slots=True)
class Cost:
    """What one try costs: Argon2id memory in KiB, passes and lanes (RFC 9106 section 3.1)."""

    memory: int
    iterations: int
    lanes: int


# Twice the memory of RFC 9106's second recommended option (section 4: t=3, p=4, 64 MiB; the first one asks for 2 GiB,
# more than a Pi 4 may have). One unlocking a start may take a second or two; a Pi with 1 GiB can still spare 128 MiB.
BOX_COST = Cost(memory=128 * 1024, iterations=3, lanes=4)


def slots_path(folder: Path) -> Path:
    """Where the slots of the store in `folder` are."""
    return folder / "slots.json"


def create(folder: Path, passphrase: str, cost: Cost = BOX_COST) -> StoreKey:
    """A new key in a new slots.json with one passphrase slot.

    Faults: store_exists (slots or a store are here already), bad_request (an empty or endless passphrase),
    home_not_writable, store_failed.
    """
    if slots_path(folder).exists() or (folder / "hearth.db").exists():
        raise Fault("store_exists")
    if not 0 < len(passphrase) <= MAX_PASSPHRASE:
        raise Fault("bad_request", "passphrase length")
    key = StoreKey(os.urandom(SIZE))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise fault_of_os(error) from error
    write_atomically(slots_path(folder), slotfile.serialise((_wrap(key, passphrase, cost),)))
    return key


def unlock(folder: Path, passphrase: str) -> StoreKey:
    """The key. Faults: slots_missing (no file, or a damaged one), wrong_passphrase. Writes nothing."""
    try:
        content = slots_path(folder).read_bytes()
    except OSError:
        raise Fault("slots_missing") from None
    slots = slotfile.parse(content)
    if 0 < len(passphrase) <= MAX_PASSPHRASE:
        for slot in slots:
            key = _unwrap(slot, passphrase)
            if key is not None:
                return key
    raise Fault("wrong_passphrase")


def _wrap(key: StoreKey, passphrase: str, cost: Cost) -> slotfile.Slot:
    kdf = slotfile.Kdf(
        name="argon2id", memory=cost.memory, iterations=cost.iterations, lanes=cost.lanes, salt=os.urandom(16)
    )
    bare = slotfile.Slot(id=os.urandom(8).hex(), kind="passphrase", kdf=kdf, nonce=os.urandom(12), wrapped=b"")
    wrapped = ChaCha20Poly1305(_derive(passphrase, kdf)).encrypt(bare.nonce, key.raw(), bare.header())
    return slotfile.Slot(id=bare.id, kind=bare.kind, kdf=kdf, nonce=bare.nonce, wrapped=wrapped)


def _unwrap(slot: slotfile.Slot, passphrase: str) -> StoreKey | None:
    try:
        raw = ChaCha20Poly1305(_derive(passphrase, slot.kdf)).decrypt(slot.nonce, slot.wrapped, slot.header())
    except InvalidTag:
        return None
    return StoreKey(raw)


def _derive(passphrase: str, kdf: slotfile.Kdf) -> bytes:
    # NFKC: the same passphrase typed on a phone, a console and a Mac gives the same bytes.
    text = unicodedata.normalize("NFKC", passphrase).encode("utf-8", "surrogatepass")
    return Argon2id(
        salt=kdf.salt, length=32, iterations=kdf.iterations, lanes=kdf.lanes, memory_cost=kdf.memory
    ).derive(text)
