"""Leaf credentials as PROTOCOL.md has them: what a browser believes of whose key a leaf's is. Pure."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.groups.rules import Credential, b64url, payload, signed_bytes


def identity(seed: bytes, credential: Credential) -> str:
    """The identity of an MLS basic credential (RFC 9420 section 5.3), signed by the key of `seed`."""
    said = payload(credential)
    return f"{said}.{b64url(Ed25519PrivateKey.from_private_bytes(seed).sign(signed_bytes(said)))}"


def public_key(seed: bytes) -> bytes:
    """What the pages check identities with: 32 bytes."""
    key = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
