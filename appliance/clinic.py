"""An unlocked box: the open store and what is live. Before the passphrase there is none, and listeners say so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from appliance.audit.actions import Auditing
from appliance.clock import now_seconds, now_text, steady_seconds
from appliance.deeds import Deed, do
from appliance.door import Caller, Door
from appliance.faults import Fault
from appliance.fitting import Beyond
from appliance.groups import actions as groups
from appliance.groups import requests as asking
from appliance.groups.rules import b64url
from appliance.identity import rows as accounts
from appliance.identity.actions import Step
from appliance.identity.rules import Demand
from appliance.identity.throttles import Asked
from appliance.live import Live, Page
from appliance.notebook import Notebook
from appliance.notes import rows as note_rows
from appliance.notes.ring import Ring
from appliance.notes.sealing import SIGN_IN_COST, Cost
from appliance.policy import MEMBER_ACTIONS, STATE_ACTIONS, Action, Actor, Facts, Surface, decide_role
from appliance.room import requests as room_requests
from appliance.room.board import Board
from appliance.sessions import actions as sessions
from appliance.sessions import rows
from appliance.sessions.given import NOTHING, Given
from appliance.store.database import Database, Transaction
from appliance.tickets import actions as tickets
from appliance.tickets.actions import Issued
from appliance.tickets.rules import GUESSED, near, normal_code
from appliance.timekeeping.keeper import Timekeeper

T = TypeVar("T")

_WORDS: dict[str, Action] = {word: word for word in (*STATE_ACTIONS, *MEMBER_ACTIONS)}


@dataclass(slots=True)
class Clinic:
    """What the listeners' handlers work on."""

    db: Database
    live: Live
    second_factor: Demand = "required"
    note_cost: Cost = SIGN_IN_COST  # of opening a clinician's private key at sign-in
    record_key: Callable[[], bytes | None] = lambda: None  # headquarters' public one, where it is known; blocks
    audit: Auditing = field(init=False)
    ring: Ring = field(init=False)
    notebook: Notebook = field(init=False)
    door: Door = field(init=False)
    board: Board = field(init=False)
    clock: Timekeeper = field(init=False)
    _admitting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _credential_key: str = ""

    def __post_init__(self) -> None:
        self.audit = Auditing(self.db)
        self.ring = Ring(self.db, self.note_cost)
        self.notebook = Notebook(self.db, self.ring, self.audit, self.record_key)
        self.door = Door(self.db, self.ring, self.second_factor, self.audit)
        self.clock = Timekeeper(self.db)
        self.board = Board(self.db, self.live, self.audit)
        self.live.beside = self.board

    async def act(
        self,
        actor: Actor,
        action: str,
        session: str,
        member: str = "",
        *,
        beyond: Beyond = "",
        given: Given = NOTHING,
    ) -> Issued | None:
        """One session action by its word, its refusal noted; then everything live is brought in line with the store.

        `beyond`: how to admit where the box is at its limit; "" asks first. `given`: what came with it. Returns a new
        ticket where one is made.
        Faults: not_found, refused, wrong_state, session_locked, leader_away, blocked, licence_expired, box_full.
        """
        word = _WORDS.get(action)
        if word is None or (word not in STATE_ACTIONS) != bool(member):
            raise Fault("not_found", "no such action")
        if word not in ("admit", "let_through"):
            return await self._act(actor, word, session, member, given=given)
        await self._admit(actor, word, session, member, beyond)
        return None

    async def _admit(self, actor: Actor, word: Action, session: str, member: str, beyond: Beyond) -> None:
        """One at a time, so that two at once do not both take the last place."""
        async with self._admitting:
            full = not beyond and not await self.live.fits(session)
            try:
                await self._act(actor, word, session, member, full=full, beyond=beyond)
            except Fault as fault:
                if fault.code == "box_full":
                    self.live.fitting.keep_waiting(session, member)
                    await self.live.changed(session)
                raise

    async def _act(
        self,
        actor: Actor,
        word: Action,
        session: str,
        member: str,
        *,
        full: bool = False,
        beyond: Beyond = "",
        given: Given = NOTHING,
    ) -> Issued | None:
        try:
            deed = Deed(
                actor,
                word,
                session,
                member,
                now_text(),
                given,
                full=full,
                leaderless=self.live.present.leader_lost(session),
                here=self.live.here(session),
            )
            issued = await self.db.write(lambda tx: do(tx, deed))
        except Fault as fault:
            if fault.code == "refused":
                await self.note_refused(actor, word, Facts(session=session, member=member), fault.code)
            raise
        if beyond == "anyway":
            self.live.fitting.beyond.add(member)
        await self.board.acted(actor, word, session, member)
        await self.live.changed(session)
        return issued

    async def role_first(self, actor: Actor, action: Action, named: Mapping[str, str]) -> None:
        """Fault("refused"), noted, for a role that may never do `action`: before it can learn what there is.

        `named`: the ids in the request's path, as they came. The entry holds what there is of them.
        """
        try:
            decide_role(actor, action)
        except Fault as fault:
            facts = await self.db.read(lambda tx: _mentioned(tx, named))
            await self.note_refused(actor, action, facts, fault.code)
            raise

    async def look(self, actor: Actor, session: str) -> tuple[rows.Session, list[rows.Member]]:
        """A session and its members, noted before they are shown, a refusal too. Faults: not_found, refused."""
        try:
            found = await self.db.read(lambda tx: sessions.look(tx, actor, session))
        except Fault as fault:
            if fault.code == "refused":
                await self.note_refused(actor, "see", Facts(session=session), fault.code)
            raise
        await self.looked(actor, [session])
        return found

    async def looked(self, actor: Actor, shown: Sequence[str]) -> None:
        """Note that the people of those sessions are shown; once for a page or console that goes on showing them."""
        await self.audit.looked(actor, "see", shown, lambda tx, one: sessions.permit_to_see(tx, actor, one))

    async def entered(self, actor: Actor, session: str) -> None:
        """Note that one who leads goes into the room; once for a page that comes back again and again."""
        await self.audit.looked(actor, "enter", [session], lambda tx, one: sessions.permit_to_enter(tx, actor, one))

    async def group(self, page: Page, seat: groups.Seat, method: str, data: dict[str, Any]) -> dict[str, Any]:
        """What an open page asks of its session's group (groups/PROTOCOL.md), a refusal noted.

        Faults: not_signed_in, refused, bad_request, too_large, too_many_tries, wrong_state, stale_epoch.
        """
        if not seat.allowance(method).take(time.monotonic()):
            raise Fault("too_many_tries")
        asked = asking.parse(method, data)
        self.live.check_open(page)
        try:
            return await self._group(page, seat, asked)
        except Fault as fault:
            if fault.code == "refused":
                facts = Facts(session=seat.session, member=seat.member)
                await self.note_refused(seat.actor, asked.ACTION, facts, fault.code)
            elif fault.code == "not_signed_in":
                self.live.change_soon(seat.session)  # which closes the page, once it has its answer
            raise

    async def room(self, page: Page, seat: groups.Seat, method: str, data: dict[str, Any]) -> dict[str, Any]:
        """What an open page asks of the room (room/PROTOCOL.md), a refusal noted.

        Faults: not_signed_in, refused, bad_request, too_many_tries, wrong_state, not_found.
        """
        if not seat.allowance(method).take(time.monotonic()):
            raise Fault("too_many_tries")
        wanted = room_requests.parse(method, data)
        self.live.check_open(page)
        try:
            return await self.board.ask(page, seat, wanted)
        except Fault as fault:
            if fault.code == "refused":
                facts = Facts(session=seat.session, member=seat.member)
                await self.note_refused(seat.actor, wanted.ACTION, facts, fault.code)
            elif fault.code == "not_signed_in":
                self.live.change_soon(seat.session)
            raise

    async def _group(self, page: Page, seat: groups.Seat, asked: asking.Asked) -> dict[str, Any]:
        if isinstance(asked, asking.AskSay):
            hearers = await self.db.read(_while_signed_in(page, lambda tx: groups.hearers(tx, seat, asked)))
            self.live.pass_on(page, hearers, asked.group, asked.message)
            return {}
        if isinstance(asked, asking.AskLook | asking.AskCommits):
            return await self.db.read(_while_signed_in(page, lambda tx: groups.look(tx, seat, asked)))
        at, credential = now_text(), isinstance(asked, asking.AskCredential)
        fresh = credential and self.audit.is_new(seat.actor, "certify_key", seat.member)
        answer = await self.db.write(
            _while_signed_in(page, lambda tx: groups.do(tx, seat, asked, at, note_credential=fresh))
        )
        if fresh:
            self.audit.noted(seat.actor, "certify_key", seat.member)
        if not credential:
            await self.live.changed(seat.session)
        return answer

    async def credential_key(self) -> str:
        """The public key of the box's leaf credentials, base64url."""
        if not self._credential_key:
            self._credential_key = b64url(await self.db.write(groups.credential_key))
        return self._credential_key

    async def note_refused(self, actor: Actor, action: Action, facts: Facts, code: str) -> None:
        """A refusal is an audit entry of its own: the transaction that was refused has rolled back.

        Equal ones of a quarter of an hour share an entry, so that a flood of them fills no disk.
        """
        await self.audit.refused(actor, action, facts, code)

    async def note_done(self, actor: Actor, action: Action, facts: Facts) -> None:
        """What is about to be done to the machine: no row of the store tells of it. Faults: refused, store_failed."""
        await self.audit.done(actor, action, facts)

    async def sign_in(self, username: str, password: str, surface: Surface, address: str) -> Step:
        """The first step of signing in; the others are the door's. Faults: wrong_sign_in, too_many_tries."""
        return await self.door.password(Caller(surface, address), username, password)

    async def end_logins_of(self, person: str, *, but: bytes = b"") -> None:
        """After a person's logins were ended in the store: what is live ends too, at once.

        Their pages are closed and their media end, private keys leave memory, the console's line shows nothing more.
        `but`: the token's hash of a login that stays.
        """
        self.door.left_all(person, but=but)
        await self.live.weed()
        self.live.tell("gap")

    async def end_login(self, digest: bytes) -> None:
        """The same for one login."""
        self.door.left(digest)
        await self.live.weed()

    async def look_after_logins(self) -> None:
        """Now and then: who leads a running session stays signed in; what ended by itself is closed."""
        now, open_pages = steady_seconds(), self.live.open_logins()

        def work(tx: Transaction) -> None:
            for session, digest in open_pages:
                if rows.session(tx, session).state in ("open", "locked"):
                    accounts.keep_in_room(tx, digest, now)

        if open_pages:
            await self.db.write(work)
        await self.live.weed()
        await self.door.sweep()

    async def present(
        self, code: str, pin: str, address: str, *, device: str = "", shared: bool = False
    ) -> tickets.Presented:
        """A visit and the device's token for a ticket. Faults: those of `tickets.present`, and too_many_tries.

        An address that has used up its tries still gets in with a right code and PIN, and learns nothing of a wrong one
        (tickets/rules.py): who guesses in the waiting area keeps nobody else out.
        """
        if await self.db.read(lambda tx: tickets.is_its_device(tx, code, device)):
            await self.door.throttles.take(("ticket", f"{normal_code(code)}\x00{device}"))
        asked, wait = await self._ask_at_the_door(address)
        if wait and await self.db.read(lambda tx: tickets.known(tx, code)) is None:
            await self.audit.refused(tickets.visitor_at(address), "present", Facts(), wait.code)
            raise wait
        at, now = now_text(), now_seconds()
        presented = await self.db.write(
            lambda tx: tickets.present(tx, code, pin, at, now, device=device, shared=shared, address=address)
        )
        if presented.unnoted is not None:
            visitor = tickets.visitor_at(address)
            await self.audit.refused(visitor, "present", presented.unnoted, presented.fault)
        if presented.fault:
            guessed = presented.fault in GUESSED
            if presented.session:  # staff see it
                await self.live.changed(presented.session)
            if not guessed:  # who has the right PIN does not guess
                await self.door.throttles.give_back(asked)
            raise wait if wait and guessed else Fault(presented.fault)
        await self.door.throttles.give_back(asked)
        await self.live.changed(presented.session)
        return presented

    async def _ask_at_the_door(self, address: str) -> tuple[Asked, Fault | None]:
        """Count a try of that address, and whether it has to wait for the next one."""
        try:
            return await self.door.throttles.take(("ticket_address", near(address))), None
        except Fault as fault:
            return (), fault


def _mentioned(tx: Transaction, named: Mapping[str, str]) -> Facts:
    """What a refused request was about, nothing of what does not exist."""
    if "session" in named:
        return sessions.mentioned(tx, named["session"], named.get("member", ""))
    words = (named.get(one, "") for one in ("note", "group", "person"))
    session, person, thing = note_rows.mentioned(tx, *words)
    return Facts(session=session, person=person, thing=thing)


def _while_signed_in(page: Page, work: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
    """The work, in one transaction with the look whether the page's login or visit has not ended."""

    def checked(tx: Transaction) -> T:
        if not page.stands(tx):
            raise Fault("not_signed_in")
        return work(tx)

    return checked
