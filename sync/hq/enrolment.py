"""HQ's end of enrolment: who gets a certificate, for what. Any server can answer; the object store decides races.

By a code: whoever proves to know an unused one becomes a box of this HQ. By the box's own key: whoever proves to be a
box that HQ knows gets a fresh certificate, and the steps to HQ's keys of today. Neither needs a certificate to ask.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from sync import enrolment, keys
from sync.enrolment import Answer, Request
from sync.faults import SyncFault
from sync.hq import certificate, chain, codes
from sync.hq import folder as hq_folder
from sync.hq.cards import Card, Cards, known
from sync.hq.certificate import Issued
from sync.hq.codes import Code
from sync.hq.limits import Tries
from sync.hq.objects import Objects

BODY_SECONDS = 60.0  # a request has 6 KB: at 64 kbit/s a second
RETRY_AFTER = "60"  # seconds, with `too_many_tries`
ASKED_PER_ADDRESS = 60  # a minute: a whole network of clinics may stand behind one address
WRONG_PER_CODE = 10  # a minute. A code has 93 bits; this is for the machine's sake
RENEWALS_PER_BOX = 6  # a minute
STATUS = {
    "malformed_enrolment": 400,
    "malformed_facts": 400,
    "unsupported_version": 400,
    "bad_signature": 403,
    "code_wrong": 403,
    "code_used": 403,
    "code_ended": 403,
    "box_exists": 403,
    "box_revoked": 403,
    "unknown_box": 403,
    "too_large": 413,
    "too_many_tries": 429,
    "busy": 503,
}

_log = logging.getLogger("hearth.hq")


class Enroller:
    """One server's. `clock` gives the time by which codes end and certificates begin."""

    def __init__(
        self, folder: Path, objects: Objects, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._folder = folder
        self._objects = objects
        self._cards = Cards(objects, folder)
        self._clock = clock
        self._asked = Tries(ASKED_PER_ADDRESS, clock)
        self._wrong = Tries(WRONG_PER_CODE, clock)
        self._renewed = Tries(RENEWALS_PER_BOX, clock)

    def add_to(self, application: web.Application) -> None:
        """Its one route."""
        application.router.add_post("/v1/enrolments", self._post)

    async def _post(self, request: web.Request) -> web.Response:
        try:
            self._asked.count(request.remote or "")
            answered = await self.answer(await _body(request))
        except SyncFault as fault:
            level = logging.DEBUG if fault.code == "too_many_tries" else logging.WARNING  # else it would fill the disk
            _log.log(level, "no certificate: %s", fault.code)
            return _refusal(fault)
        return web.Response(status=200, body=answered, content_type="application/json")

    async def answer(self, raw: bytes) -> bytes:
        """The answer's bytes. Faults: those of STATUS, `hq_failed`, `bad_key_file`."""
        asked = enrolment.parse_request(raw)
        certificate.csr_key(asked.csr)
        return await (self._by_code(asked) if asked.code else self._renew(asked))

    async def _by_code(self, asked: Request) -> bytes:
        key = hq_folder.codes_key(self._folder)
        for _ in range(2):  # who lost the race for the code looks once more, at what the winner left
            code = await self._proved(asked, key)
            if code.request == asked.digest:
                return await self._again(asked, code)
            await self._may_take(asked, code)
            issued = await self._issue(asked)
            answered = await self._answer_by_code(asked, code, issued)
            taken = replace(code, taken_by=asked.box.box, request=asked.digest, answer=answered)
            if code.taken_by or await codes.take(self._objects, key, taken):  # taken: by this very box, that asks anew
                await self._write_card(asked, code, issued)
                _log.info("box %s is enrolled", asked.box.box.hex()[:8])
                return answered
        raise SyncFault("busy")

    async def _proved(self, asked: Request, key: bytes) -> Code:
        """The code, if who asks knows it. A wrong one costs a try, whichever id it names."""
        self._wrong.look(asked.code)
        try:
            code = await codes.read(self._objects, key, asked.code)
            if not enrolment.knows_code(asked, code.secret):
                raise SyncFault("code_wrong")
        except SyncFault as fault:
            if fault.code == "code_wrong":
                self._wrong.count(asked.code)
            raise
        return code

    async def _may_take(self, asked: Request, code: Code) -> None:
        if code.taken_by not in (b"", asked.box.box):
            raise SyncFault("code_used")
        if self._clock() > code.ends_at:
            raise SyncFault("code_ended")
        _of_code(await self._cards.get(asked.box.box), asked)

    async def _again(self, asked: Request, code: Code) -> bytes:
        """The same answer once more. The server that gave it first may have died before it wrote the card."""
        card = await self._cards.get(asked.box.box)
        if card is None or _of_code(card, asked) != card:
            given, _ = enrolment.read_answer(code.answer, asked, code.secret)
            await self._write_card(asked, code, certificate.read(given.certificate))
        return code.answer

    async def _issue(self, asked: Request) -> Issued:
        return await asyncio.to_thread(hq_folder.issue, self._folder, asked.csr, asked.box.box, self._clock())

    async def _answer_by_code(self, asked: Request, code: Code, issued: Issued) -> bytes:
        facts = await asyncio.to_thread(hq_folder.public, self._folder)
        given = replace(self._given(asked, code.name, issued), facts=keys.hq_to_json(facts))
        return enrolment.answer_by_code(given, code.secret)

    async def _write_card(self, asked: Request, code: Code, issued: Issued) -> None:
        """The card of the box that has taken the code."""

        def to(card: Card | None) -> Card:
            enrolled_at = card.enrolled_at if card else ""
            return _with(replace(_of_code(card, asked), name=code.name, enrolled_at=enrolled_at or self._at()), issued)

        await self._cards.change(asked.box.box, to)
        if code.replaces:
            await self._cards.change(code.replaces, lambda card: self._replaced(card, asked.box.box))

    def _replaced(self, card: Card | None, by: bytes) -> Card:
        if card is None:
            raise SyncFault("unknown_box")
        at, reason = card.revoked or self._at(), card.reason or "replaced"
        return replace(card, revoked=at, reason=reason, replaced_by=card.replaced_by or by)

    async def _renew(self, asked: Request) -> bytes:
        card = _may_renew(await self._cards.get(asked.box.box), asked)
        self._renewed.count(asked.box.box.hex())  # after its key was checked: nobody uses up another box's tries
        issued = await self._issue(asked)
        await self._cards.change(asked.box.box, lambda now: _with(_may_renew(now, asked), issued))
        steps, more = await chain.after(self._objects, asked.serial, enrolment.MAX_STEPS)
        _log.info("box %s has a new certificate", asked.box.box.hex()[:8])
        given = replace(self._given(asked, card.name, issued), steps=steps, more=more)
        return enrolment.answer_renewal(given, hq_folder.receipt_signing_key(self._folder))

    def _given(self, asked: Request, name: str, issued: Issued) -> Answer:
        return Answer(request=asked.digest, box=asked.box.box, certificate=issued.pem, name=name, at=self._at())

    def _at(self) -> str:
        return self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")


def _of_code(card: Card | None, asked: Request) -> Card:
    """The card of a box that knows a code: its id is new, or its key is the known one. A person gave out the code, so a
    new key for what goes down to the box may take the old one's place."""
    if card is None:
        return Card(asked.box)
    if card.revoked:
        raise SyncFault("box_revoked")
    if card.facts.verify_key != asked.box.verify_key:
        raise SyncFault("box_exists")
    return replace(card, facts=asked.box)


def _may_renew(card: Card | None, asked: Request) -> Card:
    if card is None:
        raise SyncFault("unknown_box")
    if card.facts.verify_key != asked.box.verify_key:
        raise SyncFault("bad_signature")
    return known(card, asked.box)


def _with(card: Card, issued: Issued) -> Card:
    ends = issued.ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    return replace(card, certificate_serial=issued.serial, certificate_ends=ends)


async def _body(request: web.Request) -> bytes:
    got = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_chunked(enrolment.MAX_REQUEST + 1):
                got += chunk
                if len(got) > enrolment.MAX_REQUEST:
                    raise SyncFault("too_large")
    except TimeoutError:
        raise SyncFault("malformed_enrolment") from None
    return bytes(got)


def _refusal(fault: SyncFault) -> web.Response:
    status = STATUS.get(fault.code, 500)
    headers = {"Retry-After": RETRY_AFTER} if status in (429, 503) else {}
    code = fault.code if fault.code in STATUS else "hq_failed"
    return web.json_response({"code": code}, status=status, headers=headers)
