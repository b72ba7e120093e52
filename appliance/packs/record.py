"""What HQ hears back: records of a pack's fate and of a wanted certificate, as bytes. Pure. RECORDS.md tells more."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

APPLIED, REFUSED, TLS_REQUEST = "pack_applied", "pack_refused", "tls_request"


class PackFate(msgspec.Struct, frozen=True, kw_only=True):
    """`record`: pack_applied or pack_refused. `hash` (hex) of the pack; `code` why it was refused; "void" when it was
    passed over because a later pack said so; `kinds` of its items."""

    record: str
    version: int = 1
    number: int
    hash: str
    code: str = ""
    kinds: Sequence[str] = ()


class TlsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`csr`: PKCS #10 in PEM, for `name`."""

    record: str = TLS_REQUEST
    version: int = 1
    name: str
    csr: str


def fate(record: str, number: int, digest: bytes, code: str = "", kinds: Sequence[str] = ()) -> bytes:
    """JSON in UTF-8."""
    return msgspec.json.encode(
        PackFate(record=record, number=number, hash=digest.hex(), code=code, kinds=tuple(dict.fromkeys(kinds)))
    )


def tls_request(name: str, csr: str) -> bytes:
    """JSON in UTF-8."""
    return msgspec.json.encode(TlsRequest(name=name, csr=csr))
