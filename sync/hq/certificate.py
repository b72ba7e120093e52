"""TLS at HQ: its own certificate, and the authority that names boxes.

HQ's certificate is self-signed and pinned by every box, so no public authority can stand in for HQ. Boxes get client
certificates from an authority of HQ's own, whose name is the box id and which nobody else trusts.
"""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sync import keys
from sync.faults import SyncFault

# Boxes compare the certificate itself and do not look at dates (a Pi's clock may stand in 1970 after a power cut): the
# term only keeps other tools content.
_TERM = datetime.timedelta(days=3650)
_AUTHORITY_TERM = datetime.timedelta(days=365 * 50)  # longer than any box: its end would shut out all of them at once
CLIENT_TERM = datetime.timedelta(days=730)  # of a box's certificate; it renews by itself in the last third
_EARLIER = datetime.timedelta(days=1)  # servers' clocks differ
MAX_CSR = 4096  # bytes, DER


@dataclass(frozen=True, slots=True)
class Issued:
    """A box's client certificate: PEM, its serial number as hex, when it ends."""

    pem: bytes
    serial: str
    ends: datetime.datetime


def self_signed(host: str, now: datetime.datetime) -> tuple[bytes, bytes]:
    """(private key, certificate), both PEM, for a host name or an IP address. P-256: every TLS library has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Hearth HQ")
    certificate = (
        _builder(name, name, key.public_key(), now, _TERM)
        .add_extension(x509.SubjectAlternativeName([_alternative(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _private(key), certificate.public_bytes(Encoding.PEM)


def authority(now: datetime.datetime) -> tuple[bytes, bytes]:
    """(private key, certificate), both PEM, of the authority that issues boxes' certificates."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Hearth boxes")
    usage = _usage(signs_certificates=True)
    certificate = (
        _builder(name, name, key.public_key(), now, _AUTHORITY_TERM)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _private(key), certificate.public_bytes(Encoding.PEM)


def issue(csr: bytes, box: bytes, authority_key: bytes, authority_pem: bytes, now: datetime.datetime) -> Issued:
    """A client certificate for the key of `csr` (DER), named after the box whatever the request says of itself.

    `malformed_facts` for a request that is none, or not signed by its own key; `bad_key_file` for HQ's own files.
    """
    public = csr_key(csr)
    try:
        signer = load_pem_private_key(authority_key, None)
        issuer = x509.load_pem_x509_certificate(authority_pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SyncFault("bad_key_file") from None
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise SyncFault("bad_key_file")
    made = (
        _builder(_name(box.hex()), issuer.subject, public, now, CLIENT_TERM)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return Issued(made.public_bytes(Encoding.PEM), f"{made.serial_number:x}", made.not_valid_after_utc)


def read(pem: bytes) -> Issued:
    """A certificate that was issued before; `malformed_facts`."""
    try:
        found = x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise SyncFault("malformed_facts") from None
    return Issued(pem, f"{found.serial_number:x}", found.not_valid_after_utc)


def csr_key(csr: bytes) -> ec.EllipticCurvePublicKey:
    """The P-256 key that a signing request (DER) proves to have; `malformed_facts`."""
    try:
        request = x509.load_der_x509_csr(csr if len(csr) <= MAX_CSR else b"")
        public, proved = request.public_key(), request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature):
        raise SyncFault("malformed_facts") from None
    if not proved or not isinstance(public, ec.EllipticCurvePublicKey) or public.curve.name != "secp256r1":
        raise SyncFault("malformed_facts")
    return public


def box_of_certificate(peer: Mapping[str, Any] | None, now: float) -> bytes | None:
    """Whose client certificate this is; None: the peer has shown none. `peer` is what `getpeercert()` gives on a
    connection of `folder.server_context`, where the handshake checked the authority and not the date: so an ended one
    is told in words, by `certificate_ended`, and not as a line that breaks."""
    if not peer:
        return None
    names = [value for part in peer.get("subject", ()) for key, value in part if key == "commonName"]
    box = keys.box_from_text(names[0]) if len(names) == 1 else None
    if box is not None and ssl.cert_time_to_seconds(peer["notAfter"]) < now:
        raise SyncFault("certificate_ended")
    return box


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    now: datetime.datetime,
    term: datetime.timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + term)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
