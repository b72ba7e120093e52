"""Making and opening one slot. Every slot is sealed to a public key; its kind says where the private half comes from.

    passphrase   Argon2id of the passphrase              sheet     HKDF of the sheet's 128 bits
    hq           HQ's record key, private half at HQ     machine   a seed that systemd-creds holds

So a new store key can be sealed into every slot without anybody's secret. SLOTS.md has the bytes. Slow on purpose where
a passphrase is concerned: call from a thread, never from the event loop.
"""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.faults import Fault
from appliance.store.key import SIZE, StoreKey
from appliance.store.slotfile import Answer, Argon2, Hkdf, Kind, Seal, Slot
from sync import suite
from sync.faults import SyncFault

MAX_PASSPHRASE = 1024  # characters: a longer one is a mistake or an attack on the key derivation
MIN_PASSPHRASE = 12  # characters; Argon2id makes each guess cost a tenth of a second
_SHEET = b"hearth recovery sheet 2"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one try costs: Argon2id memory in KiB, passes and lanes (RFC 9106 section 3.1)."""

    memory: int
    iterations: int
    lanes: int


# Twice the memory of RFC 9106's second recommended option (section 4: t=3, p=4, 64 MiB; the first one asks for 2 GiB,
# more than a Pi 4 may have). One unlocking a start may take a second or two; a Pi with 1 GiB can still spare 128 MiB.
BOX_COST = Cost(memory=128 * 1024, iterations=3, lanes=4)


@dataclass(frozen=True, slots=True)
class Numbered:
    """A store key and its number: the first is 1, each rekey takes the next."""

    number: int
    key: StoreKey


def of_passphrase(
    passphrase: str, label: str, at: str, keys: tuple[Numbered, ...], cost: Cost = BOX_COST, identifier: str = ""
) -> Slot:
    """A slot that this passphrase opens, new or in place of `identifier`. It counts as tried: it was typed twice."""
    kdf = Argon2(memory=cost.memory, iterations=cost.iterations, lanes=cost.lanes, salt=os.urandom(16))
    return of_derived(passphrase, kdf, label, at, keys, identifier)


def of_derived(
    passphrase: str, kdf: Argon2, label: str, at: str, keys: tuple[Numbered, ...], identifier: str = ""
) -> Slot:
    """The same with a derivation that is given: one passphrase and one salt always make the same public key."""
    bare = _bare("passphrase", label, at, at, kdf, suite.RecordKey(seed_of_passphrase(passphrase, kdf)).public)
    return _sealed(msgspec.structs.replace(bare, id=identifier or bare.id), keys)


def of_sheet(entropy: bytes, label: str, at: str, keys: tuple[Numbered, ...]) -> Slot:
    """A new slot that a sheet's 16 bytes open; not tried yet."""
    kdf = Hkdf(salt=os.urandom(16))
    public = suite.RecordKey(seed_of_sheet(entropy, kdf)).public
    return _sealed(_bare("sheet", label, at, "", kdf, public), keys)


def of_public(kind: Kind, public: bytes, label: str, at: str, keys: tuple[Numbered, ...]) -> Slot:
    """A new slot whose private half is elsewhere. Fault("bad_request") if that is no public key."""
    try:
        return _sealed(_bare(kind, label, at, "", None, public), keys)
    except SyncFault:
        raise Fault("bad_request", "not a public key") from None


def public_of(seed: bytes) -> bytes:
    """The public key that belongs to 32 bytes."""
    return suite.RecordKey(seed).public


def resealed(slot: Slot, keys: tuple[Numbered, ...]) -> Slot:
    """The same slot for these keys: needs nobody's secret."""
    return _sealed(msgspec.structs.replace(slot, seals=()), keys)


def without(slot: Slot, keep: int) -> Slot:
    """The slot with the seal of key number `keep` only."""
    return msgspec.structs.replace(slot, seals=tuple(seal for seal in slot.seals if seal.key == keep))


def opened(slot: Slot, seed: bytes) -> tuple[Numbered, ...]:
    """The keys in the slot, the newest first; none if the seed is not the slot's."""
    private = suite.RecordKey(seed)
    if private.public != slot.public:
        return ()
    found = [(seal.key, _unsealed(private, slot, seal)) for seal in slot.seals]
    return tuple(Numbered(number, key) for number, key in sorted(found, key=lambda pair: -pair[0]) if key is not None)


def seed_of_passphrase(passphrase: str, kdf: Argon2) -> bytes:
    """32 bytes. NFKC: the same passphrase typed on a phone, a console and a Mac gives the same bytes."""
    text = unicodedata.normalize("NFKC", passphrase).encode("utf-8", "surrogatepass")
    return Argon2id(
        salt=kdf.salt, length=32, iterations=kdf.iterations, lanes=kdf.lanes, memory_cost=kdf.memory
    ).derive(text)


def seed_of_sheet(entropy: bytes, kdf: Hkdf) -> bytes:
    """32 bytes."""
    return HKDF(algorithm=SHA256(), length=32, salt=kdf.salt, info=_SHEET).derive(entropy)


def answered(seed: bytes, answer: Answer) -> tuple[Numbered, ...]:
    """The keys that HQ has sealed anew to the one-time key of a request, the newest first; none if it is not ours."""
    private = suite.RecordKey(seed)
    found = []
    for seal in answer.seals:
        bound = f"hearth slot answer 1\n{answer.request}\nkey {seal.key}".encode()
        try:
            found.append(Numbered(seal.key, StoreKey(private.open(bound, seal.sealed))))
        except (SyncFault, ValueError):
            return ()
    return tuple(sorted(found, key=lambda one: -one.number))


def info(slot: Slot, number: int) -> bytes:
    """What a seal is bound to: all that the slot says of itself, and which key this is."""
    return slot.header() + f"\nkey {number}".encode()


def _bare(kind: Kind, label: str, at: str, tried: str, kdf: Argon2 | Hkdf | None, public: bytes) -> Slot:
    identifier = os.urandom(8).hex()
    return Slot(id=identifier, kind=kind, label=label, made_at=at, tried_at=tried, kdf=kdf, public=public, seals=())


def _sealed(slot: Slot, keys: tuple[Numbered, ...]) -> Slot:
    seals = (
        Seal(key=one.number, sealed=suite.seal(slot.public, info(slot, one.number), one.key.raw())) for one in keys
    )
    return msgspec.structs.replace(slot, seals=tuple(seals))


def _unsealed(private: suite.RecordKey, slot: Slot, seal: Seal) -> StoreKey | None:
    try:
        raw = private.open(info(slot, seal.key), seal.sealed)
    except SyncFault:
        return None
    return StoreKey(raw) if len(raw) == SIZE else None
