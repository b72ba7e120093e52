"""A demo clinic with made-up names, so that `hearth up --demo` shows the whole box at once.

`demo.json` holds the demo's secrets in clear, readable by the owner only, so that a second start can print them again.
That is right for a demo and for nothing else; the file says so itself.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets

import msgspec

from appliance.clock import now_seconds, now_text
from appliance.consent import actions as consent
from appliance.consent.texts import first_agreement
from appliance.contacts import rows as contacts
from appliance.contacts.rules import Contact, List
from appliance.disclosures import actions as disclosures
from appliance.disclosures import rows as ledger
from appliance.disclosures.forms import form
from appliance.disclosures.rules import DAYS, SCOPES
from appliance.faults import Fault
from appliance.home import Home
from appliance.identity import actions as identity
from appliance.identity import rows as accounts
from appliance.identity.passwords import hash_password
from appliance.outbox.actions import box_public
from appliance.outbox.pinned import pin_json
from appliance.people import actions as people
from appliance.policy import BOX, Facts, StaffRole, decide
from appliance.sessions import actions as sessions
from appliance.sessions import rows
from appliance.store import birth, keyslots
from appliance.store.database import Database, Transaction
from appliance.store.files import write_atomically
from appliance.tickets import actions as tickets

NOTE = "Demo secrets in clear. Never keep real people's data in a demo clinic."
CLINIC, PHONE = "Riverbend House", "555 0142"
SIGN_IN = '[sign_in]\nsecond_factor = "optional"\n'
SETTINGS = f'# A demo clinic.\n[clinic]\nname = "{CLINIC}"\nphone = "{PHONE}"\n\n{SIGN_IN}'
LEADER = ("Mara Lindqvist", "Mara", "mara")
COLEADER = ("Ines Duarte", "Ines", "ines")  # leads along: keys of a room must outlive one facilitator's device
DESK = ("Jonas Okafor", "jonas")
OTHERS: tuple[tuple[str, str, StaffRole], ...] = (  # so that one can look at the box with everybody's eyes
    ("Lena Brandt", "lena", "clinical_lead"),
    ("Ruth Stone", "ruth", "administrator"),
    ("Paul Winter", "paul", "billing"),
    ("Nadia Haddad", "nadia", "auditor"),
)
PEOPLE = ("Ada Brook", "Tomás Rivera", "Wen Li")
PHRASES = ("blue canoe", "paper lantern", "seven lemons")  # what the front desk asks who waits for
TITLE = "Thursday circle"
CALLS: dict[List, tuple[Contact, ...]] = {  # made-up numbers, as all of 555 01xx are
    "emergency": (Contact("Ambulance", "555 0100"), Contact("Night line", "555 0199", "22:00–06:00")),
    "on_call": (Contact("Lena Brandt", "555 0143", "weekdays"),),
}


class Ticket(msgspec.Struct, kw_only=True):
    """One made-up person's invitation."""

    name: str
    code: str
    pin: str


class Other(msgspec.Struct, kw_only=True):
    """A member of staff besides those who run the session."""

    role: StaffRole
    username: str
    password: str


class Demo(msgspec.Struct, kw_only=True):
    """What `demo.json` holds and `up` prints. People's ids are kept to schedule the next session with them.

    A file from before there was a second facilitator lacks the fields that begin with `cofacilitator`, one from before
    there was somebody of each role lacks `others`.
    """

    note: str = NOTE
    passphrase: str
    facilitator_username: str
    facilitator_password: str
    operator_username: str
    operator_password: str
    cofacilitator_username: str = ""
    cofacilitator_password: str = ""
    others: list[Other] = []
    leader: str = ""
    coleader: str = ""
    people: list[str] = []
    session: str = ""
    tickets: list[Ticket] = []


def load(home: Home) -> Demo | None:
    """The demo of this home, None where there is none. Fault("bad_settings") for a damaged file."""
    try:
        return msgspec.json.decode(home.demo.read_bytes(), type=Demo)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError):
        raise Fault("bad_settings", home.demo.name) from None


def prepare(home: Home) -> Demo:
    """A demo with a session that can be joined: made new, or brought up to date after its session has ended.

    Faults: wrong_passphrase (demo.json was changed), those of the store, store_exists (a real clinic lives here).
    """
    return asyncio.run(_prepare(home))


async def _prepare(home: Home) -> Demo:
    """Each step is found again when it was cut short: what `demo.json` promises is made after it is written."""
    demo = load(home)
    if demo is None:
        demo = _promise(home)
    elif not demo.cofacilitator_password or not demo.others:
        _promise_more(home, demo)
    _let_in_by_password(home)
    if birth.present(home.store):
        key = await asyncio.to_thread(keyslots.unlock, home.store, demo.passphrase)
        db = await Database.open(home.store, key)
    else:
        db = await birth.give_birth(home.store, demo.passphrase)
    try:
        if not demo.leader:
            await _people(db, demo)
        if not demo.coleader:
            await _another(db, demo)
        await _everybody(db, demo)
        await _signed(db, demo)
        await _callable(db)
        await _session(db, demo)
        facts = await db.write(box_public)
        await _headquarters(home, db)
    finally:
        await db.close()
    await asyncio.to_thread(_save, home, demo)
    await asyncio.to_thread(write_atomically, home.box_facts, json.dumps(facts).encode())
    return demo


def _promise(home: Home) -> Demo:
    """Names and passwords, written down before there is a store: a store whose passphrase nobody knows is lost."""
    if birth.present(home.store):
        raise Fault("store_exists", "a clinic that is not a demo lives here")
    demo = Demo(
        passphrase=_password(4),
        facilitator_username=LEADER[2],
        facilitator_password=_password(2),
        operator_username=DESK[1],
        operator_password=_password(2),
        cofacilitator_username=COLEADER[2],
        cofacilitator_password=_password(2),
        others=_others(),
    )
    if not home.settings.exists():
        write_atomically(home.settings, SETTINGS.encode())
    _save(home, demo)
    return demo


def _promise_more(home: Home, demo: Demo) -> None:
    """What demos that were made by an older version lack."""
    if not demo.cofacilitator_password:
        demo.cofacilitator_username, demo.cofacilitator_password = COLEADER[2], _password(2)
    demo.others = demo.others or _others()
    _save(home, demo)


def _others() -> list[Other]:
    return [Other(role=role, username=username, password=_password(2)) for _, username, role in OTHERS]


def _let_in_by_password(home: Home) -> None:
    """A demo shows itself without a second step, also one whose settings are older; who set it otherwise keeps that."""
    text = home.settings.read_text(encoding="utf-8") if home.settings.exists() else ""
    if not re.search(r"^\s*\[sign_in\]", text, re.MULTILINE):
        write_atomically(home.settings, (text.rstrip("\n") + "\n\n" + SIGN_IN).encode())


async def _people(db: Database, demo: Demo) -> None:
    leader, desk = hash_password(demo.facilitator_password), hash_password(demo.operator_password)

    def work(tx: Transaction) -> None:
        at = now_text()
        demo.people = [identity.enrol(tx, BOX, name, at) for name in PEOPLE]
        for person, phrase in zip(demo.people, PHRASES, strict=True):
            people.set_phrase(tx, BOX, person, phrase, at)
        there = accounts.account(tx, demo.facilitator_username)
        if there is not None:  # cut short before demo.json told of them: the people are made up, new ones will do
            demo.leader = there.person
            return
        demo.leader = identity.appoint(tx, BOX, LEADER[0], demo.facilitator_username, "facilitator", leader, at)
        identity.appoint(tx, BOX, DESK[0], demo.operator_username, "operator", desk, at)
        consent.publish(tx, BOX, first_agreement(), at)

    await db.write(work)


async def _another(db: Database, demo: Demo) -> None:
    """The second facilitator, also of a demo that was made without one."""
    password = hash_password(demo.cofacilitator_password)

    def work(tx: Transaction) -> None:
        name, there = demo.cofacilitator_username, accounts.account(tx, demo.cofacilitator_username)
        if there is not None:  # cut short before demo.json told of them
            demo.coleader = there.person
            return
        demo.coleader = identity.appoint(tx, BOX, COLEADER[0], name, "facilitator", password, now_text())

    await db.write(work)


async def _everybody(db: Database, demo: Demo) -> None:
    """Somebody of each role, also of a demo that was made without."""
    there = await db.read(lambda tx: [one for one in demo.others if accounts.username_taken(tx, one.username)])
    missing = [(one, hash_password(one.password)) for one in demo.others if one not in there]
    names = {username: name for name, username, _ in OTHERS}

    def work(tx: Transaction) -> None:
        for one, phc in missing:
            identity.appoint(tx, BOX, names[one.username], one.username, one.role, phc, now_text())

    if missing:
        await db.write(work)


async def _headquarters(home: Home, db: Database) -> None:
    """Trust the demo's own HQ, which lives in the same home."""
    public = home.demo_hq / "hq-public.json"
    if public.exists():
        raw = await asyncio.to_thread(public.read_bytes)
        await db.write(lambda tx: pin_json(tx, decide(BOX, "enrol_box", Facts()), raw, now_text()))


async def _callable(db: Database) -> None:
    """Whom to call, where nobody is noted yet."""

    def note(tx: Transaction) -> None:
        for which, found in CALLS.items():
            if not contacts.contacts(tx, which):
                permit = decide(BOX, "edit_contacts", Facts())
                contacts.replace(tx, permit, which, found, now_text())

    await db.write(note)


async def _signed(db: Database, demo: Demo) -> None:
    """The made-up people have signed that headquarters may hear of them, so that there is something to see there."""

    def work(tx: Transaction) -> None:
        for person, name in zip(demo.people, PEOPLE, strict=False):
            if not ledger.of_person(tx, person):  # also nobody who took it back is made to sign again
                disclosures.grant(
                    tx,
                    BOX,
                    person,
                    form("en"),
                    scopes=SCOPES,
                    days=DAYS,
                    signature=name,
                    how="paper",
                    at=now_text(),
                )

    await db.write(work)


async def _session(db: Database, demo: Demo) -> None:
    """Keep the session while it is not over, with tickets that open it; else a new one for the same people."""

    def work(tx: Transaction) -> None:
        at, now = now_text(), now_seconds()
        coleader = (demo.coleader, COLEADER[1])
        if not demo.session or rows.session(tx, demo.session).state == "ended":
            leader = (demo.leader, LEADER[1])
            demo.session, _ = sessions.schedule(tx, BOX, TITLE, leader, demo.people, at, at, with_leaders=[coleader])
            demo.tickets = []
        elif demo.coleader not in rows.session(tx, demo.session).leaders:
            sessions.add_leader(tx, BOX, demo.session, coleader, at)
        by_person = {member.person: member for member in rows.members(tx, demo.session)}
        old = dict(zip(demo.people, demo.tickets, strict=False))
        demo.tickets = [_ticket(tx, by_person[person], old.get(person), at, now) for person in demo.people]

    await db.write(work)


def _ticket(tx: Transaction, member: rows.Member, old: Ticket | None, at: str, now: int) -> Ticket:
    """The old one while it opens, or while its owner is on their way in; else a new one.

    Whatever device showed it before, any may show it now: who looks around uses another window each time. A page that
    is still open goes on until then.
    """
    if old is not None:
        known = tickets.known(tx, old.code)
        if member.standing in ("waiting", "admitted") or (known and not known.stopped and known.expires_at > now):
            tickets.release(tx, BOX, member.session, member.id, at, now)
            return old
    issued = tickets.reissue(tx, BOX, member.session, member.id, at, now)
    return Ticket(name=issued.name, code=issued.code, pin=issued.pin)


def _save(home: Home, demo: Demo) -> None:
    """Whole or not at all, for the owner only."""
    plain = json.dumps(msgspec.to_builtins(demo), ensure_ascii=False, indent=2)
    write_atomically(home.demo, plain.encode())


_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]


def _password(words: int) -> str:
    """Pronounceable: `words` groups of three syllables, 18 bits each, joined by dashes."""
    return "-".join("".join(secrets.choice(_SYLLABLES) for _ in range(3)) for _ in range(words))
