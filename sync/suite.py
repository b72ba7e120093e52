"""Suite 1: the only file that imports `cryptography` for sealing and signing.

Seal: HPKE base mode (RFC 9180), single shot, KEM MLKEM768-X25519 ("X-Wing", 0x647a), KDF HKDF-SHA256 (0x0001),
AEAD ChaCha20Poly1305 (0x0003). Sign: Ed25519 (RFC 8032), always over a label first, so that a signature over one kind
of thing is never one over another. Hash: SHA-256. Private keys never print.
"""

from __future__ import annotations

import hashlib
import secrets

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from sync.faults import SyncFault

SUITE = 1
HASH_SIZE = 32
SIGNATURE_SIZE = 64
SEED_SIZE = 32  # bytes of either private key as it is kept
VERIFY_KEY_SIZE = 32
MLKEM_PUBLIC_SIZE = 1184
RECORD_KEY_SIZE = MLKEM_PUBLIC_SIZE + 32  # X-Wing public key: ML-KEM-768's, then X25519's
SEAL_OVERHEAD = 1136  # ML-KEM ciphertext 1088, X25519 share 32, Poly1305 tag 16

_HPKE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def digest(data: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(data).digest()


def new_seed() -> bytes:
    """32 fresh random bytes for a signing or a record key."""
    return secrets.token_bytes(SEED_SIZE)


class SigningKey:
    """An Ed25519 private key; `public` is its 32-byte verify key."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_SIZE:
            raise SyncFault("bad_key_file")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return "SigningKey(…)"

    def sign(self, label: bytes, message: bytes) -> bytes:
        """Sign `label` followed by `message`: 64 bytes. Labels end with a zero byte and are of one format only."""
        return self._key.sign(label + message)


def verify(public: bytes, label: bytes, message: bytes, signature: bytes) -> None:
    """Raise `bad_signature` unless `signature` is over `label` and `message` with the key `public` (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, label + message)
    except (InvalidSignature, ValueError):
        raise SyncFault("bad_signature") from None


class RecordKey:
    """HQ's opening key. Its seed is expanded as X-Wing does: SHAKE256 to 64 bytes of ML-KEM seed and 32 of X25519."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_SIZE:
            raise SyncFault("bad_key_file")
        expanded = hashlib.shake_256(seed).digest(96)
        lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        curve = X25519PrivateKey.from_private_bytes(expanded[64:])
        self._key = MLKEM768X25519PrivateKey(lattice, curve)
        self.public = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return "RecordKey(…)"

    def open(self, info: bytes, sealed: bytes) -> bytes:
        """Plaintext of `sealed`, which must have been sealed with the same `info`; else `cannot_open`."""
        try:
            return _HPKE.decrypt(sealed, self._key, info=info)
        except (InvalidTag, ValueError):
            raise SyncFault("cannot_open") from None


def recipient(public: bytes) -> MLKEM768X25519PublicKey:
    """The X-Wing public key from its 1,216 bytes; `malformed_facts` when they are none."""
    try:
        if len(public) != RECORD_KEY_SIZE:
            raise ValueError
        lattice = MLKEM768PublicKey.from_public_bytes(public[:MLKEM_PUBLIC_SIZE])
        curve = X25519PublicKey.from_public_bytes(public[MLKEM_PUBLIC_SIZE:])
    except ValueError:
        raise SyncFault("malformed_facts") from None
    return MLKEM768X25519PublicKey(lattice, curve)


def seal(public: bytes, info: bytes, plaintext: bytes) -> bytes:
    """Seal to the record key `public`; the result is SEAL_OVERHEAD bytes longer. Random: never the same twice."""
    return _HPKE.encrypt(plaintext, recipient(public), info=info)
