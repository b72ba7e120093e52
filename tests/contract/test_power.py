"""Restart, switch off, delete everything over the control socket: who may, what is asked, noted and done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from appliance.audit import rows as audit
from appliance.control.client import ControlClient, ControlFault
from appliance.control.feed import Feed
from appliance.control.listener import ControlListener
from appliance.power.actions import Power
from appliance.power.rules import PAUSE_SECONDS, same_name
from tests.fakes.box import PASSPHRASE, PASSWORD, PEOPLE, OpenBox, open_box
from tests.fakes.control import Box
from tests.fakes.steward import Obedient


class Set:
    """A box, its steward, a console at it."""

    def __init__(self, box: OpenBox, surroundings: Box, client: ControlClient) -> None:
        self.box, self.client = box, client
        self.seconds = 1000.0
        self.steward = Obedient()
        surroundings._power = Power(self.steward, lambda: self.seconds)
        self.surroundings = surroundings

    async def noted(self) -> list[tuple[str, str]]:
        entries = await self.box.clinic.db.read(audit.entries)
        return [(one.action, one.outcome) for one in entries if one.action in ("restart_box", "reset_box")]


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Set]:
    async with open_box(tmp_path, PEOPLE) as box:
        feed = Feed(1000)
        surroundings = Box(box, feed)
        with TemporaryDirectory(prefix="hearth-") as folder:  # a socket's path has at most 107 bytes
            listener = ControlListener(surroundings, feed)
            await listener.start(Path(folder) / "control.sock")
            client = ControlClient(Path(folder) / "control.sock")
            yield Set(box, surroundings, client)
            await client.close()
            await listener.close()


async def signed_in(at: Set, who: str) -> None:
    await at.client.unlock(PASSPHRASE)
    await at.client.sign_in(who, PASSWORD)


async def test_a_restart_is_noted_before_it_is_done(at: Set) -> None:
    await signed_in(at, "jonas")
    await at.client.power("restart")
    assert at.steward.asked == [("power", {"do": "restart"})]
    assert await at.noted() == [("restart_box", "done")]


async def test_while_a_session_goes_on_nothing_is_done_unless_it_is_said_twice(at: Set) -> None:
    await at.box.clinic.act(at.box.leader(), "open", at.box.session)
    await signed_in(at, "jonas")
    with pytest.raises(ControlFault, match="session_open"):
        await at.client.power("off")
    assert at.steward.asked == [] and await at.noted() == []
    await at.client.power("off", anyway=True)
    assert at.steward.asked == [("power", {"do": "off"})]


async def test_who_may_not_is_refused_and_that_is_noted(at: Set) -> None:
    await signed_in(at, "mara")
    for asking in (at.client.power("restart"), at.client.reset("Riverbend")):
        with pytest.raises(ControlFault, match="refused"):
            await asking
    assert at.steward.asked == []
    assert await at.noted() == [("restart_box", "refused"), ("reset_box", "refused")]


async def test_a_guest_on_a_machine_is_told_that_it_is_not_its_own(at: Set) -> None:
    at.surroundings._power = Power(Guest())
    await signed_in(at, "ruth")
    for asking in (at.client.power("restart"), at.client.reset("Riverbend")):
        with pytest.raises(ControlFault, match="not_the_machine"):
            await asking
    assert await at.noted() == []


class Guest(Obedient):
    @property
    def possible(self) -> bool:
        return False


async def test_everything_is_deleted_by_an_administrator_who_types_the_clinics_name(at: Set) -> None:
    await signed_in(at, "ruth")
    with pytest.raises(ControlFault, match="clinic_name_wrong"):
        await at.client.reset("Riverside")
    assert at.steward.asked == []
    await at.client.reset("  riverbend ")
    assert at.steward.asked == [("reset", {"do": "everything"})]
    assert await at.noted() == [("reset_box", "done")]


async def test_a_locked_box_is_deleted_by_a_word_typed_twice_and_not_sooner_than_the_pause(at: Set) -> None:
    for word, seconds, code in (
        ("delete", 0.0, "bad_request"),
        ("ERASE", 0.0, "erase_wait"),
        ("ERASE", PAUSE_SECONDS - 1, "erase_wait"),
    ):
        at.seconds += seconds
        with pytest.raises(ControlFault, match=code):
            await at.client.erase(word)
    assert at.steward.asked == []
    at.seconds += 2
    await at.client.erase("erase")
    assert at.steward.asked == [("reset", {"do": "everything"})]


async def test_what_was_asked_long_ago_is_asked_anew(at: Set) -> None:
    with pytest.raises(ControlFault, match="erase_wait"):
        await at.client.erase("ERASE")
    at.seconds += 3600
    with pytest.raises(ControlFault, match="erase_wait"):
        await at.client.erase("ERASE")
    at.seconds += PAUSE_SECONDS
    await at.client.erase("ERASE")


async def test_an_open_box_is_not_deleted_by_a_word(at: Set) -> None:
    await at.client.unlock(PASSPHRASE)
    for _ in range(2):
        with pytest.raises(ControlFault, match="wrong_state"):
            await at.client.erase("ERASE")
        at.seconds += PAUSE_SECONDS
    assert at.steward.asked == []


async def test_how_the_machine_is_is_told_at_a_locked_box_and_to_those_who_run_an_open_one(at: Set) -> None:
    assert len((await at.client.doctor("es")).lines) == 13
    await at.client.unlock(PASSPHRASE)
    with pytest.raises(ControlFault, match="not_signed_in"):
        await at.client.doctor("en")
    await at.client.sign_in("mara", PASSWORD)
    with pytest.raises(ControlFault, match="refused"):
        await at.client.doctor("en")


@pytest.mark.parametrize(
    ("typed", "name", "same"),
    [
        ("Clinica del Rio", "Clínica del Río", True),
        ("  RIVER   bend", "River Bend", True),
        ("Riverben", "Riverbend", False),
        ("", "", False),
    ],
)
def test_capitals_accents_and_spaces_do_not_keep_anybody_from_a_name(typed: str, name: str, same: bool) -> None:
    assert same_name(typed, name) is same
