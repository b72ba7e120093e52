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


def make_hq(folder: Path, url: str = hq_folder.DEFAULT_URL) -> HqFacts:
    """An HQ's folder with keys."""
    return hq_folder.init(folder, url, datetime.now(UTC))


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
    context = ssl.create_default_context(cadata=hq.tls_certificate)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
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


def hand_over(spool: Spool, hq: HqFacts) -> None:
    """What enrolment does on the box: hq.json."""
    write_whole(spool.root / "hq.json", keys.hq_to_json(hq))


async def until_receipted(spool: Spool, upto: int) -> None:
    """Wait for a receipt over that segment or a later one."""
    await until(lambda: spool.receipts()[-1:] >= [upto])


def objects(folder: Path) -> list[Path]:
    """Every envelope that HQ holds."""
    return sorted((folder / "objects" / "boxes").glob("*/*"))
