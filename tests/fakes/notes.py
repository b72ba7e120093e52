"""Clinicians with their keys in the ring, and what they do with notes."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.care import actions as care
from appliance.clock import now_text
from appliance.identity import actions as identity
from appliance.ids import new_token, token_hash
from appliance.notebook import Reader
from appliance.notes.access.rules import RECOVERY
from appliance.notes.actions import Place
from appliance.policy import BOX, Actor, StaffRole
from appliance.store.database import Transaction
from tests.fakes.box import PASSWORD, PHC, OpenBox


@dataclass
class Notes:
    """An open box, its care group and shortcuts."""

    box: OpenBox
    group: str

    async def arrive(self, person: str, role: StaffRole = "facilitator", password: str = PASSWORD) -> Reader:
        """Sign in as far as the ring is concerned."""
        login = token_hash(new_token())
        await self.box.clinic.ring.unlock(login, person, password)
        return Reader(Actor(person, role, "portal"), login)

    async def staff(self, username: str) -> Reader:
        return await self.arrive(self.box.staff[username])

    async def lead(self, username: str = "vera") -> Reader:
        """A clinical lead, appointed at the first call."""
        if username not in self.box.staff:
            phc = PHC
            self.box.staff[username] = await self.box.clinic.db.write(
                lambda tx: identity.appoint(tx, BOX, username.title(), username, "clinical_lead", phc, now_text())
            )
        return await self.arrive(self.box.staff[username], "clinical_lead")

    async def let_in(self, username: str) -> None:
        person = self.box.staff[username]
        await self.box.clinic.db.write(lambda tx: care.let_in(tx, BOX, self.group, person, now_text()))

    async def let_out(self, username: str) -> None:
        person = self.box.staff[username]
        await self.box.clinic.db.write(lambda tx: care.let_out(tx, BOX, self.group, person, now_text()))

    async def write(self, who: Reader, text: str, title: str = "", subject: str = "") -> str:
        return (await self.box.clinic.notebook.write(who, Place(self.group, subject=subject), title, text)).id

    async def give_all(self, who: Reader) -> list[str]:
        """Hand keys to everybody who waits for them; whom."""
        waiters = await self.box.clinic.notebook.waiters(who)
        for one in waiters:
            await self.box.clinic.notebook.give(who, one.group, one.holder, one.key_hash)
        return [one.holder for one in waiters]

    async def cover(self, who: Reader) -> None:
        """Hand the care group's keys to the recovery key."""
        assert RECOVERY in await self.give_all(who)

    async def patient(self, number: int = 0) -> str:
        return (await self.box.member(number)).person


async def notes_of(box: OpenBox) -> Notes:
    """Mara's care group, which `open_box` made with the session."""

    def look(tx: Transaction) -> str:
        row = tx.one("SELECT care_group FROM sessions WHERE id = ?", (box.session,))
        assert row is not None
        return str(row["care_group"])

    return Notes(box, await box.clinic.db.read(look))
