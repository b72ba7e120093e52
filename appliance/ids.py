"""Random names of things. They carry no meaning, so a URL or a log line that holds one says nothing of a person."""

from __future__ import annotations

import hashlib
import secrets

# 30 letters and digits without 0 and O, 1, I and L, U: read aloud and typed without doubt.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id() -> str:
    """An opaque id: 16 random bytes, 22 URL-safe characters."""
    return secrets.token_urlsafe(16)


def new_token() -> str:
    """A bearer token: 32 random bytes, 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What the store keeps of a token. Plain SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()  # a header may hold any bytes
