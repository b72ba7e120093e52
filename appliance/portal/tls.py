"""The portal's TLS: files under tls/, renewed from the authority in the store, loaded into one context.

    ca.pem       the authority's certificate, for devices that are to trust the box
    portal.pem   the portal's key and certificate in one file, so that the two are always replaced together

portal.pem is outside the store on purpose: a locked box must be able to say, over TLS, that it is not unlocked yet.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from appliance import clock
from appliance.portal import certificates, rows
from appliance.portal.certificates import Authority
from appliance.store.database import Database, Transaction
from appliance.store.files import write_atomically

CA_FILE = "ca.pem"
PORTAL_FILE = "portal.pem"

# TLS 1.3 has only good suites; of 1.2 those with forward secrecy and authenticated encryption (RFC 9325 section 4.2).
TLS_1_2_SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"


def bare() -> ssl.SSLContext:
    """How the portal speaks TLS, without a certificate yet."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(TLS_1_2_SUITES)
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    made.set_alpn_protocols(["http/1.1"])
    return made


def context(folder: Path, names: Sequence[str] = ("hearth.local",), addresses: Sequence[str] = ()) -> ssl.SSLContext:
    """The portal's context from portal.pem. A box without one shows a self-signed stand-in until it is unlocked."""
    made = bare()
    try:
        made.load_cert_chain(folder / PORTAL_FILE)
    except (OSError, ssl.SSLError):
        write_atomically(folder / PORTAL_FILE, certificates.stand_in(names, addresses, clock.moment()))
        made.load_cert_chain(folder / PORTAL_FILE)
    return made


def fingerprint(folder: Path) -> str:
    """Of the authority's certificate, as devices show it; "" where there is none yet."""
    try:
        return certificates.shown(_content(folder / CA_FILE)).fingerprint
    except ValueError:
        return ""


async def renew(
    db: Database, folder: Path, name: str, addresses: Sequence[str], running: ssl.SSLContext | None = None
) -> bool:
    """Issue the portal's certificate anew if it has to be; whether it was. Call after unlocking, daily, and when
    addresses change.

    `name` is the box's name without ".local". `running` is the portal's context: new connections then get the new
    certificate, those that are open stay.
    """
    now = clock.moment()
    names = (f"{name}.local",)
    authority = await db.read(rows.authority)
    if authority is None:
        authority = await db.write(lambda tx: _ensure(tx, names, addresses, now))
    if not await asyncio.to_thread(_renew_files, folder, authority, names, addresses, now):
        return False
    if running is not None:
        running.load_cert_chain(folder / PORTAL_FILE)
    return True


def _ensure(tx: Transaction, names: Sequence[str], addresses: Sequence[str], now: datetime) -> Authority:
    """Inside the transaction, so that two callers at once get one authority."""
    found = rows.authority(tx)
    if found is not None:
        return found
    made = certificates.new_authority(names, addresses, now)
    rows.keep_authority(tx, made, now.isoformat(timespec="seconds"))
    return made


def _renew_files(
    folder: Path, authority: Authority, names: Sequence[str], addresses: Sequence[str], now: datetime
) -> bool:
    if _content(folder / CA_FILE) != authority.certificate:
        write_atomically(folder / CA_FILE, authority.certificate)
    leaf = _content(folder / PORTAL_FILE)
    if not certificates.wants_renewal(leaf, authority.certificate, names, addresses, now):
        return False
    write_atomically(folder / PORTAL_FILE, certificates.issue(authority, names, addresses, now))
    return True


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
