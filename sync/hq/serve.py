"""HQ's listener: takes envelopes over HTTPS, stores each once, answers with a signed receipt. Holds no opening key.

Stateless: all it knows between two requests is on disk. What it decides is in `ingest.py`.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from sync import carriage, keys, receipt, suite
from sync.envelope import key_id
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.hq import ingest
from sync.hq.enrolment import Enroller
from sync.hq.ingest import Offer, Verdict
from sync.hq.objects import object_path, open_objects
from sync.hq.probe import probe
from sync.keys import BoxFacts

BODY_SECONDS = 120.0  # a whole body must have arrived by then: 160 KiB take 20 s at 64 kbit/s
AT_ONCE = 64  # requests in work. More are told to come back: memory stays below AT_ONCE x 2 x MAX_CARRIAGE
RETRY_AFTER = "2"  # seconds, with an answer of 503

_SEQUENCE = re.compile(r"^[1-9][0-9]{0,15}$")
_log = logging.getLogger("hearth.hq")


class Hq:
    """One server over one folder. `clock` gives Unix seconds for receipts; it is shown and never decides."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        facts = hq_folder.public(folder)
        self._folder = folder
        self._receipts_key = hq_folder.receipt_signing_key(folder)
        self._receipt_keys = facts.receipt_keys
        self._record_key_ids = frozenset(key_id(key) for key in facts.record_keys)
        self._objects = open_objects(folder)
        self._clock = clock
        self._in_work = 0

    async def probe(self) -> None:
        """Refuse to start on a store that overwrites."""
        await probe((self._objects, open_objects(self._folder)))

    def application(self) -> web.Application:
        """The route table."""
        app = web.Application(client_max_size=carriage.MAX_CARRIAGE)
        app.router.add_post("/v1/boxes/{box}/segments/{sequence}", self._answer)
        Enroller(self._folder, self._objects).add_to(app)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        if self._in_work >= AT_ONCE:
            return _refusal(SyncFault("busy"))
        self._in_work += 1
        try:
            word, signed = await self._take(request)
        except SyncFault as fault:
            level = logging.ERROR if fault.code in ("fork", "receipt_store_differs", "hq_failed") else logging.WARNING
            _log.log(level, "refused %s from box %s", fault.code, _short(request.match_info["box"]))
            return _refusal(fault)
        finally:
            self._in_work -= 1
        return web.Response(status=201 if word == "accept" else 200, body=signed)

    async def _take(self, request: web.Request) -> tuple[str, bytes]:
        sequence = request.match_info["sequence"]
        box = await self._known_box(request.match_info["box"])
        if not _SEQUENCE.match(sequence):
            raise SyncFault("malformed_carriage")
        offer = ingest.examine(
            await _body(request),
            box=box,
            sequence=int(sequence),
            receipt_keys=self._receipt_keys,
            record_key_ids=self._record_key_ids,
        )
        if offer.handed is not None and offer.handed.size >= offer.envelope.sequence:
            return "duplicate", ingest.repeated(
                offer, await self._objects.get(object_path(box.box, offer.envelope.sequence))
            )
        verdict = await self._store(offer, box)
        head = verdict.head
        await self._objects.make_durable(object_path(box.box, head.checkpoint.size))
        _log.info("%s %d from box %s", verdict.word, head.checkpoint.size, _short(box.box.hex()))
        signed = receipt.issue(box.box, head.last, head.checkpoint, int(self._clock()), self._receipts_key)
        return verdict.word, signed

    async def _known_box(self, text: str) -> BoxFacts:
        box = keys.box_from_text(text)
        facts = None if box is None else await asyncio.to_thread(hq_folder.enrolled, self._folder, box)
        if facts is None:
            raise SyncFault("unknown_box")
        return facts

    async def _store(self, offer: Offer, box: BoxFacts) -> Verdict:
        """Catch up to the offer, judge it, create its object."""
        sequence = offer.envelope.sequence
        head = ingest.start(offer)
        if 0 < head.checkpoint.size == sequence - 1 and not await self._objects.exists(
            object_path(box.box, sequence - 1)
        ):
            raise SyncFault("receipt_store_differs")
        for number in ingest.walk(offer, head):
            head = ingest.step(head, await self._objects.get(object_path(box.box, number)), box)
        verdict = ingest.judge(offer, head, None)
        path = object_path(box.box, sequence)
        stored = await self._objects.create(path, offer.envelope.raw)
        if stored is not None and ingest.torn(stored, box, sequence):
            _log.error("set aside a torn object of box %s", _short(box.box.hex()))
            await self._objects.create(f"torn/{path}-{suite.digest(stored).hex()[:8]}", stored)
            swapped = await self._objects.swap(path, offer.envelope.raw, stored)
            stored = None if swapped else await self._objects.get(path)
        return verdict if stored is None else ingest.judge(offer, head, stored)


async def _body(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise SyncFault("too_large") from None
    except TimeoutError:
        raise SyncFault("malformed_carriage") from None


def _refusal(fault: SyncFault) -> web.Response:
    status = ingest.STATUS.get(fault.code, 500)
    headers = {"Retry-After": RETRY_AFTER} if status == 503 else {}
    code = fault.code if fault.code in ingest.SPOKEN else "hq_failed"
    return web.json_response({"code": code, "next_wanted": fault.next_wanted}, status=status, headers=headers)


def _short(box: str) -> str:
    """Enough of an id to find it in the logs; what a stranger sends as an id does not get into them whole."""
    return box[:8] if keys.box_from_text(box) else "?"


async def serve(folder: Path, host: str, port: int, ready: Callable[[int], None], stop: asyncio.Event) -> None:
    """Serve until `stop`; `ready` is told the port. Raises SyncFault: `hq_missing`, `bad_key_file`, `port_taken`, …"""
    hq = Hq(folder)
    context = hq_folder.server_context(folder)
    await hq.probe()
    listening = _listen(host, port)
    runner = web.AppRunner(hq.application(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.SockSite(runner, listening, ssl_context=context).start()
        ready(listening.getsockname()[1])
        await stop.wait()
    finally:
        await runner.cleanup()
        listening.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as fault:
        raise SyncFault("port_taken") from fault
