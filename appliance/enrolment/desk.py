"""The spool as enrolment uses it: the courier's key and certificate, and questions that the courier carries to HQ.

ask/enrol-<hex>.request, .answer      one question at a time; the name is of its bytes, so an old answer is none
tls/courier.csr, courier.pem          the courier's key asks for a certificate; the certificate, written here
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.enrolment.rules import Certificate
from sync.faults import SyncFault
from sync.spool import Spool, read_bounded, write_whole

PATH = "/v1/enrolments"
MAX_PEM = 16_384  # bytes
MAX_TOLD = 393_216  # bytes of an answer file: the largest answer in base64, and some
_NAME = re.compile(r"^enrol-[0-9a-f]{16}\.(request|answer)$")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An answer file. `status` of HTTP and `body` in base64, or `fault` when there was no answer."""

    status: int = 0
    body: str = ""
    fault: str = ""


class Desk:
    """Blocking file access: call it from a thread. Raises OSError."""

    def __init__(self, root: Path) -> None:
        self._spool = Spool(root)
        self._ask = root / "ask"
        self._tls = root / "tls"

    def csr(self) -> bytes | None:
        """The courier's signing request, DER; None while the courier has made no key yet."""
        try:
            request = x509.load_pem_x509_csr(read_bounded(self._tls / "courier.csr", MAX_PEM) or b"")
            return request.public_bytes(Encoding.DER)
        except (ValueError, UnsupportedAlgorithm):
            return None

    def certificate(self) -> Certificate | None:
        """The courier's certificate, None when there is none that can be read."""
        try:
            found = x509.load_pem_x509_certificate(read_bounded(self._tls / "courier.pem", MAX_PEM) or b"")
            fits = _public(found) == self._wanted()
        except (ValueError, UnsupportedAlgorithm):
            return None
        begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
        return Certificate(begins.timestamp(), ends.timestamp(), fits)

    def ends_text(self, certificate: Certificate | None) -> str:
        """When it ends, RFC 3339, or ""."""
        if certificate is None:
            return ""
        return datetime.fromtimestamp(certificate.ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def put_certificate(self, pem: bytes) -> None:
        """For the courier, which takes it up by itself. SyncFault `other_certificate`: not for the courier's key."""
        try:
            public = _public(x509.load_pem_x509_certificate(pem))
        except (ValueError, UnsupportedAlgorithm):
            raise SyncFault("other_certificate") from None
        if public != self._wanted():
            raise SyncFault("other_certificate")
        write_whole(self._tls / "courier.pem", pem)

    def courier_fault(self) -> str:
        """What the courier last met, "" when it went well."""
        return self._spool.status().fault

    def put_request(self, url: str, raw: bytes) -> None:
        """Ask the courier to carry it. There already: nothing is written."""
        request = self._ask / f"{_name(raw)}.request"
        if request.exists():
            return
        self.clear()
        self._ask.mkdir(mode=0o770, parents=True, exist_ok=True)
        fields = {"path": PATH, "url": url, "body": base64.b64encode(raw).decode("ascii"), "trust": "any"}
        write_whole(request, msgspec.json.encode(fields))

    def answered(self, raw: bytes) -> Told | None:
        """The answer to these very bytes, None while there is none."""
        told = read_bounded(self._ask / f"{_name(raw)}.answer", MAX_TOLD) if raw else None
        if told is None:
            return None
        try:
            return msgspec.json.decode(told if len(told) <= MAX_TOLD else b"", type=Told)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Told(fault="hq_failed")

    def clear(self) -> None:
        """Take questions and answers away."""
        try:
            names = [path for path in self._ask.iterdir() if _NAME.match(path.name)]
        except FileNotFoundError:
            return
        for path in names:
            path.unlink(missing_ok=True)

    def _wanted(self) -> bytes:
        csr = self.csr()
        return b"" if csr is None else _public(x509.load_der_x509_csr(csr))


def _public(of: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    return of.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _name(raw: bytes) -> str:
    return f"enrol-{hashlib.sha256(raw).hexdigest()[:16]}"
