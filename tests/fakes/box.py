"""An unlocked clinic on a real store: one leader, a front desk, two other facilitators, three patients, one session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from appliance.clinic import Clinic
from appliance.clock import now_seconds, now_text
from appliance.consent import actions as consent
from appliance.consent.rules import Signing
from appliance.consent.texts import first_agreement
from appliance.identity import actions as identity
from appliance.identity.rules import Demand
from appliance.live import Live
from appliance.notes.sealing import Cost as NoteCost
from appliance.orientation import actions as orientation
from appliance.policy import BOX, Actor, StaffRole, Surface
from appliance.sessions import actions as sessions
from appliance.sessions import rows
from appliance.store import birth
from appliance.store.database import Transaction
from appliance.store.keyslots import Cost
from appliance.tickets import actions as tickets
from appliance.tickets.actions import Issued
from tests.fakes.relay import FakeRelay

PASSPHRASE = "made up for the tests"
PASSWORD = "made-up-password"
CHEAP = Cost(memory=64, iterations=1, lanes=1)
# Checked as the string itself says: a hundredth of the memory, so that hundreds of boxes and sign-ins cost seconds.
PHC = Argon2id(
    salt=b"made up for ever", length=32, iterations=CHEAP.iterations, lanes=CHEAP.lanes, memory_cost=CHEAP.memory
).derive_phc_encoded(PASSWORD.encode())
CHEAP_NOTES = NoteCost(memory=64, passes=1, lanes=1)
PEOPLE = ("Ada Brook", "Tomás Rivera", "Wen Li")


async def _nothing() -> None:
    """There is no listener in front of this box."""


@dataclass
class OpenBox:
    """What a test of the box starts with. `published`: what the console's feed was told."""

    clinic: Clinic
    relay: FakeRelay
    published: list[str] = field(default_factory=list)
    session: str = ""
    staff: dict[str, str] = field(default_factory=dict)  # username -> person
    members: list[str] = field(default_factory=list)
    issued: list[Issued] = field(default_factory=list)
    stop: Callable[[], Awaitable[None]] = field(default=_nothing)  # end the listener in front of it, where there is one

    def leader(self, surface: Surface = "portal") -> Actor:
        return Actor(self.staff["mara"], "facilitator", surface)

    def desk(self) -> Actor:
        return Actor(self.staff["jonas"], "operator", "console")

    def other_leader(self) -> Actor:
        return Actor(self.staff["paul"], "facilitator", "portal")

    async def lead_together(self) -> Actor:
        """Ines leads the session too, from now on."""
        ines = (self.staff["ines"], "Ines")
        await self.clinic.db.write(lambda tx: sessions.add_leader(tx, BOX, self.session, ines, now_text()))
        await self.clinic.live.changed(self.session)
        return Actor(ines[0], "facilitator", "portal")

    async def place_of(self, username: str) -> str:
        """The member's id of one who leads."""
        members = await self.clinic.db.read(lambda tx: rows.members(tx, self.session))
        return next(m.id for m in members if m.person == self.staff[username])

    async def patient(self, number: int) -> Actor:
        """The actor of a patient who has shown the ticket."""
        ticket = self.issued[number]
        await self.clinic.present(ticket.code, ticket.pin, "127.0.0.1", device=f"device of {number}")
        member = await self.member(number)
        return Actor(member.person, "patient", "portal", member.id)

    async def member(self, number: int) -> rows.Member:
        return await self.clinic.db.read(lambda tx: rows.member(tx, self.members[number]))

    async def wait_at_the_door(self, number: int, name: str = "") -> Actor:
        """Take a patient through every step to the waiting room."""
        actor = await self.patient(number)
        full_name = self.issued[number].name
        shown = name or full_name.split()[0]

        def work(tx: Transaction) -> None:
            at = now_text()
            sessions.choose_name(tx, actor, shown, at)
            way_in(tx, actor, full_name, at)
            sessions.ask(tx, actor, at)

        await self.clinic.db.write(work)
        await self.clinic.live.changed(self.session)
        return actor

    async def reissue(self, number: int) -> Issued:
        """A new ticket from the front desk."""
        issued = await self.clinic.act(self.desk(), "reissue", self.session, self.members[number])
        assert issued is not None
        return issued

    async def let_in(self, number: int) -> Actor:
        actor = await self.wait_at_the_door(number)
        await self.clinic.act(self.leader(), "admit", self.session, self.members[number])
        return actor


def sign(tx: Transaction, actor: Actor, name: str, at: str, language: str = "en") -> None:
    """Sign the agreement that counts now, as its page would send it."""
    consent.sign(tx, actor, language, Signing(consent.shown(tx, language)[2], name, True, True, True), at)


def way_in(tx: Transaction, actor: Actor, full_name: str, at: str) -> None:
    """All steps between the name and the waiting room."""
    sign(tx, actor, full_name, at)
    orientation.orient(tx, actor, at)
    sessions.try_devices(tx, actor, at)
    sessions.check_space(tx, actor, at)


@asynccontextmanager
async def open_box(
    folder: Path, expected: Sequence[str] = PEOPLE, second_factor: Demand = "optional"
) -> AsyncIterator[OpenBox]:
    """A box in `folder`/store with a session that expects those people; its store is real, its relay is not.

    Staff sign in with a password alone, which keeps what is not about sign-in short.
    """
    db = await birth.give_birth(folder / "store", PASSPHRASE, CHEAP)
    published: list[str] = []
    live = Live(db, published.append)
    box = OpenBox(Clinic(db, live, second_factor, CHEAP_NOTES), FakeRelay(), published)
    live.relay = box.relay
    live.leader_grace_seconds = 3600.0  # most tests act for one who leads without a page; tests of it set their own

    def work(tx: Transaction) -> None:
        at, now = now_text(), now_seconds()
        staff: list[tuple[str, str, StaffRole]] = [
            ("Mara Lindqvist", "mara", "facilitator"),
            ("Paul Winter", "paul", "facilitator"),
            ("Ines Duarte", "ines", "facilitator"),
            ("Jonas Okafor", "jonas", "operator"),
            ("Ruth Stone", "ruth", "administrator"),
        ]
        for name, username, role in staff:
            box.staff[username] = identity.appoint(tx, BOX, name, username, role, PHC, at)
        people = [identity.enrol(tx, BOX, name, at) for name in expected]
        consent.publish(tx, BOX, first_agreement(), at)
        leader = (box.staff["mara"], "Mara")
        box.session, box.members = sessions.schedule(tx, BOX, "Thursday circle", leader, people, at, at)
        box.issued = [tickets.reissue(tx, BOX, box.session, member, at, now) for member in box.members]

    await db.write(work)
    try:
        yield box
    finally:
        await live.close()
        await db.close()
