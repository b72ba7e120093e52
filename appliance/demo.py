"""A demo clinic with made-up names, so that `hearth up --demo` shows the whole box at once.

`demo.json` holds the demo's secrets in clear, readable by the owner only, so that a second start can print them again.
That is right for a demo and for nothing else; the file says so itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import Any

import msgspec

from appliance.clock import now_seconds, now_text
from appliance.consent import actions as consent
from appliance.consent.texts import first_agreement
from appliance.faults import Fault
from appliance.home import Home
from appliance.identity import actions as identity
from appliance.identity.passwords import hash_password
from appliance.outbox.actions import box_public
from appliance.policy import BOX
from appliance.sessions import actions as sessions
from appliance.sessions import rows
from appliance.store import birth, keyslots
from appliance.store.database import Database, Transaction
from appliance.tickets import actions as tickets

NOTE = "Demo secrets in clear. Never keep real people's data in a demo clinic."
CLINIC, PHONE = "Riverbend House", "555 0142"
SETTINGS = f'# A demo clinic.\n[clinic]\nname = "{CLINIC}"\nphone = "{PHONE}"\n'
LEADER = ("Mara Lindqvist", "Mara", "mara")
DESK = ("Jonas Okafor", "jonas")
PEOPLE = ("Ada Brook", "Tomás Rivera", "Wen Li")
TITLE = "Thursday circle"


class Ticket(msgspec.Struct, kw_only=True):
    """One made-up person's invitation."""

    name: str
    code: str
    pin: str


class Demo(msgspec.Struct, kw_only=True):
    """What `demo.json` holds and `up` prints. People's ids are kept to schedule the next session with them."""

    note: str = NOTE
    passphrase: str
    facilitator_username: str
    facilitator_password: str
    operator_username: str
    operator_password: str
    leader: str = ""
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
    demo = load(home)
    if demo is None:
        demo = await _create(home)
    key = await asyncio.to_thread(keyslots.unlock, home.store, demo.passphrase)
    db = await Database.open(home.store, key)
    try:
        if not demo.leader:
            await _people(db, demo)
        await _session(db, demo)
        facts = await db.write(box_public)
    finally:
        await db.close()
    await asyncio.to_thread(_save, home.demo, demo)
    home.box_facts.write_text(json.dumps(facts), encoding="utf-8")
    return demo


async def _create(home: Home) -> Demo:
    if birth.present(home.store):
        raise Fault("store_exists", "a clinic that is not a demo lives here")
    demo = Demo(
        passphrase=_password(4),
        facilitator_username=LEADER[2],
        facilitator_password=_password(2),
        operator_username=DESK[1],
        operator_password=_password(2),
    )
    await (await birth.give_birth(home.store, demo.passphrase)).close()
    await asyncio.to_thread(_save, home.demo, demo)
    if not home.settings.exists():
        home.settings.write_text(SETTINGS, encoding="utf-8")
    return demo


async def _people(db: Database, demo: Demo) -> None:
    leader, desk = hash_password(demo.facilitator_password), hash_password(demo.operator_password)

    def work(tx: Transaction) -> None:
        at = now_text()
        demo.leader = identity.appoint(tx, BOX, LEADER[0], demo.facilitator_username, "facilitator", leader, at)
        identity.appoint(tx, BOX, DESK[0], demo.operator_username, "operator", desk, at)
        demo.people = [identity.enrol(tx, BOX, name, at) for name in PEOPLE]
        consent.publish(tx, BOX, first_agreement(), at)

    await db.write(work)


async def _session(db: Database, demo: Demo) -> None:
    """Keep the session while it is not over; else a new one for the same people, with new tickets."""

    def work(tx: Transaction) -> None:
        if demo.session and rows.session(tx, demo.session).state != "ended":
            return
        at, now = now_text(), now_seconds()
        demo.session, members = sessions.schedule(tx, BOX, TITLE, (demo.leader, LEADER[1]), demo.people, at, at)
        issued = [tickets.reissue(tx, BOX, demo.session, member, at, now) for member in members]
        demo.tickets = [Ticket(name=one.name, code=one.code, pin=one.pin) for one in issued]

    await db.write(work)


def _save(path: Path, demo: Demo) -> None:
    """Whole or not at all, for the owner only."""
    fresh = path.with_suffix(".new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(_plain(demo), file, ensure_ascii=False, indent=2)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)


def _plain(demo: Demo) -> Any:
    return msgspec.to_builtins(demo)


_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]


def _password(words: int) -> str:
    """Pronounceable: `words` groups of three syllables, 18 bits each, joined by dashes."""
    return "-".join("".join(secrets.choice(_SYLLABLES) for _ in range(3)) for _ in range(words))
