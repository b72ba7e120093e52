"""Asks HQ through the courier: enrolment by a code, renewal of the certificate, by itself and until there is an answer.

Everything that matters is in the store; what lies in the spool can be lost or thrown away at any time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from appliance.clock import now_seconds, now_text
from appliance.enrolment import actions, rows, rules
from appliance.enrolment.desk import Desk
from appliance.faults import BY_CODE, Fault
from appliance.outbox import pinned
from appliance.outbox import rows as outbox
from appliance.outbox.headquarters import key_code
from appliance.policy import Actor
from appliance.store.database import Database, Transaction
from sync import enrolment
from sync.faults import SyncFault

LOOK_SECONDS = 1.0  # between two looks: one small read of the store, and one file when something is asked
RENEW_LOOK_SECONDS = 15.0
QUIET_SECONDS = 3600.0  # after a renewal that changed nothing about the courier's trouble

_log = logging.getLogger("hearth.enrolment")


@dataclass(frozen=True, slots=True)
class State:
    """For the console. `state`: `asking` by a code; a renewal is not shown, the box does it alone. `fault`: why there
    is no answer yet, or why HQ refused. `hq_code`: of HQ's key, as HQ reads it out. `box`: this box's id."""

    state: Literal["not_enrolled", "asking", "enrolled"] = "not_enrolled"
    address: str = ""
    fault: str = ""
    name: str = ""
    box: str = ""
    hq_code: str = ""
    enrolled_at: str = ""
    clock_off: int = 0
    certificate_ends: str = ""


class Enroller:
    """Runs in the appliance beside the open store. `on_change` is called when HQ's keys or `state()` may be new."""

    def __init__(
        self,
        db: Database,
        desk: Desk,
        software: str,
        on_change: Callable[[], None],
        *,
        at: Callable[[], str] = now_text,
        clock: Callable[[], float] = now_seconds,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._desk = desk
        self._software = software
        self._on_change = on_change
        self._at = at
        self._clock = clock
        self._now = now
        self._refused = ""  # why the last enrolment by a code came to nothing, until the next one
        self._failures = 0
        self._next_try = 0.0
        self._next_renewal = 0.0
        self._next_look = 0.0
        self._renewed_for = ""  # the courier's trouble when a renewal was last asked for, while it lasts

    # -- what a person does --------------------------------------------------------------------------------------

    async def may(self, actor: Actor) -> None:
        """Fault("refused") for one who has nothing to do with headquarters."""
        await self._db.read(lambda tx: actions.may(tx, actor))

    async def enrol(self, actor: Actor, url: str, code: str) -> None:
        """Ask HQ at `url` from now on. Faults: refused, code_mistyped, wrong_address."""
        with _ours():
            typed, to = enrolment.read_code(code), rules.address(url)
            await self._db.write(lambda tx: actions.ask(tx, actor, to, typed, self._at()))
        await self._begin()

    async def cancel(self, actor: Actor) -> None:
        """Stop asking, and forget why the last time came to nothing. Faults: refused."""
        await self._db.write(lambda tx: actions.cancel(tx, actor))
        await self._begin()

    async def request(self, actor: Actor, code: str) -> bytes:
        """The request's bytes, for a stick: by a code, or with "" for a new certificate of a box that HQ knows.

        Faults: refused, not_enrolled, code_mistyped, courier_away.
        """
        with _ours():
            typed = enrolment.read_code(code) if code else ""
        csr = await asyncio.to_thread(self._desk.csr)
        if csr is None:
            raise Fault("courier_away")

        def work(tx: Transaction) -> bytes:
            hq = pinned.pinned(tx)
            if not typed and hq is None:
                raise Fault("not_enrolled")
            # A renewal goes by line too, if there is one: the first answer counts. By a code nobody has said where to.
            actions.ask(tx, actor, hq.url if hq and not typed else "", typed, self._at())
            made = actions.request(tx, csr, self._software)
            return made[1] if made else b""

        raw = await self._db.write(work)
        await self._begin()
        return raw

    async def answer(self, actor: Actor, raw: bytes) -> None:
        """HQ's answer from a stick. Faults: refused, wrong_answer."""
        await self.may(actor)
        with _ours("wrong_answer"):
            await self._take(raw)

    async def facts(self, actor: Actor, raw: bytes, code: str) -> None:
        """HQ's facts from a file, their code compared. Faults: refused, facts_other_code, facts_damaged."""
        with _ours("facts_damaged"):
            await self._db.write(lambda tx: actions.take_facts(tx, actor, raw, code, self._at()))
        self._next_look = self._next_renewal = 0.0
        await self._begin()

    async def state(self) -> State:
        """What the console shows."""
        certificate = await asyncio.to_thread(self._desk.certificate)
        ends = self._desk.ends_text(certificate)
        return await self._db.read(lambda tx: _state(tx, self._refused, ends))

    # -- what runs -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Ask, look for answers and renew, until cancelled."""
        while True:
            with suppress(OSError):  # a full disk is told of elsewhere; the next look tries again
                await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """One round."""
        await self._hear()
        if self._now() >= self._next_look:
            self._next_look = self._now() + RENEW_LOOK_SECONDS
            await self._renew()
        if self._now() >= self._next_try:
            await self._ask()

    async def _ask(self) -> None:
        """Put what is asked where the courier finds it, if it is not there."""
        if await self._db.read(rows.asked) is None:
            return
        csr = await asyncio.to_thread(self._desk.csr)
        if csr is None:
            await self._wait("courier_away")
            return
        made = await self._db.write(lambda tx: actions.request(tx, csr, self._software))
        if made is not None and made[0].url:  # without an address it goes by stick
            await asyncio.to_thread(self._desk.put_request, made[0].url, made[1])

    async def _hear(self) -> None:
        asked = await self._db.read(rows.asked)
        told = await asyncio.to_thread(self._desk.answered, asked.request if asked else b"")
        if told is None or asked is None:
            return
        try:
            await self._take(rules.carried(told.status, told.body, told.fault))
        except (SyncFault, Fault) as fault:
            await self._failed(asked.code != "", fault.code)

    async def _take(self, raw: bytes) -> None:
        pem = await self._db.write(lambda tx: actions.take(tx, raw, self._at()))
        self._next_look = self._next_renewal = 0.0  # after a step to newer keys of HQ the next one is asked for at once
        if pem is not None:
            with suppress(SyncFault):  # the courier has another key meanwhile: the next look asks for that one
                await asyncio.to_thread(self._desk.put_certificate, pem)
                self._next_renewal = self._now() + QUIET_SECONDS
                _log.info("HQ has given this box a certificate")
        await self._begin()

    async def _failed(self, by_code: bool, fault: str) -> None:
        """Ask again later, or, when HQ has refused, not any more."""
        _log.warning("no certificate from HQ: %s", fault)
        if fault in rules.PASSING:
            await self._wait(fault)
            return
        await self._db.write(rows.forget)
        self._failures += 1
        if by_code:
            self._refused = fault
        self._next_renewal = self._now() + rules.again_after("renewal", self._failures)
        await asyncio.to_thread(self._desk.clear)
        self._on_change()

    async def _wait(self, fault: str) -> None:
        self._failures += 1
        asked = await self._db.read(rows.asked)
        kind: Literal["code", "renewal"] = "code" if asked and asked.code else "renewal"
        self._next_try = self._now() + rules.again_after(kind, self._failures)
        await self._db.write(lambda tx: rows.keep_fault(tx, fault))
        await asyncio.to_thread(self._desk.clear)
        self._on_change()

    async def _renew(self) -> None:
        """Ask for a new certificate if one is wanted: at once for new trouble of the courier's, else after a while."""
        courier = await asyncio.to_thread(self._desk.courier_fault)
        trouble = courier if courier in rules.ASK_ANEW else ""
        self._renewed_for = self._renewed_for if trouble else ""
        if self._now() < self._next_renewal and trouble == self._renewed_for:
            return
        certificate = await asyncio.to_thread(self._desk.certificate)
        if rules.wants_renewal(certificate, trouble, self._clock()):
            self._renewed_for = trouble
            await self._db.write(lambda tx: actions.renew(tx, self._at()))

    async def _begin(self) -> None:
        """Something else is asked now, or nothing: no old request or answer counts."""
        self._failures, self._next_try, self._refused = 0, 0.0, ""
        await asyncio.to_thread(self._desk.clear)
        self._on_change()


@contextmanager
def _ours(otherwise: str = "internal") -> Iterator[None]:
    """What sync says in a fault of the appliance, `otherwise` where it has none of the same code."""
    try:
        yield
    except SyncFault as fault:
        raise Fault(fault.code if fault.code in BY_CODE else otherwise) from None


def _state(tx: Transaction, refused: str, certificate_ends: str) -> State:
    asked, hq, known, own = rows.asked(tx), pinned.pinned(tx), rows.known(tx), outbox.known_identity(tx)
    by_code = asked is not None and bool(asked.code)
    return State(
        state="asking" if by_code else "enrolled" if hq else "not_enrolled",
        address=asked.url if asked and by_code else hq.url if hq else "",
        fault=asked.fault if asked and by_code else refused,
        name=known.name if known else "",
        box=own.box.hex() if own else "",
        hq_code=key_code(hq.record_key) if hq else "",
        enrolled_at=known.enrolled_at if known else "",
        clock_off=known.clock_off if known else 0,
        certificate_ends=certificate_ends,
    )
