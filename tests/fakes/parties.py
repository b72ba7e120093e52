"""The two sides of sync for tests: a box that seals, and a real HQ on the loopback."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sync import carriage, envelope, keys, suite
from sync.content import Record
from sync.hq import folder as hq_folder
from sync.hq.serve import serve
from sync.keys import BoxFacts, HqFacts
from sync.spool import Spool, write_whole
from tests.fakes.waiting import until

AT = "2026-01-02T03:04:05Z"


class SealingBox:
    """Seals one record after another into a chain."""

    def __init__(self, hq: HqFacts, box: bytes = b"B" * 16) -> None:
        self.hq = hq
        self.key = suite.SigningKey(suite.new_seed())
        self.facts = BoxFacts(box, self.key.public)
        self.sealed: list[bytes] = []

    def seal(self, body: bytes = b"{}") -> bytes:
        raw = envelope.seal(
            [Record(len(self.sealed) + 1, "session_ended", AT, body)],
            box=self.facts.box,
            sequence=len(self.sealed) + 1,
            previous=suite.digest(self.sealed[-1]) if self.sealed else envelope.NO_PREVIOUS,
            record_key=self.hq.record_key,
            signing_key=self.key,
        )
        self.sealed.append(raw)
        return raw

    def spool(self, spool: Spool, count: int) -> None:
        """Seal `count` more and put them into the spool."""
        for _ in range(count):
            raw = self.seal()
            spool.put_segment(len(self.sealed), raw)


def make_hq(folder: Path, url: str = hq_folder.DEFAULT_URL, store: str = "") -> HqFacts:
    """An HQ's folder with keys."""
    hq_folder.init(folder, url, datetime.now(UTC), store)
    return known_hq(folder)


def known_hq(folder: Path) -> HqFacts:
    """The facts of an HQ whose folder tests may issue certificates from."""
    facts = hq_folder.public(folder)
    _FOLDERS[facts.tls_certificate] = folder
    return facts


# HQ's folder by its certificate: what is in there issues certificates to boxes. One key for all: making one is slow.
_FOLDERS: dict[bytes, Path] = {}
_KEY = ec.generate_private_key(ec.SECP256R1())


def certified(hq: HqFacts, box: bytes) -> tuple[Path, Path]:
    """(certificate, key) of a box, as enrolment gives it."""
    folder = _FOLDERS[hq.tls_certificate] / "clients"
    chain, key = folder / f"{box.hex()}.pem", folder / f"{box.hex()}.key"
    if not chain.exists():
        folder.mkdir(exist_ok=True)
        request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(_KEY, hashes.SHA256())
        csr = request.public_bytes(serialization.Encoding.DER)
        plain = serialization.NoEncryption()
        key.write_bytes(_KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
        chain.write_bytes(hq_folder.issue(folder.parent, csr, box, datetime.now(UTC)).pem)
    return chain, key


def client_context(hq: HqFacts, box: bytes | None) -> ssl.SSLContext:
    """TLS to HQ with a box's certificate, or with none."""
    context = ssl.create_default_context(cadata=hq.tls_certificate)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = False
    if box is not None:
        context.load_cert_chain(*certified(hq, box))
    return context


@asynccontextmanager
async def running_hq(folder: Path, port: int = 0) -> AsyncIterator[HqFacts]:
    """A real listener over `folder`; its facts with the address that it listens on."""
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(folder, "127.0.0.1", port, ready.set_result, stop))
    await asyncio.wait((serving, ready), return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    try:
        yield replace(hq_folder.public(folder), url=f"https://127.0.0.1:{ready.result()}")
    finally:
        stop.set()
        await serving


async def post(
    hq: HqFacts, box: BoxFacts, sequence: int, raw: bytes, handed: bytes = b"", body: bytes | None = None
) -> tuple[int, bytes]:
    """One envelope to HQ, as a courier sends it: (status, body)."""
    context = client_context(hq, box.box)
    url = f"{hq.url}/v1/boxes/{box.box.hex()}/segments/{sequence}"
    sent = carriage.pack(handed, raw) if body is None else body
    async with aiohttp.ClientSession() as session, session.post(url, data=sent, ssl=context) as answer:
        return answer.status, await answer.read()


def told(body: bytes) -> dict[str, Any]:
    """A refusal's body."""
    read: dict[str, Any] = json.loads(body)
    return read


def enrol(folder: Path, box: BoxFacts) -> None:
    hq_folder.enroll(folder, box)


def enrolled_box(folder: Path) -> SealingBox:
    """A box that the HQ in `folder` knows."""
    box = SealingBox(hq_folder.public(folder))
    enrol(folder, box.facts)
    return box


def hand_over(spool: Spool, hq: HqFacts, box: bytes = b"B" * 16) -> None:
    """What enrolment does on the box: hq.json and the courier's certificate."""
    write_whole(spool.root / "hq.json", keys.hq_to_json(hq))
    if hq.tls_certificate in _FOLDERS:
        chain, key = certified(hq, box)
        (spool.root / "tls").mkdir(exist_ok=True)
        write_whole(spool.root / "tls" / "courier.pem", chain.read_bytes())
        write_whole(spool.root / "tls" / "courier.key", key.read_bytes(), mode=0o600)


async def until_receipted(spool: Spool, upto: int) -> None:
    """Wait for a receipt over that segment or a later one."""
    await until(lambda: spool.receipts()[-1:] >= [upto])


def objects(folder: Path) -> list[Path]:
    """Every envelope that HQ holds."""
    return sorted((folder / "objects" / "boxes").glob("*/*"))
