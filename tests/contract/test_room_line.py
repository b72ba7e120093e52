"""What a page asks of the room over TLS and on a real store, and who hears what is said to some (room/PROTOCOL.md)."""

from __future__ import annotations

import pytest

from appliance.audit import rows as audit
from appliance.groups.rules import TAPS_AT_ONCE
from appliance.room.requests import REQUESTS
from tests.fakes.group import Data, Line, saying
from tests.fakes.group_room import Room
from tests.fakes.waiting import until

ASKS: dict[str, Data] = {
    "roomHand": {"up": True},
    "roomAcknowledge": {"card": "nothing"},
    "roomConcern": {"kind": "privacy"},
    "roomPhrase": {"text": "blue lamp"},
}
# What each kind of page hears: "" for done, the fault's code for no.
HEARS: dict[str, tuple[str, str, str, str]] = {
    "admitted": ("", "not_found", "", "wrong_state"),
    "waiting": ("refused", "refused", "", "wrong_state"),  # nobody has asked for the phrase
    "joining": ("refused", "refused", "refused", "wrong_state"),
    "removed": ("refused", "refused", "refused", "wrong_state"),
    "facilitator": ("refused",) * 4,
    "front desk": ("refused",) * 4,
}


@pytest.mark.parametrize("kind", HEARS)
async def test_a_page_may_ask_what_its_place_allows_and_each_refusal_is_noted(room: Room, kind: str) -> None:
    page = await room.page(kind)
    heard = tuple([await page.refused(method, data) for method, data in ASKS.items()])
    assert heard == HEARS[kind]
    noted = [e.action for e in await room.box.clinic.db.read(audit.entries) if e.outcome == "refused"]
    assert noted == [REQUESTS[method].ACTION for method, code in zip(ASKS, heard, strict=True) if code == "refused"]


async def test_hand_card_and_concern_reach_those_whom_they_are_for(room: Room) -> None:
    ada = await room.patient(0, admitted=True)
    await ada.done("roomHand", {"up": True})
    assert await room.mara.shows("hands", queue=[{"member": room.box.members[0], "name": "Ada"}])
    await room.act("show_rules")
    await until(lambda: ada.last("cards").get("cards"))
    (card,) = ada.last("cards")["cards"]
    await ada.done("roomAcknowledge", {"card": card["id"]})
    await ada.shows("cards", cards=[])
    await until(lambda: room.mara.last("acknowledged")["cards"][0]["done"] == [room.box.members[0]])
    await ada.done("roomConcern", {"kind": "distress"})
    await until(lambda: room.mara.last("concerns")["open"])
    assert ada.all("concerns") == []
    await room.act("mute", 0)
    await ada.shows("asked", what="mute", name="Mara")


async def test_a_flood_of_taps_is_slowed_down_and_the_group_goes_on(room: Room) -> None:
    ada = await room.patient(0, admitted=True)
    codes = [await ada.refused("roomHand", {"up": bool(n % 2)}) for n in range(int(TAPS_AT_ONCE) * 3)]
    assert set(codes[: int(TAPS_AT_ONCE)]) == {""}
    assert "too_many_tries" in codes
    assert await ada.refused("groupSay", saying()) == ""


async def test_a_line_that_is_malformed_is_a_fault_and_the_page_goes_on(room: Room) -> None:
    ada = await room.patient(0, admitted=True)
    assert await ada.refused("roomHand", {"up": "maybe"}) == "bad_request"
    assert await ada.refused("roomDance", {}) == "bad_request"
    assert await ada.refused("roomHand", {"up": True}) == ""


# -- what is said to some ----------------------------------------------------------------------------------------------


async def heard_by(room: Room, sayer: Line, others: dict[str, Line], to: list[str] | None, mark: bytes) -> set[str]:
    """Who hears it. A line to all from one who leads comes after it and is what the others have heard at the latest."""
    sent = saying(mark)
    await sayer.done("groupSay", sent if to is None else {**sent, "to": to})
    last = saying(mark + b" and the end")
    await room.mara.done("groupSay", last)
    waiting = [line for line in others.values() if line is not room.mara]
    await until(lambda: all(line.last("groupSaid").get("message") == last["message"] for line in waiting))
    return {
        name for name, line in others.items() if sent["message"] in [said["message"] for said in line.all("groupSaid")]
    }


async def test_what_is_said_to_some_reaches_them_and_nobody_else(room: Room) -> None:
    ada = await room.patient(0, admitted=True)
    tomas = await room.patient(1, admitted=True, name="Tomás")
    ines = await room.staff("ines")
    others = {"mara": room.mara, "ines": ines, "tomas": tomas, "ada": ada}
    mara, both = await room.box.place_of("mara"), [await room.box.place_of(one) for one in ("mara", "ines")]
    assert await heard_by(room, ada, others, None, b"all") == {"mara", "ines", "tomas"}
    assert await heard_by(room, ada, others, both, b"leaders") == {"mara", "ines"}
    assert await heard_by(room, ada, others, [room.box.members[0], mara], b"with oneself") == {"mara"}
    assert await heard_by(room, room.mara, others, [room.box.members[1]], b"to one") == {"tomas"}
    assert await ada.refused("groupSay", {**saying(), "to": ["nobody-of-here"]}) == "bad_request"
    assert await ada.refused("groupSay", {**saying(), "to": [room.box.members[2]]}) == "wrong_state"  # not let in


async def test_while_paused_patients_reach_who_leads_and_nobody_else(room: Room) -> None:
    ada = await room.patient(0, admitted=True)
    tomas = await room.patient(1, admitted=True, name="Tomás")
    others = {"mara": room.mara, "tomas": tomas, "ada": ada}
    mara = await room.box.place_of("mara")
    await room.act("pause")
    assert await ada.refused("groupSay", saying()) == "wrong_state"
    assert await ada.refused("groupSay", {**saying(), "to": [room.box.members[1]]}) == "wrong_state"
    assert await ada.refused("groupSay", {**saying(), "to": [mara, room.box.members[1]]}) == "wrong_state"
    assert await heard_by(room, ada, others, [mara], b"whisper") == {"mara"}
    assert await heard_by(room, room.mara, others, None, b"breathe") == {"tomas", "ada"}
    await room.act("resume")
    assert await heard_by(room, ada, others, None, b"again") == {"mara", "tomas"}


async def test_one_who_is_held_hears_and_reaches_those_who_lead_alone(room: Room) -> None:
    ada = await room.patient(0, admitted=True)
    tomas = await room.patient(1, admitted=True, name="Tomás")
    others = {"mara": room.mara, "tomas": tomas, "ada": ada}
    mara = await room.box.place_of("mara")
    await room.act("hold", 1)
    assert await tomas.refused("groupSay", saying()) == "wrong_state"
    assert await heard_by(room, tomas, others, [mara], b"from the hold") == {"mara"}
    assert await heard_by(room, ada, others, None, b"not for Tomas") == {"mara"}
    assert await ada.refused("groupSay", {**saying(), "to": [room.box.members[1]]}) == "wrong_state"
