"""The box's own certificate authority and the portal's certificate. Bytes and time in, bytes out; no files, no clock.

The authority is name-constrained (RFC 5280 section 4.2.1.10) to `.local`, the box's own names and addresses, and
addresses that are not routed on the internet. Whoever installs it trusts this box on the clinic's network and nobody
anywhere else: a stolen authority key cannot play a bank. Neither certificate says what the box is used for.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650  # installing it on every device is work: not more often than a box lives
AUTHORITY_FROM = datetime(2024, 1, 1, tzinfo=UTC)  # not "now": a box may be set up while its clock is in the future
LEAF_DAYS = 397  # Apple refuses more than 825 days, and a box may be offline for months
RENEW_DAYS = 30  # left when a new one is issued

# RFC 1918, RFC 6598, RFC 3927, RFC 4193, loopback and link-local: what no stranger on the internet can have.
LOCAL_NETWORKS = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Authority:
    """Key (PKCS #8) and certificate, both PEM. The key is kept in the store only."""

    key: bytes = field(repr=False)
    certificate: bytes


def new_authority(names: Sequence[str], addresses: Sequence[str], now: datetime) -> Authority:
    """An authority for a box with these DNS names and addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    # A few hex digits of the key tell two boxes apart in a device's list of authorities.
    label = x509.SubjectKeyIdentifier.from_public_key(public).digest.hex()[:6]
    name = _name(f"Hearth box {label}")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(AUTHORITY_FROM, now))
        .not_valid_after(max(AUTHORITY_FROM, now) + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.NameConstraints(_permitted(names, addresses), None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(_key_pem(key), certificate.public_bytes(serialization.Encoding.PEM))


def issue(authority: Authority, names: Sequence[str], addresses: Sequence[str], now: datetime) -> bytes:
    """The portal's key and certificate in one PEM file. Addresses that the authority may not vouch for are left out."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    issuer_key = serialization.load_pem_private_key(authority.key, password=None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise ValueError("not an authority of ours")
    certificate = (
        _leaf(names[0], key.public_key(), now)
        .issuer_name(issuer.subject)
        .add_extension(_alternatives(names, _vouchable(issuer, addresses)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False)  # type: ignore[arg-type]
        .sign(issuer_key, hashes.SHA256())
    )
    return _key_pem(key) + certificate.public_bytes(serialization.Encoding.PEM)


def stand_in(names: Sequence[str], addresses: Sequence[str], now: datetime) -> bytes:
    """A self-signed PEM file for a box that has never been unlocked, so that it can say so."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _leaf(names[0], key.public_key(), now)
        .issuer_name(_name(names[0]))
        .add_extension(_alternatives(names, map(ipaddress.ip_address, addresses)), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _key_pem(key) + certificate.public_bytes(serialization.Encoding.PEM)


def wants_renewal(leaf: bytes, authority: bytes, names: Sequence[str], addresses: Sequence[str], now: datetime) -> bool:
    """Whether the PEM file `leaf` has to be issued anew: other names or addresses, another issuer, its time is near."""
    try:
        certificate = x509.load_pem_x509_certificate(leaf)
        issuer = x509.load_pem_x509_certificate(authority)
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 - whatever is wrong with the old file, a new one mends it
        return True
    wanted = _alternatives(names, _vouchable(issuer, addresses))
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    left = certificate.not_valid_after_utc - now
    return set(found) != set(wanted) or left < timedelta(days=RENEW_DAYS) or now < certificate.not_valid_before_utc


def days_left(leaf: bytes, now: datetime) -> int:
    """Whole days until the certificate in the PEM file ends; negative when it has ended."""
    return (x509.load_pem_x509_certificate(leaf).not_valid_after_utc - now).days


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate as devices show it. `fingerprint`: SHA-256 in pairs of hex digits."""

    name: str
    fingerprint: str
    ends: datetime
    pem: bytes
    der: bytes


def shown(pem: bytes) -> Shown:
    """The first certificate of a PEM file; nothing else that is in it. ValueError for none."""
    found = x509.load_pem_x509_certificate(pem)
    return Shown(
        name=str(found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value),
        fingerprint=found.fingerprint(hashes.SHA256()).hex(":").upper(),
        ends=found.not_valid_after_utc,
        pem=found.public_bytes(serialization.Encoding.PEM),
        der=found.public_bytes(serialization.Encoding.DER),
    )


def _leaf(name: str, public: ec.EllipticCurvePublicKey, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # clocks on the network differ
        .not_valid_after(now + timedelta(days=LEAF_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _permitted(names: Sequence[str], addresses: Sequence[str]) -> list[x509.GeneralName]:
    hosts: list[x509.GeneralName] = [x509.DNSName(name) for name in dict.fromkeys(("local", "localhost", *names))]
    networks: list[Network] = [ipaddress.ip_network(network) for network in LOCAL_NETWORKS]
    own = [ipaddress.ip_network(address) for address in addresses]
    strangers = [network for network in own if not _inside(network.network_address, networks)]
    return hosts + [x509.IPAddress(network) for network in (*networks, *strangers)]


def _vouchable(
    issuer: x509.Certificate, addresses: Iterable[str]
) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    permitted = issuer.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    networks = [name.value for name in permitted if isinstance(name, x509.IPAddress)]
    parsed = (ipaddress.ip_address(address) for address in addresses)
    return [address for address in parsed if _inside(address, networks)]  # type: ignore[arg-type]


def _inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _alternatives(
    names: Sequence[str], addresses: Iterable[ipaddress.IPv4Address | ipaddress.IPv6Address]
) -> x509.SubjectAlternativeName:
    everywhere = (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"))
    hosts = [x509.DNSName(name) for name in dict.fromkeys((*names, "localhost"))]
    return x509.SubjectAlternativeName(
        [*hosts, *(x509.IPAddress(address) for address in dict.fromkeys((*addresses, *everywhere)))]
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
