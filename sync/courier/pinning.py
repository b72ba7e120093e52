"""TLS to HQ: its certificate is one of hq.json's, byte for byte, or nothing is sent; and what else answered there.

Names and dates are not looked at (README decision 10). A network that stands between is told from an HQ that changed.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sync.faults import SyncFault
from sync.keys import HqFacts

# OpenSSL's words when what answers does not speak TLS: a network's own page in plain HTTP.
_PLAIN = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
# HQ's words when it does not like our certificate.
_OURS = ("CERTIFICATE_EXPIRED", "CERTIFICATE_UNKNOWN", "BAD_CERTIFICATE", "UNKNOWN_CA", "CERTIFICATE_REVOKED")


class Pin:
    """For one connection. `fault`: what was found in place of HQ, "" while nothing was."""

    def __init__(self, pinned: Sequence[bytes] | None, host: str) -> None:
        self._pinned = pinned
        self._host = host
        self.fault = ""

    def check(self, shown: bytes) -> None:
        """Raises ssl.SSLError inside the handshake: not one byte of ours follows."""
        if self._pinned is None or shown in self._pinned:
            return
        self.fault = told_apart(shown, self._pinned, self._host)
        raise ssl.SSLError("pin")


def context(pin: Pin, client: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    """TLS 1.3 that ends in its handshake unless `pin` agrees. `client`: certificate and key of this box."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if client is not None:
        try:
            made.load_cert_chain(*client)
        except (ssl.SSLError, OSError):
            raise SyncFault("bad_key_file") from None

    class Pinned(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            pin.check(self.getpeercert(True) or b"")

    made.sslobject_class = Pinned
    return made


def told_apart(shown: bytes, pinned: Sequence[bytes], host: str) -> str:
    """HQ's key in another certificate; a certificate for HQ's name that is not HQ's; something else altogether."""
    word = "wrong_certificate"
    try:
        found = x509.load_der_x509_certificate(shown)
        if _key(found) in [_key(x509.load_der_x509_certificate(one)) for one in pinned]:
            word = "certificate_renewed"
        elif not _fits(host, _names(found)):
            word = "other_server"
    except ValueError:
        return word
    return word


def connect_fault(problem: BaseException | None, pin: Pin) -> SyncFault:
    """Why no line came about, in our words."""
    if pin.fault:
        return SyncFault(pin.fault)
    for cause in _causes(problem):
        if isinstance(cause, SyncFault):
            return cause
        if isinstance(cause, socket.gaierror):
            return SyncFault("name_unknown")
        if isinstance(cause, ssl.SSLError):
            reason = str(getattr(cause, "reason", None) or "").upper()
            if any(word in reason for word in _PLAIN):
                return SyncFault("captive_portal")
            if any(word in reason for word in _OURS):
                return SyncFault("certificate_refused")
    return SyncFault("hq_unreachable")


def host_of(facts: HqFacts) -> str:
    return urlsplit(facts.url).hostname or ""


def _causes(problem: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while problem is not None and len(found) < 8:
        found.append(problem)
        inner: Any = getattr(problem, "os_error", None)  # aiohttp's connector errors carry the cause so
        problem = inner if isinstance(inner, BaseException) and inner is not problem else problem.__cause__
    return found


def _key(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*held.get_values_for_type(x509.DNSName), *map(str, held.get_values_for_type(x509.IPAddress))]


def _fits(host: str, names: Sequence[str]) -> bool:
    return any(
        name.lower() == host or (name.startswith("*.") and host.partition(".")[2] == name[2:].lower()) for name in names
    )
