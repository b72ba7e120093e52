"""What is live follows the store: also when relay, store or a page fail in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from appliance.faults import Fault
from appliance.sessions import rows
from appliance.store.database import Transaction
from media.client import RelayFault
from tests.fakes.box import OpenBox
from tests.fakes.disclosing import let_headquarters_know
from tests.fakes.waiting import until


class OpenPage:
    """A page in memory: what it was shown, newest last."""

    def __init__(self, session: str, member: str, *, staff: bool = False) -> None:
        self.session, self.member, self.name, self.staff, self.login = session, member, "", staff, b""
        self.handles, self.language = staff, "en"
        self.shown: list[tuple[str, dict[str, Any]]] = []
        self.closed = ""

    def stands(self, tx: Transaction) -> bool:
        return True

    def show(self, event: str, data: dict[str, Any]) -> None:
        self.shown.append((event, data))

    def replace(self) -> None:
        self.closed = "replaced"

    def sign_out(self) -> None:
        self.closed = "signed out"

    def end(self) -> None:
        self.closed = "end"

    def last(self, event: str) -> dict[str, Any]:
        return next((data for name, data in reversed(self.shown) if name == event), {})


@pytest.fixture
def fails_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """The named function of the sessions' rows raises the first time that it is called."""

    def arm(name: str) -> None:
        real, times = getattr(rows, name), []

        def once(*arguments: Any) -> Any:
            times.append(1)
            if len(times) == 1:
                raise Fault("store_failed")
            return real(*arguments)

        monkeypatch.setattr(rows, name, once)

    return arm


async def admitted_page(box: OpenBox, number: int = 0) -> OpenPage:
    await box.clinic.act(box.leader(), "open", box.session)
    await box.let_in(number)
    page = OpenPage(box.session, box.members[number])
    await box.clinic.live.arrive(page)
    return page


async def test_an_action_that_is_in_the_store_is_never_told_as_failed(
    box: OpenBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever hears that a removal failed does it again, and hears that it is not possible."""
    page = await admitted_page(box)
    live = box.clinic.live
    live.catch_up_seconds = 0.0
    bring_in_line = live._bring_in_line

    async def fail_first(_session_id: str) -> None:
        monkeypatch.setattr(live, "_bring_in_line", bring_in_line)
        raise Fault("store_failed")

    monkeypatch.setattr(live, "_bring_in_line", fail_first)
    await box.clinic.act(box.leader(), "remove", box.session, box.members[0])
    await until(lambda: page.last("standing") == {"standing": "removed"})
    assert box.members[0] not in box.relay.rooms[box.session]


async def test_a_disk_that_is_full_keeps_no_page_from_being_told(
    box: OpenBox, fails_once: Callable[[str], None]
) -> None:
    page = await admitted_page(box)
    fails_once("note_departure")
    await box.clinic.act(box.leader(), "remove", box.session, box.members[0])
    assert page.last("standing") == {"standing": "removed"}


async def test_one_no_of_the_relay_keeps_nobody_elses_removal_from_it(
    box: OpenBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await admitted_page(box, 0)
    await box.let_in(1)
    remove = box.relay.remove

    async def refuse_first(room: str, member: str) -> None:
        monkeypatch.setattr(box.relay, "remove", remove)
        raise RelayFault("limit")

    monkeypatch.setattr(box.relay, "remove", refuse_first)
    await box.clinic.act(box.leader(), "end", box.session)
    assert box.session not in box.relay.rooms


async def test_a_relay_that_is_back_at_once_is_still_told_as_gone(box: OpenBox) -> None:
    """Else the page, which was shown "ready" before, sees no difference and joins no more."""
    page = await admitted_page(box)
    page.shown.clear()
    box.clinic.live.relay_connected(False)
    box.clinic.live.relay_connected(True)
    await until(lambda: page.last("media") == {"ready": True, "held": ""})
    assert ("media", {"ready": False, "held": ""}) in page.shown


async def test_nobody_who_waits_hears_of_the_relay(box: OpenBox) -> None:
    await box.wait_at_the_door(0)
    page = OpenPage(box.session, box.members[0])
    await box.clinic.live.arrive(page)
    box.clinic.live.relay_connected(False)
    await box.clinic.live.changed(box.session)
    assert page.last("media") == {}


async def test_presence_goes_on_through_a_crash_of_the_appliance(box: OpenBox) -> None:
    """Picture and sound go on, so the record at HQ has one stay, not one that lasts to the end beside another."""
    await admitted_page(box)
    box.clinic.live._attending.clear()  # what a crash leaves: the row is open, nobody knows of it
    box.clinic.live._pages.clear()
    await box.clinic.live.arrive(OpenPage(box.session, box.members[0]))
    found = await box.clinic.db.read(lambda tx: rows.attendances(tx, box.members[0], "end"))
    assert [left for _, left in found] == ["end"]


async def test_a_removal_is_in_the_record_although_a_new_ticket_led_back_in(box: OpenBox) -> None:
    await admitted_page(box)
    await box.clinic.act(box.leader(), "remove", box.session, box.members[0])
    await box.clinic.act(box.leader(), "reissue", box.session, box.members[0])
    await let_headquarters_know(box.clinic, box.session)
    await box.clinic.act(box.leader(), "end", box.session)
    found = await box.clinic.db.read(lambda tx: tx.all("SELECT body FROM outbox WHERE record_class = 'session_ended'"))
    assert [person["removed"] for person in json.loads(found[0]["body"])["attendees"]] == [True]
