"""HQ's server: takes envelopes over HTTPS, stores each once, answers with signed receipts. Holds no opening key.

Stateless: all it knows between two requests is in the object store, but for cards, which it believes for 30 s. Any
number of servers stand behind a TCP balancer. What is decided is in `ingest.py`, who comes in `callers.py`, the door in
`listening.py`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import HttpVersion11, web

from sync import carriage
from sync.envelope import key_id
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.hq import ingest, packs, releases
from sync.hq.callers import Callers
from sync.hq.cards import Cards
from sync.hq.enrolment import Enroller
from sync.hq.intake import Intake
from sync.hq.listening import listen_until, listening_socket
from sync.hq.objects import open_objects
from sync.hq.probe import probe
from sync.hq.stream import Stream
from sync.keys import BoxFacts, box_from_text

BODY_SECONDS = 120.0  # a whole body must have arrived by then: 160 KiB take 20 s at 64 kbit/s
AT_ONCE = 64  # single requests in work
STREAMS = 512  # streams at once
RETRY_AFTER = (2, 10)  # seconds, with an answer of 503: spread, so that not all come back together

_SEQUENCE = re.compile(r"^[1-9][0-9]{0,15}$")
_log = logging.getLogger("hearth.hq")


class Hq:
    """One server over one folder. `clock` gives Unix seconds for receipts; it is shown and never decides."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        facts = hq_folder.public(folder)
        self._folder = folder
        self._objects = open_objects(folder)
        self._intake = Intake(
            self._objects,
            hq_folder.receipt_signing_key(folder),
            facts.receipt_keys,
            frozenset(key_id(key) for key in facts.record_keys),
            clock,
        )
        self._pack_keys = facts.pack_keys
        self._callers = Callers(Cards(self._objects, folder))
        self._closing = False
        self._in_work = 0
        self._streams = 0

    async def probe(self) -> None:
        """Refuse to start on a store that lets two win (`store_overwrites`) or is away (`store_away`)."""
        try:
            await probe((self._objects, open_objects(self._folder)))
        except SyncFault as fault:
            raise SyncFault("store_away") if fault.code == "hq_failed" else fault from None

    def close(self) -> None:
        """Take nothing new; streams end after what they have in work."""
        self._closing = True

    def application(self) -> web.Application:
        """The route table."""
        app = web.Application(client_max_size=carriage.MAX_CARRIAGE)
        app.router.add_get("/healthz", self._health)
        app.router.add_post("/v1/boxes/{box}/stream", self._stream)
        app.router.add_post("/v1/boxes/{box}/segments/{sequence}", self._guarded(self._segment))
        app.router.add_get("/v1/boxes/{box}/head", self._guarded(self._head))
        app.router.add_get("/v1/boxes/{box}/packs/{number}", self._guarded(self._pack))
        app.router.add_get("/v1/boxes/{box}/updates/{digest}/{part}", self._guarded(self._update))
        Enroller(self._folder, self._objects).add_to(app)
        return app

    async def _health(self, request: web.Request) -> web.Response:
        """For a balancer. Says nothing of the store: all servers would leave at once when it is slow."""
        return web.Response(status=503 if self._closing else 200, text="closing\n" if self._closing else "ok\n")

    def _guarded(
        self, handle: Callable[[web.Request, BoxFacts], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A route for a box that is let in, while there is room."""

        async def answer(request: web.Request) -> web.StreamResponse:
            if self._closing or self._in_work >= AT_ONCE:
                return _refusal(SyncFault("busy"))
            self._in_work += 1
            try:
                return await handle(request, await self._callers.admitted(request))
            except SyncFault as fault:
                return _refused(fault, request)
            finally:
                self._in_work -= 1

        return answer

    async def _segment(self, request: web.Request, box: BoxFacts) -> web.Response:
        sequence = request.match_info["sequence"]
        if not _SEQUENCE.match(sequence):
            raise SyncFault("malformed_carriage")
        offer = ingest.examine(
            await _body(request),
            box=box,
            sequence=int(sequence),
            receipt_keys=self._intake.receipt_keys,
            record_key_ids=self._intake.record_key_ids,
        )
        chain = self._intake.chain(box, patient=False)
        chain.handed = offer.handed
        await chain.asked()
        taken = await chain.put(offer.envelope)
        await taken.durable()
        _log.info("%s %d from box %s", taken.word, offer.envelope.sequence, box.box.hex()[:8])
        signed = taken.signed or self._intake.sign(box.box, taken.head)
        return web.Response(status=201 if taken.word == "accept" else 200, body=signed)

    async def _head(self, request: web.Request, box: BoxFacts) -> web.Response:
        signed = await self._intake.head(box)
        return web.Response(status=204) if signed is None else web.Response(body=signed)

    async def _pack(self, request: web.Request, box: BoxFacts) -> web.Response:
        number = request.match_info["number"]
        raw = None
        if _SEQUENCE.match(number):
            raw = await packs.fetch(self._objects, box.box, int(number), self._pack_keys)
        return web.Response(status=404) if raw is None else web.Response(body=raw)

    async def _update(self, request: web.Request, box: BoxFacts) -> web.Response:
        return await releases.part(self._objects, request)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if self._closing or self._streams >= STREAMS:
            return _refusal(SyncFault("busy"))
        self._streams += 1
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        try:
            box = await self._callers.admitted(request)
            if request.version < HttpVersion11:
                raise SyncFault("malformed_carriage")  # no chunks there
            response.enable_chunked_encoding()
            response.force_close()
            await response.prepare(request)
            with self._callers.streaming(box.box) as give_way:
                await Stream(
                    request=request,
                    response=response,
                    box=box,
                    intake=self._intake,
                    leave=lambda: self._closing or give_way.is_set(),
                    known=self._callers.known,
                    retry_after=retry_after,
                ).run()
            await response.write_eof()
            return response
        except SyncFault as fault:
            return _refused(fault, request)
        except ConnectionError:
            return response  # the line is gone, and nobody hears more of it
        finally:
            self._streams -= 1


async def _body(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise SyncFault("too_large") from None
    except TimeoutError:
        raise SyncFault("malformed_carriage") from None


def retry_after() -> int:
    """Seconds to stay away."""
    return random.randint(*RETRY_AFTER)  # noqa: S311 - spreads load, hides nothing


def _refused(fault: SyncFault, request: web.Request) -> web.Response:
    level = logging.ERROR if fault.code in ingest.ALARMING else logging.WARNING
    if fault.code in ("no_certificate", "busy"):
        level = logging.DEBUG  # anybody may ask without end: it would fill the disk
    box = request.match_info["box"]  # what a stranger sends as an id does not get into the logs
    _log.log(level, "refused %s from box %s", fault.code, box[:8] if box_from_text(box) else "?")
    return _refusal(fault)


def _refusal(fault: SyncFault) -> web.Response:
    status = ingest.STATUS.get(fault.code, 500)
    headers = {"Retry-After": str(retry_after())} if status in (429, 503) else {}
    code = fault.code if fault.code in ingest.SPOKEN else "hq_failed"
    return web.json_response({"code": code, "next_wanted": fault.next_wanted}, status=status, headers=headers)


async def serve(folder: Path, host: str, port: int, ready: Callable[[int], None], stop: asyncio.Event) -> None:
    """Serve until `stop`; `ready` is told the port. Raises SyncFault: `hq_missing`, `bad_key_file`, `store_away`, …"""
    hq = Hq(folder)
    context = hq_folder.server_context(folder)
    await hq.probe()
    listening = listening_socket(host, port)
    try:
        told = listening.getsockname()[1]
        await listen_until(stop, hq.application(), listening, context, lambda: ready(told), hq.close)
    finally:
        listening.close()
