"""inside.sealed: what belongs to a box beside its store, and what the store must hold; readable with the store's key.

ChaCha20-Poly1305 under a key derived from the store's (HKDF-SHA256): 12 bytes of nonce, then the sealed JSON. The
settings hold the clinic's name and telephone number, so they never lie on a stick in clear.
"""

from __future__ import annotations

import os

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.copies.manifest import INSIDE
from appliance.faults import Fault
from appliance.store.key import StoreKey

_INFO = b"hearth backup inside 1"
_NONCE = 12  # bytes
MAX_FILE = 64 * 1024  # bytes of a settings file or HQ's public facts; a longer one is none of ours and stays behind


class Inside(msgspec.Struct, frozen=True, kw_only=True):
    """`counts`: rows of each table. `files`: settings and HQ's public facts, by name below the home."""

    counts: dict[str, int]
    files: dict[str, bytes]


def seal(inside: Inside, key: StoreKey) -> bytes:
    """The bytes of inside.sealed."""
    nonce = os.urandom(_NONCE)
    return nonce + ChaCha20Poly1305(_derived(key)).encrypt(nonce, msgspec.json.encode(inside), _INFO)


def open_sealed(content: bytes, key: StoreKey) -> Inside:
    """What was sealed. Fault("backup_damaged")."""
    try:
        plain = ChaCha20Poly1305(_derived(key)).decrypt(content[:_NONCE], content[_NONCE:], _INFO)
        return msgspec.json.decode(plain, type=Inside)
    except (InvalidTag, ValueError, msgspec.MsgspecError):
        raise Fault("backup_damaged", INSIDE) from None


def _derived(key: StoreKey) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(key.raw())
