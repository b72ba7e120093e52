"""The certificate of the box's own name: key and request made here, the chain that HQ got checked. Bytes in, bytes out.

The name is HQ's to choose (an item `tls_name`). Nothing about care or the clinic is in the request but that name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sync.faults import SyncFault

_UNREADABLE = (
    x509.ExtensionNotFound,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    x509.InvalidVersion,
)


@dataclass(frozen=True, slots=True)
class Named:
    """Key and chain in PEM, for the name, until `ends`."""

    name: str
    key: bytes = field(repr=False)
    chain: bytes
    ends: datetime

    @property
    def file(self) -> bytes:
        """Both in one, as the TLS context loads them."""
        return self.key + self.chain


def new_request(name: str) -> tuple[bytes, str]:
    """A fresh key (PKCS #8) and the request for a certificate (PKCS #10, RFC 2986), both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem, request.public_bytes(serialization.Encoding.PEM).decode("ascii")


def fitted(name: str, key: bytes, chain: str, now: datetime) -> Named:
    """The chain with its key, if it fits: the leaf's key is ours, the name is in it and none of the box's own (.local),
    it has not ended.

    `certificate_unfit`. That it begins in the future is borne: the box's clock may be behind.
    """
    try:
        leaf = x509.load_pem_x509_certificates(chain.encode("ascii"))[0]
        alternatives = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = alternatives.get_values_for_type(x509.DNSName)
        ours = serialization.load_pem_private_key(key, password=None).public_key()
        local = any(one.lower().rstrip(".").endswith(".local") for one in names)
        fits = leaf.public_key() == ours and name in names and not local
    except (ValueError, TypeError, IndexError, UnsupportedAlgorithm, *_UNREADABLE):
        raise SyncFault("certificate_unfit") from None
    if not fits or leaf.not_valid_after_utc <= now:
        raise SyncFault("certificate_unfit")
    return Named(name, key, chain.encode("ascii"), leaf.not_valid_after_utc)
