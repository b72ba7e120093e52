"""Argon2id (RFC 9106) for staff passwords, in PHC string format.

Slow on purpose: call it off the event loop and outside a transaction.
"""

from __future__ import annotations

import functools
import os

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

# RFC 9106 section 4's second choice is t=3, 64 MiB; 32 MiB and t=3 keeps a Pi 4 under half a second with two at once.
_MEMORY_KIB, _PASSES, _LANES = 32 * 1024, 3, 1


def hash_password(password: str) -> str:
    """A PHC string with a fresh salt."""
    kdf = Argon2id(salt=os.urandom(16), length=32, iterations=_PASSES, lanes=_LANES, memory_cost=_MEMORY_KIB)
    return kdf.derive_phc_encoded(password.encode())


def verify_password(password: str, phc: str) -> bool:
    """Whether `password` is the one that `phc` was made from."""
    try:
        Argon2id.verify_phc_encoded(password.encode(), phc)
    except InvalidKey:
        return False
    return True


@functools.cache
def nobody() -> str:
    """Verified when there is no such account, so that the answer takes as long: account names do not show by timing."""
    return hash_password(os.urandom(16).hex())
