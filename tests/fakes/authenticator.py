"""A security key in memory: answers as a browser would hand it on (W3C Web Authentication, sections 6.1 and 6.5)."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

PRESENT, VERIFIED, CREDENTIAL = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One credential. `count` rises with each use unless it is held at 0, as most passkeys do."""

    counts: bool = True
    count: int = 0
    flags: int = PRESENT | VERIFIED
    id: bytes = field(default_factory=lambda: os.urandom(32))
    _key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: str, origin: str, **client: Any) -> str:
        """What `navigator.credentials.create` gives for these options on a page of that origin."""
        asked = json.loads(options)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": self._data(asked["rp"]["id"], new=True)})
        response = {
            "clientDataJSON": bytes_to_base64url(_client("webauthn.create", asked["challenge"], origin, client)),
            "attestationObject": bytes_to_base64url(attestation),
        }
        return self._answer(response)

    def sign(self, options: str, origin: str, *, host: str = "", **client: Any) -> str:
        """What `navigator.credentials.get` gives. `host`: of another relying party than the one that asked."""
        asked = json.loads(options)
        self.count += self.counts
        data = self._data(host or asked["rpId"])
        told = _client("webauthn.get", asked["challenge"], origin, client)
        signature = self._key.sign(data + hashlib.sha256(told).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": bytes_to_base64url(told),
            "authenticatorData": bytes_to_base64url(data),
            "signature": bytes_to_base64url(signature),
        }
        return self._answer(response)

    def _data(self, host: str, *, new: bool = False) -> bytes:
        flags = self.flags | (CREDENTIAL if new else 0)
        data = hashlib.sha256(host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")
        return data + bytes(16) + len(self.id).to_bytes(2, "big") + self.id + self._cose() if new else data

    def _cose(self) -> bytes:
        """ES256 on P-256 (RFC 9053 section 2.1)."""
        at = self._key.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: at.x.to_bytes(32, "big"), -3: at.y.to_bytes(32, "big")})

    def _answer(self, response: dict[str, str]) -> str:
        own = bytes_to_base64url(self.id)
        whole = {"id": own, "rawId": own, "type": "public-key", "response": response, "clientExtensionResults": {}}
        return json.dumps(whole)


def _client(kind: str, challenge: str, origin: str, more: dict[str, Any]) -> bytes:
    base64url_to_bytes(challenge)
    return json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False, **more}).encode()
