"""FORMAT.md, followed word by word with bare primitives: nothing of `sync` and no HPKE library is used to read."""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from pathlib import Path

import pytest
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

VECTORS = Path(__file__).parents[2] / "vectors"
SUITE_ID = b"HPKE" + bytes.fromhex("647a00010003")


def read(path: Path) -> tuple[dict[str, str], bytes]:
    head, _, raw = path.read_bytes().partition(b"\n\n")
    return dict(line.split(": ", 1) for line in head.decode("ascii").splitlines()), raw


def extract(label: bytes, secret: bytes, salt: bytes = b"") -> bytes:
    """LabeledExtract of RFC 9180 section 4."""
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + SUITE_ID + label + secret, "sha256")


def expand(key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """LabeledExpand of RFC 9180 section 4; 32 bytes at most, so one round of HKDF-Expand."""
    labeled = struct.pack(">H", length) + b"HPKE-v1" + SUITE_ID + label + info
    return hmac.digest(key, labeled + b"\x01", "sha256")[:length]


def x_wing(seed: bytes, share: bytes) -> bytes:
    """Decapsulate: 1088 bytes of ML-KEM-768, 32 bytes of X25519."""
    expanded = hashlib.shake_256(seed).digest(96)
    curve = X25519PrivateKey.from_private_bytes(expanded[64:])
    lattice_secret = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).decapsulate(share[:1088])
    curve_secret = curve.exchange(X25519PublicKey.from_public_bytes(share[1088:]))
    public = curve.public_key().public_bytes_raw()
    return hashlib.sha3_256(lattice_secret + curve_secret + share[1088:] + public + b"\\.//^\\").digest()


def hpke_open(seed: bytes, info: bytes, sealed: bytes) -> bytes:
    """Single-shot base mode of RFC 9180 section 6.1."""
    context = b"\x00" + extract(b"psk_id_hash", b"") + extract(b"info_hash", info)
    secret = extract(b"secret", b"", salt=x_wing(seed, sealed[:1120]))
    key, nonce = expand(secret, b"key", context, 32), expand(secret, b"base_nonce", context, 12)
    return ChaCha20Poly1305(key).decrypt(nonce, sealed[1120:], b"")


def records(padded: bytes) -> list[list[object]]:
    version, coding, length = struct.unpack_from(">BBI", padded)
    assert version == 1
    coded = padded[6 : 6 + length]
    framed = zstandard.ZstdDecompressor().decompress(coded) if coding else coded
    found: list[list[object]] = []
    while framed:
        number, size = struct.unpack_from(">QB", framed)
        name, framed = framed[9 : 9 + size], framed[9 + size :]
        at, framed = framed[1 : 1 + framed[0]], framed[1 + framed[0] :]
        (size,) = struct.unpack_from(">I", framed)
        found.append([str(number), name.decode(), at.decode(), framed[4 : 4 + size].hex()])
        framed = framed[4 + size :]
    return found


@pytest.mark.parametrize("name", ["one_record", "many_records", "stored", "second"])
def test_an_envelope_can_be_read_from_the_document_alone(name: str) -> None:
    facts, raw = read(VECTORS / "envelope" / f"{name}.vector")
    magic, version, suite, kind, box, _, _, _, length = struct.unpack_from(">4sBBH16sQ32s16sI", raw)
    assert (magic, version, suite, kind, box.hex()) == (b"HSEG", 1, 1, 1, facts["box"])
    header, sealed, signature = raw[:84], raw[84 : 84 + length], raw[84 + length :]
    signer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(facts["box_verify_key"]))
    signer.verify(signature, b"hearth segment signature 1\0" + header + sealed)
    padded = hpke_open(bytes.fromhex(facts["record_seed"]), b"hearth segment seal 1\0" + header, sealed)
    assert records(padded) == json.loads(facts["result"])["records"]


@pytest.mark.parametrize("name", ["one", "seven"])
def test_a_receipt_can_be_read_from_the_document_alone(name: str) -> None:
    facts, raw = read(VECTORS / "receipt" / f"{name}.vector")
    magic, _, _, count, box, _, _, size, at = struct.unpack_from(">4sBBH16s32s16sQQ", raw)
    result = json.loads(facts["result"])
    assert (magic, box.hex(), str(size), str(at)) == (b"HRCT", facts["box"], result["size"], result["at"])
    signer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(facts["hq_verify_key"]))
    signer.verify(raw[-64:], b"hearth receipt signature 1\0" + raw[:-64])
    peaks = [raw[88 + 32 * n : 120 + 32 * n] for n in range(count)]
    root = peaks.pop()
    while peaks:
        root = hashlib.sha256(b"\x01" + peaks.pop() + root).digest()
    assert root.hex() == result["root"]
