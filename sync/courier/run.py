"""Carries sealed envelopes to HQ and receipts back. Holds no store key and no plaintext; knows numbers and bytes.

One envelope at a time, lowest number first, over one kept connection. HQ's certificate is pinned: that of hq.json and
no other, whatever the name, the authority or the date (a Pi's clock may be decades off after a power cut).
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256

import aiohttp
import msgspec

from sync import carriage, envelope, outbox, receipt
from sync.envelope import Envelope
from sync.faults import SyncFault
from sync.hq import ingest
from sync.keys import HqFacts
from sync.receipt import MAX_RECEIPT
from sync.spool import CourierStatus, Spool

LOOK_SECONDS = 0.25  # between two looks into the spool: one small folder listing, nothing written
CONNECT_SECONDS = 10.0  # TCP and TLS: four round trips of 600 ms with losses
ANSWER_SECONDS = 60.0  # one envelope and its receipt. 160 KiB take 20 s at 64 kbit/s
DEAD_LINE_SECONDS = 8  # bytes unacknowledged for so long: the line is dead, start again
MAX_REFUSAL = 4096  # bytes of an answer that is no receipt
MAX_RETRY_AFTER = 3600.0  # seconds that HQ may ask us to stay away

_log = logging.getLogger("hearth.courier")


class Refusal(msgspec.Struct, frozen=True):
    """The body of HQ's answer when it is not a receipt."""

    code: str = "hq_failed"
    next_wanted: int = 0


def utc_now() -> str:
    """RFC 3339, UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Courier:
    """Runs over one spool until cancelled. `jitter` gives [0, 1); `now` monotonic seconds; `at` the time to show."""

    def __init__(
        self,
        spool: Spool,
        *,
        now: Callable[[], float] = time.monotonic,
        at: Callable[[], str] = utc_now,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._spool = spool
        self._now = now
        self._at = at
        self._jitter = jitter
        self._status = spool.status()
        self._failures = 0
        self._stay_away = 0.0  # seconds that HQ asked for

    async def run(self) -> None:
        """Carry whatever is in the spool, for ever. Waits quietly while there is no hq.json."""
        while True:
            try:
                await self._follow()
            except SyncFault as fault:
                await self._failed(fault)
            except OSError:
                await self._failed(SyncFault("spool_failed"))
            await asyncio.sleep(LOOK_SECONDS)

    async def _follow(self) -> None:
        """Carry by the hq.json that is there now, until it is another one."""
        stamp = self._spool.hq_stamp()
        facts = await asyncio.to_thread(self._spool.hq_facts)
        if facts is None:
            return
        async with _session(facts) as session:
            while self._spool.hq_stamp() == stamp:
                try:
                    carried = await self._carry_one(session, facts)
                except SyncFault as fault:
                    await self._failed(fault)
                else:
                    if not carried:
                        await asyncio.sleep(LOOK_SECONDS)

    async def _carry_one(self, session: aiohttp.ClientSession, facts: HqFacts) -> bool:
        """Send the next envelope and keep its receipt. False when nothing waits."""
        handed, due = await asyncio.to_thread(self._due, facts)
        if due is None:
            return False
        self._status = msgspec.structs.replace(self._status, last_attempt_at=self._at())
        raw = await self._post(session, facts, handed, due)
        got = check(raw, due, facts)
        await asyncio.to_thread(self._spool.put_receipt, got.size, raw)
        self._failures, self._stay_away = 0, 0.0
        self._status = CourierStatus(last_attempt_at=self._status.last_attempt_at, last_success_at=self._at())
        await asyncio.to_thread(self._spool.put_status, self._status)
        _log.info("HQ has envelope %d", got.size)
        return True

    def _due(self, facts: HqFacts) -> tuple[bytes, Envelope | None]:
        """The newest receipt and the next envelope. An envelope that vanishes meanwhile was settled."""
        sizes = self._spool.receipts()
        handed = (self._spool.receipt(sizes[-1]) if sizes else None) or b""
        due = outbox.next_to_send(self._spool.segments(), sizes[-1] if sizes else 0)
        raw = None if due is None else self._spool.segment(due)
        return handed, None if raw is None else envelope.parse(raw)

    async def _post(self, session: aiohttp.ClientSession, facts: HqFacts, handed: bytes, due: Envelope) -> bytes:
        url = f"{facts.url.rstrip('/')}/v1/boxes/{due.box.hex()}/segments/{due.sequence}"
        body = carriage.pack(handed, due.raw)
        try:
            async with session.post(url, data=body, allow_redirects=False, ssl=_CONTEXT) as answer:
                got = await _bounded(answer, MAX_RECEIPT if answer.status in (200, 201) else MAX_REFUSAL)
                if answer.status in (200, 201):
                    return got
                self._stay_away = _retry_after(answer)
                raise _refused(got)
        except aiohttp.ServerFingerprintMismatch:
            raise SyncFault("wrong_certificate") from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise SyncFault("hq_unreachable") from None

    async def _failed(self, fault: SyncFault) -> None:
        """Say what went wrong and wait; a new envelope in the spool ends the wait, unless HQ asked us to stay away."""
        self._failures += 1
        wait = max(outbox.retry_after(self._failures, self._jitter()), self._stay_away)
        level = logging.WARNING if fault.code != self._status.fault else logging.DEBUG
        _log.log(level, "not carried: %s", fault.code)
        self._status = msgspec.structs.replace(self._status, fault=fault.code)
        newest: list[int] = []
        with suppress(OSError):
            await asyncio.to_thread(self._spool.put_status, self._status)
            newest = self._spool.segments()[-1:]
        until, wakeful = self._now() + wait, self._stay_away == 0.0
        self._stay_away = 0.0
        while self._now() < until:
            await asyncio.sleep(min(LOOK_SECONDS, max(0.0, until - self._now())))
            with suppress(OSError):
                if wakeful and self._spool.segments()[-1:] > newest:
                    return


def check(raw: bytes, sent: Envelope, facts: HqFacts) -> receipt.Receipt:
    """The receipt, if it is this HQ's for exactly this envelope. The box checks again, against its own tree."""
    got = receipt.parse(raw)
    receipt.verify(got, facts.receipt_keys, sent.box)
    if got.size != sent.sequence or got.last != sent.hash:
        raise SyncFault("receipt_other_bytes")
    return got


def _tls() -> ssl.SSLContext:
    """TLS 1.3. It verifies nothing by itself: the connector's pin does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


_CONTEXT = _tls()


def _session(facts: HqFacts) -> aiohttp.ClientSession:
    """A client that speaks with the pinned certificate only: the handshake proves the key, then the certificate is
    compared byte for byte (by SHA-256), then the request is sent."""
    pin = aiohttp.Fingerprint(sha256(facts.tls_certificate).digest())
    connector = aiohttp.TCPConnector(ssl=pin, socket_factory=_socket, limit=1)
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS, connect=CONNECT_SECONDS)
    headers = {"User-Agent": "hearth", "Content-Type": "application/octet-stream"}
    return aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers, trust_env=False)


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket that notices a dead line (Linux: TCP_USER_TIMEOUT while sending, keep-alive probes while waiting)."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_LINE_SECONDS * 1000)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, DEAD_LINE_SECONDS // 2)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2)
    return made


async def _bounded(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    got = bytearray()
    async for chunk in answer.content.iter_chunked(limit + 1):
        got += chunk
        if len(got) > limit:
            raise SyncFault("hq_failed")
    return bytes(got)


def _refused(body: bytes) -> SyncFault:
    """HQ's refusal in its own words, as far as we know them."""
    try:
        said = msgspec.json.decode(body, type=Refusal)
    except (msgspec.DecodeError, ValueError):
        return SyncFault("hq_failed")
    return SyncFault(said.code if said.code in ingest.SPOKEN else "hq_failed", next_wanted=said.next_wanted)


def _retry_after(answer: aiohttp.ClientResponse) -> float:
    """Seconds that HQ asks for with 429 or 503; 0 without a usable header."""
    asked = answer.headers.get("Retry-After", "")
    if answer.status not in (429, 503) or not asked.isdecimal() or len(asked) > 6:
        return 0.0
    return min(float(asked), MAX_RETRY_AFTER)
