"""The box's key for TLS towards HQ: made by the courier, never leaves its folder. HQ certifies it at enrolment.

tls/courier.key   P-256, PKCS#8, 0600        tls/courier.csr   the request for a certificate (RFC 2986), PEM, 0640
"""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from sync.spool import read_bounded, write_whole

MAX_KEY = 16_384


def prepare(folder: Path) -> None:
    """Key and request are there afterwards, and the request is for that key, whatever a crash left between the two.

    A key that cannot be read is replaced: its certificate is of no use.

    Raises OSError.
    """
    folder.mkdir(mode=0o770, parents=True, exist_ok=True)
    key = _load(folder)
    if key is None:
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_whole(folder / "courier.key", pem, mode=0o600)
    elif _asks_for(folder, key):
        return
    write_whole(folder / "courier.csr", request(key))


def _asks_for(folder: Path, key: ec.EllipticCurvePrivateKey) -> bool:
    raw = read_bounded(folder / "courier.csr", MAX_KEY)
    try:
        return raw is not None and x509.load_pem_x509_csr(raw).public_key() == key.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False


def request(key: ec.EllipticCurvePrivateKey) -> bytes:
    """What HQ signs; it puts the box's id in as the name itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hearth courier")])
    built = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return built.public_bytes(Encoding.PEM)


def belongs(folder: Path, certificate: x509.Certificate) -> bool:
    """Whether the certificate is one for our key."""
    key = _load(folder)
    if key is None:
        return False
    ours = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    try:
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == ours
    except (ValueError, UnsupportedAlgorithm):
        return False


def _load(folder: Path) -> ec.EllipticCurvePrivateKey | None:
    raw = read_bounded(folder / "courier.key", MAX_KEY)
    try:
        key = None if raw is None else load_pem_private_key(raw, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None
