"""Admission by capacity: the box asks before it lets in one too many, and a missing measure keeps nobody out."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from appliance.control import views
from appliance.faults import Fault
from media.client import RelayFault
from tests.contract.test_live import OpenPage
from tests.fakes.box import OpenBox
from tests.fakes.portal import Newcomer, lead, sign_in, wait_at_the_door
from tests.fakes.visitor import Shown


async def full_box(box: OpenBox) -> OpenPage:
    """Open, the leader inside, one waits, and nobody more fits; the page of the one who waits."""
    await box.clinic.act(box.leader(), "open", box.session)
    await box.wait_at_the_door(0)
    box.relay.carries = 1
    page = OpenPage(box.session, box.members[0])
    await box.clinic.live.arrive(page)
    return page


async def admit(box: OpenBox, number: int = 0, **how: Any) -> None:
    await box.clinic.act(box.leader(), "admit", box.session, box.members[number], **how)


async def standing(box: OpenBox, number: int = 0) -> str:
    return (await box.member(number)).standing


def _seen(shown: Shown, place: str) -> bool:
    """Whether the element of that id is on the page and not hidden."""
    (tag,) = re.findall(f'<[^>]* id="{place}"[^>]*>', shown.text)
    return " hidden" not in tag


async def test_nobody_is_let_into_a_full_box_without_a_question(box: OpenBox) -> None:
    await full_box(box)
    with pytest.raises(Fault, match="box_full"):
        await admit(box)
    assert await standing(box) == "waiting"
    assert box.members[0] not in box.relay.rooms[box.session]


async def test_whoever_waits_for_that_reason_is_told_so_and_no_longer_when_they_are_in(box: OpenBox) -> None:
    page = await full_box(box)
    assert page.last("standing") == {"standing": "waiting"}, "nobody has tried yet"
    with pytest.raises(Fault):
        await admit(box)
    assert page.last("standing") == {"standing": "waiting", "delayed": True}
    await admit(box, beyond="fewer")
    assert page.last("standing") == {"standing": "admitted"}


async def test_nobody_who_waits_hears_how_full_the_box_is(box: OpenBox) -> None:
    page = await full_box(box)
    assert page.last("capacity") == {}


async def test_fewer_pictures_count_the_newcomer_and_anyway_does_not(box: OpenBox) -> None:
    await full_box(box)
    await box.wait_at_the_door(1)
    await admit(box, 0, beyond="fewer")
    await admit(box, 1, beyond="anyway")
    assert box.relay.uncounted == {box.members[1]}


async def test_a_relay_that_starts_anew_learns_again_who_was_let_in_anyway(box: OpenBox) -> None:
    await full_box(box)
    await admit(box, beyond="anyway")
    truth = await box.clinic.live.admitted()
    assert not truth[box.session][box.members[0]].counted


async def test_who_comes_back_after_leaving_is_asked_for_again(box: OpenBox) -> None:
    await full_box(box)
    await admit(box, beyond="anyway")
    await box.clinic.act(box.leader(), "remove", box.session, box.members[0])
    assert box.clinic.live.fitting.beyond == set()


async def test_a_locked_door_and_a_missing_right_come_before_the_question(box: OpenBox) -> None:
    await full_box(box)
    with pytest.raises(Fault, match="refused"):
        await box.clinic.act(box.desk(), "admit", box.session, box.members[0])
    await box.clinic.act(box.leader(), "lock", box.session)
    with pytest.raises(Fault, match="session_locked"):
        await admit(box)


@pytest.mark.parametrize("trouble", ["away", "silent", "older"])
async def test_a_relay_that_cannot_tell_keeps_nobody_out(
    box: OpenBox, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(_room: str) -> dict[str, Any]:
        if trouble == "silent":
            await asyncio.Event().wait()
        raise RelayFault("bad_message")

    monkeypatch.setattr("appliance.fitting.ANSWER_SECONDS", 0.01)
    await full_box(box)
    box.relay.connected = trouble != "away"
    monkeypatch.setattr(box.relay, "fits", answer)
    await admit(box)
    assert await standing(box) == "admitted"


async def test_two_at_once_do_not_both_take_the_last_place(box: OpenBox) -> None:
    await full_box(box)
    await box.wait_at_the_door(1)
    box.relay.carries = 2
    done = await asyncio.gather(admit(box, 0), admit(box, 1), return_exceptions=True)
    assert [fault.code for fault in done if isinstance(fault, Fault)] == ["box_full"]


async def test_a_place_that_becomes_free_elsewhere_is_seen_on_the_page_of_who_leads(box: OpenBox) -> None:
    await full_box(box)
    page = OpenPage(box.session, "", staff=True)
    await box.clinic.live.arrive(page)
    assert page.last("capacity") == {"full": True}
    box.relay.carries = 5  # somebody left another room
    await box.clinic.live.look_at_capacity()
    assert page.last("capacity") == {"full": False}
    assert box.clinic.live.fitting.carried.share == 0.2


async def test_a_locked_session_in_a_full_box_is_brought_in_line_once_and_not_at_each_look(
    box: OpenBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await full_box(box)
    await box.clinic.act(box.leader(), "lock", box.session)
    changed: list[str] = []

    async def note(session: str) -> None:
        changed.append(session)

    monkeypatch.setattr(box.clinic.live, "changed", note)
    await box.clinic.live.look_at_capacity()
    assert changed == []
    box.relay.carries = 5
    await box.clinic.live.look_at_capacity()
    assert changed == [box.session]


async def test_without_script_the_question_is_a_page_and_its_answers_are_buttons(
    box: OpenBox, newcomer: Newcomer
) -> None:
    await full_box(box)
    leader, patient = newcomer(), newcomer()
    await wait_at_the_door(patient, box, 1)
    assert not _seen(await patient.get("/join/wait"), "wait-longer")
    await sign_in(leader)
    asked = await lead(leader, box, "admit", 1)
    assert asked.status == 409 and "The box is at its limit" in asked.text
    assert _seen(await patient.get("/join/wait"), "wait-longer")
    await leader.post(f"/staff/sessions/{box.session}/members/{box.members[1]}/admit", beyond="fewer")
    assert await standing(box, 1) == "admitted"


async def test_the_console_is_told_and_asks_in_its_own_words(box: OpenBox) -> None:
    await full_box(box)
    with pytest.raises(Fault, match="box_full"):
        await box.clinic.act(box.leader("console"), "admit", box.session, box.members[0])
    session, members = await box.clinic.look(box.leader("console"), box.session)
    full = box.clinic.live.fitting.full
    seen = views.session(session, members, box.leader("console"), box.clinic.live.present, 0, full=session.id in full)
    assert seen.full
