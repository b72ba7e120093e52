"""Guesses at the doors of a real clinic: passwords, tickets, the box's passphrase."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from appliance.assemble import WRONG_PASSPHRASES_PER_MINUTE, Appliance
from appliance.audit import rows as audit
from appliance.faults import Fault
from appliance.home import Home
from appliance.identity.rules import PACES
from appliance.settings import Settings
from appliance.store import birth
from appliance.tickets.rules import MAX_FAILURES
from tests.fakes.box import CHEAP, PASSPHRASE, PASSWORD, OpenBox


async def codes(*tries: Awaitable[object]) -> list[str]:
    """The fault's code of each try, all made at once."""
    done = await asyncio.gather(*tries, return_exceptions=True)
    return [one.code if isinstance(one, Fault) else "" for one in done]


async def test_codes_guessed_at_once_are_as_few_as_those_guessed_in_turn(box: OpenBox) -> None:
    found = await codes(*(box.clinic.present(f"ZZZZZZ{n:02}", "123456", "10.0.0.9") for n in range(50)))
    assert found.count("wrong_ticket") == PACES["ticket_address"].free
    assert found.count("too_many_tries") == 50 - PACES["ticket_address"].free


async def test_passwords_guessed_at_once_are_as_few_as_those_guessed_in_turn(box: OpenBox) -> None:
    found = await codes(*(box.clinic.sign_in("mara", f"guess {n}", "portal", "10.0.0.9") for n in range(30)))
    assert found.count("wrong_sign_in") == PACES["account"].free


async def test_who_knows_the_password_may_sign_in_as_often_as_they_like(box: OpenBox) -> None:
    for _ in range(PACES["account"].free + 1):
        await box.clinic.sign_in("mara", PASSWORD, "portal", "10.0.0.9")


async def test_every_guess_at_a_persons_pin_is_in_the_audit(box: OpenBox) -> None:
    ticket = box.issued[0]
    wrong = "000000" if ticket.pin != "000000" else "111111"
    for _ in range(MAX_FAILURES):
        await codes(box.clinic.present(ticket.code, wrong, "10.0.0.9"))
    entries = [e for e in await box.clinic.db.read(audit.entries) if e.action == "present"]
    assert [e.outcome for e in entries] == ["wrong_ticket"] * (MAX_FAILURES - 1) + ["ticket_stopped"]
    assert {(e.actor, e.session, e.subject) for e in entries} == {("", box.session, box.members[0])}


async def test_the_passphrase_cannot_be_guessed_at_speed() -> None:
    with TemporaryDirectory(prefix="hearth-") as folder:
        home = Home(Path(folder))
        home.make()
        await (await birth.give_birth(home.store, PASSPHRASE, CHEAP)).close()
        appliance = Appliance(home, Settings(), feed_start=0)
        found = await codes(*(appliance.unlock(f"guess {n}") for n in range(20)))
        assert found.count("wrong_passphrase") == WRONG_PASSPHRASES_PER_MINUTE
        with pytest.raises(Fault, match="too_many_tries"):
            await appliance.unlock(PASSPHRASE)
