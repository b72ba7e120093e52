"""Everybody who may knock, each signed in at both doors of one box, and what became of one request.

The box has two of each thing: what is Mara's (and Cora's, who is a clinician of the same care group), and what is
Paul's. `Knocker.own` is said of Mara's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import aiohttp

from appliance import policy
from appliance.audit.repeats import Looks
from appliance.care import actions as care
from appliance.clock import now_seconds, now_text, steady_seconds
from appliance.consent import actions as consent
from appliance.control.client import ControlClient
from appliance.control.desk import Route
from appliance.control.feed import Feed
from appliance.control.listener import ControlListener
from appliance.disclosures import actions as disclosures
from appliance.disclosures.forms import form
from appliance.disclosures.rules import SCOPES
from appliance.identity import actions as identity
from appliance.identity import rows as accounts
from appliance.ids import token_hash
from appliance.keeping import Keeper
from appliance.licences import actions as licences
from appliance.notebook import Reader
from appliance.notes.actions import Place
from appliance.orientation import actions as orientation
from appliance.policy import BOX, TABLE, Action, Actor, Facts, Role, StaffRole
from appliance.portal import tls
from appliance.portal.listener import PortalListener, application
from appliance.portal.logins import LOGIN
from appliance.room import actions as room
from appliance.room import rows as concerns
from appliance.sessions import actions as sessions
from appliance.sessions import rows as session_rows
from appliance.store import slotpair
from appliance.store.database import Transaction
from appliance.store.key import StoreKey
from appliance.store.slotfile import Slots
from appliance.tickets import actions as tickets
from tests.fakes.box import PASSPHRASE, PASSWORD, PEOPLE, PHC, OpenBox, open_box
from tests.fakes.control import Box
from tests.fakes.notes import Notes, notes_of
from tests.fakes.portal import Behind, show_ticket, sign_in
from tests.fakes.rehearsal import rehearsal
from tests.fakes.visitor import Visitor

JSON = {"Accept": "application/json"}
WORD = "pomegranate"  # stands in every note
MORE_STAFF: tuple[tuple[str, str, StaffRole], ...] = (
    ("Vera Holm", "vera", "clinical_lead"),
    ("Cora Lind", "cora", "clinical_lead"),
    ("Bea Roth", "bea", "billing"),
    ("Axel Braun", "axel", "auditor"),
)


@dataclass(frozen=True, slots=True)
class Knocker:
    """One who asks. `own`: whether Mara's session, care group and their things are theirs."""

    username: str
    role: Role
    own: bool

    def allowed(self, action: Action) -> bool:
        """What the table says, where the thing asked for is Mara's session or care group, or one's own account."""
        reach = TABLE[action].get(self.role)
        return reach == "any" or (reach == "own" and (self.own or TABLE[action] is TABLE["sign_out"]))


STAFF = (
    Knocker("ruth", "administrator", False),
    Knocker("jonas", "operator", False),
    Knocker("mara", "facilitator", True),
    Knocker("paul", "facilitator", False),
    Knocker("vera", "clinical_lead", False),
    Knocker("cora", "clinical_lead", True),
    Knocker("bea", "billing", False),
    Knocker("axel", "auditor", False),
)
PATIENT = Knocker("ada", "patient", True)


@dataclass
class Things:
    """Ids of what there is: (Mara's, Paul's) of each."""

    sessions: tuple[str, str] = ("", "")
    groups: tuple[str, str] = ("", "")
    notes: tuple[str, str] = ("", "")
    glass: str = ""  # Vera's, through which she reads the note of Mara's group
    place: str = ""  # one where Mara is signed in
    question: str = ""  # Ada's, in Mara's group
    concern: str = ""  # Ada's, in Mara's session
    agreement: str = ""  # the word of the texts that are signed
    slot: str = ""
    licence: str = ""  # of Ines
    patients: tuple[str, str] = ("", "")  # the first is whom Mara's note is about


@dataclass
class Doors:
    """The box with everybody at its doors. Writes are rehearsals: nobody's try changes what the next one finds."""

    box: OpenBox
    feed: Feed
    things: Things = field(default_factory=Things)
    origin: str = ""
    cookies: dict[str, str] = field(default_factory=dict)  # as they were after the sign-in, whatever answers say
    words: dict[str, str] = field(default_factory=dict)  # each visitor's word against forgery
    tokens: dict[str, str] = field(default_factory=dict)
    readers: dict[str, Reader] = field(default_factory=dict)
    socket: Path = Path()
    asked: list[Action] = field(default_factory=list)
    http: aiohttp.ClientSession | None = None
    browser: aiohttp.ClientSession | None = None
    control_routes: Sequence[Route] = ()
    keeper: Keeper | None = None
    _kept: tuple[dict[bytes, Any], dict[bytes, str]] = ({}, {})
    _slots: tuple[StoreKey, Slots] | None = None

    def keep(self) -> None:
        """Remember what is in memory, and the slots on the disk, as they are now."""
        assert self.keeper is not None
        clinic = self.box.clinic
        self._kept = dict(clinic.ring._held), dict(clinic.door._keyed)
        self._slots = self.keeper.key, self.keeper._current()

    def rehearse_again(self) -> None:
        """What the last request did outside of the store is taken back too; a rekey stays, and with it its slots."""
        self.asked.clear()
        clinic = self.box.clinic
        clinic.ring._held, clinic.door._keyed = type(clinic.ring._held)(self._kept[0]), dict(self._kept[1])
        clinic.audit._looks = Looks()
        for reader in self.readers.values():
            clinic.notebook.indexes.left(reader.login)
        if self.keeper is not None and self._slots is not None and self.keeper.key is self._slots[0]:
            self.keeper._file = slotpair.save(self.keeper.store, self._slots[1])

    def headers(self, who: Knocker) -> dict[str, str]:
        return {"Origin": self.origin, "Cookie": self.cookies[who.username]}

    async def portal(
        self, who: Knocker | None, method: str, path: str, form: Mapping[str, str] | None = None
    ) -> tuple[int, str, bytes]:
        """Status, the fault's code or "", and the body of one request to the portal; `asked` holds what it asked.

        None: somebody who is not signed in.
        """
        assert self.browser is not None
        self.rehearse_again()
        word = self.words[who.username] if who else ""
        headers = {**JSON, "X-CSRF": word, **(self.headers(who) if who else {"Origin": self.origin})}
        data = {**(form or {}), "csrf": word} if method == "POST" else None
        async with self.browser.request(
            method, self.origin + path, data=data, headers=headers, allow_redirects=False
        ) as response:
            body = await response.read()
            return response.status, _code(response.headers.get("Content-Type", ""), body), body

    async def control(
        self, who: Knocker | None, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[int, str, bytes]:
        """The same for the control socket."""
        assert self.http is not None
        self.rehearse_again()
        token = {"Authorization": f"Bearer {self.tokens[who.username]}"} if who else {}
        headers = {"Request-Id": str(uuid4()), **token}
        data = json.dumps(body or {}) if method == "POST" else None
        async with self.http.request(method, f"http://hearth{path}", data=data, headers=headers) as response:
            received = await response.read()
            code = json.loads(received).get("code", "") if response.status != 200 else ""
            return response.status, str(code), received

    async def enters(self, who: Knocker, session: str) -> bool:
        """Whether the room's line of that session opens for `who`."""
        assert self.browser is not None
        self.rehearse_again()
        path = "/join/ws" if who is PATIENT else f"/staff/sessions/{session}/ws"
        try:
            async with self.browser.ws_connect(self.origin + path, headers=self.headers(who)):
                return True
        except aiohttp.WSServerHandshakeError as refused:
            assert refused.status == 403
            return False


def _code(kind: str, body: bytes) -> str:
    return str(json.loads(body)["code"]) if "problem+json" in kind else ""


# -- how it comes about ------------------------------------------------------------------------------------------------


async def _people(box: OpenBox, things: Things) -> None:
    """More staff, and a session of Paul's beside Mara's."""

    def work(tx: Transaction) -> None:
        at = now_text()
        for name, username, role in MORE_STAFF:
            box.staff[username] = identity.appoint(tx, BOX, name, username, role, PHC, at)
        person = identity.enrol(tx, BOX, "Nia Ford", at)
        leader = (box.staff["paul"], "Paul")
        other, members = sessions.schedule(tx, BOX, "Friday circle", leader, [person], at, at)
        tickets.reissue(tx, BOX, other, members[0], at, now_seconds())
        things.sessions = box.session, other
        mine, theirs = (session_rows.session(tx, one).care_group for one in things.sessions)
        things.groups = mine, theirs
        care.let_in(tx, BOX, mine, box.staff["cora"], at)
        things.patients = session_rows.member(tx, box.members[0]).person, person
        told = things.patients[0]
        licences.note(tx, BOX, box.staff["ines"], "licence", "Counsellor", "", at)
        things.licence = licences.see(tx, Actor(box.staff["ines"], "facilitator", "portal"), box.staff["ines"])[0].id
        disclosures.grant(tx, BOX, told, form("en"), scopes=SCOPES, days=30, signature="Ada Brook", how="paper", at=at)

    await box.clinic.db.write(work)


async def _sign_everybody_in(doors: Doors, visitors: AsyncExitStack) -> None:
    first = ControlClient(doors.socket)
    await first.unlock(PASSPHRASE)
    await first.close()
    for who in (*STAFF, PATIENT):
        visitor = Visitor(doors.origin)
        visitors.push_async_callback(visitor.close)
        if who is PATIENT:
            doors.words[who.username] = (await show_ticket(visitor, doors.box)).hidden("csrf")
        else:
            await sign_in(visitor, who.username)
            doors.words[who.username] = (await visitor.get("/staff/account")).hidden("csrf")
            person = Actor(doors.box.staff[who.username], who.role, "portal")
            doors.readers[who.username] = Reader(person, token_hash(visitor.cookie(LOGIN)))
            client = ControlClient(doors.socket)
            await client.sign_in(who.username, PASSWORD)
            doors.tokens[who.username] = client._token
            await client.close()
        doors.cookies[who.username] = visitor.cookies()


async def _notes(doors: Doors) -> None:
    """A note in each care group, and Vera's glass on the first."""
    things, book = doors.things, doors.box.clinic.notebook
    mara, paul = doors.readers["mara"], doors.readers["paul"]
    mine = await book.write(mara, Place(things.groups[0], subject=things.patients[0]), "Mara's", f"a {WORD} of ours")
    theirs = await book.write(paul, Place(things.groups[1]), "Paul's", f"a {WORD} of theirs")
    things.notes = mine.id, theirs.id
    notes: Notes = await notes_of(doors.box)
    await notes.give_all(mara)
    for lead in (await book.recovering(doors.readers["vera"]))[2]:
        await book.share_recovery(doors.readers["vera"], lead.holder, lead.key_hash)
    things.glass = await book.break_glass(
        doors.readers["vera"], things.groups[0], things.patients[0], "she is unconscious at the hospital"
    )
    person, login = doors.box.staff["mara"], mara.login
    places = await doors.box.clinic.db.read(lambda tx: accounts.places(tx, person, login, steady_seconds()))
    things.place = places[0].id
    ada = Actor(things.patients[0], "patient", "portal", doors.box.members[0])
    things.question = await doors.box.clinic.db.write(lambda tx: orientation.ask(tx, ada, "Who leads?", now_text()))
    things.concern = await doors.box.clinic.db.write(lambda tx: _concern(tx, ada))
    things.agreement = (await doors.box.clinic.db.read(lambda tx: consent.shown(tx, "en")))[2]


def _concern(tx: Transaction, actor: Actor) -> str:
    """Raised before anybody knocks."""
    session = room.write_concern(tx, actor, "privacy", "Somebody was behind me.", now_text())
    return concerns.open_around(tx, session)[0].id


@contextmanager
def _listening(asked: list[Action]) -> Iterator[None]:
    """Note what is asked of the policy; not what is looked up to show buttons."""
    allows = policy.allows

    def listened(actor: Actor, action: Action, facts: Facts) -> bool:
        if sys._getframe(1).f_code.co_name == "decide":
            asked.append(action)
        return allows(actor, action, facts)

    policy.allows = listened
    try:
        yield
    finally:
        policy.allows = allows


@asynccontextmanager
async def doors() -> AsyncIterator[Doors]:
    """Everybody signed in, then the store made a rehearsal and the policy listened to."""
    async with AsyncExitStack() as stack:
        folder = Path(
            stack.enter_context(TemporaryDirectory(prefix="hearth-"))
        )  # a socket's path has at most 107 bytes
        box = await stack.enter_async_context(open_box(folder, PEOPLE))
        found = Doors(box, Feed(1000), socket=folder / "control.sock")
        await _people(box, found.things)
        behind, surroundings = Behind(box.clinic), Box(box, found.feed)
        (folder / "tls").mkdir()
        await tls.renew(box.clinic.db, folder / "tls", "hearth", ())
        app = application(behind, ("Riverbend House", "555 0142"), folder / "tls" / tls.CA_FILE)
        portal, control = PortalListener(app), ControlListener(surroundings, found.feed)
        found.origin = behind.origin = (
            f"https://127.0.0.1:{await portal.start('127.0.0.1', 0, tls.context(folder / 'tls'))}"
        )
        stack.push_async_callback(portal.close)
        await control.start(found.socket)
        stack.push_async_callback(control.close)
        found.control_routes = control.routes()
        await _sign_everybody_in(found, stack)
        await _notes(found)
        found.keeper = surroundings.keeper()
        found.things.slot = (await found.keeper.list(BOX, now_text()))[0].slot.id
        connector = aiohttp.TCPConnector(ssl=False)
        found.browser = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        stack.push_async_callback(found.browser.close)
        found.http = aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(found.socket)))
        stack.push_async_callback(found.http.close)
        box.clinic.live.catch_up_seconds = 3600  # a session that was taken back is not there to catch up with
        found.keep()
        stack.enter_context(rehearsal(box.clinic.db))
        stack.enter_context(_listening(found.asked))
        yield found
