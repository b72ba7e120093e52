"""Looks, refusals and floods: what leaves an entry, and what does not leave one again and again."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import pytest

from appliance.audit import rows as audit
from appliance.audit.repeats import MAX_REFUSALS, SECONDS
from appliance.audit.rules import Entry
from appliance.faults import Fault
from appliance.policy import Actor, Facts
from tests.fakes.box import OpenBox
from tests.fakes.portal import Newcomer, sign_in


async def noted(box: OpenBox, action: str) -> list[Entry]:
    return [entry for entry in await box.clinic.db.read(audit.entries) if entry.action == action]


async def test_showing_a_sessions_people_is_an_entry_before_it_is_a_page(box: OpenBox, newcomer: Newcomer) -> None:
    visitor = newcomer()
    await sign_in(visitor)
    page = f"/staff/sessions/{box.session}"
    for _ in range(3):
        assert (await visitor.get(page)).status == 200
    async with visitor.socket(f"{page}/ws"):
        pass
    (look,) = await noted(box, "see")
    assert (look.actor, look.session, look.address) == (box.staff["mara"], box.session, "127.0.0.1")
    await sign_in(newcomer())
    await visitor.get(page)
    assert len(await noted(box, "see")) == 2  # after a sign-in it is a new look


async def test_one_who_leads_goes_into_the_room_by_an_entry(box: OpenBox, newcomer: Newcomer) -> None:
    visitor = newcomer()
    await sign_in(visitor)
    line = f"/staff/sessions/{box.session}/ws"
    async with visitor.socket(line):
        assert await noted(box, "enter") == []  # not open yet
    await box.clinic.act(box.leader(), "open", box.session)
    for _ in range(2):
        async with visitor.socket(line):
            pass
    assert [entry.actor for entry in await noted(box, "enter")] == [box.staff["mara"]]


async def test_what_cannot_be_noted_is_not_shown(box: OpenBox, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: Any) -> None:
        raise Fault("store_failed")

    monkeypatch.setattr(box.clinic.db, "write", full)
    with pytest.raises(Fault, match="store_failed"):
        await box.clinic.look(box.leader(), box.session)


async def test_a_look_that_goes_on_is_noted_again_after_a_while(box: OpenBox) -> None:
    now = 0.0
    box.clinic.audit.now = lambda: now
    for moment in (0.0, SECONDS - 1, SECONDS + 1):
        now = moment
        await box.clinic.look(box.leader(), box.session)
    assert len(await noted(box, "see")) == 2


async def test_a_flood_of_refusals_is_two_entries_and_none_is_lost(box: OpenBox) -> None:
    before = (await box.clinic.db.read(audit.head))[0]
    for _ in range(300):
        with pytest.raises(Fault, match="refused"):
            await box.clinic.act(box.other_leader(), "open", box.session)
    await box.clinic.audit.close()
    refused = await noted(box, "open")
    assert [entry.times for entry in refused] == [1, 299]
    assert (await box.clinic.db.read(audit.head))[0] == before + 2


async def test_guessing_under_ever_new_addresses_fills_no_disk(box: OpenBox) -> None:
    for number in range(1000):
        who = Actor("", "box", "portal", address=f"2001:db8::{number:x}")
        await box.clinic.note_refused(who, "sign_in", Facts(), "wrong_sign_in")
    await box.clinic.audit.close()
    entries = await noted(box, "sign_in")
    assert sum(entry.times for entry in entries) == 1000
    assert len(entries) == MAX_REFUSALS + 2


async def test_counts_are_written_by_themselves_when_their_time_is_over(box: OpenBox) -> None:
    now = 0.0
    box.clinic.audit.now = lambda: now
    for _ in range(3):
        await box.clinic.note_refused(box.desk(), "open", Facts(), "refused")
    now = SECONDS
    await box.clinic.audit._write_refusals(box.clinic.audit._refusals.due(now))
    assert [entry.times for entry in await noted(box, "open")] == [1, 2]
    assert box.clinic.audit._refusals.due(math.inf) == []


async def test_every_refusal_of_a_ticket_is_noted_with_from_where(box: OpenBox) -> None:
    async def shown(code: str, pin: str, fault: str) -> Entry:
        with pytest.raises(Fault, match=fault):
            await box.clinic.present(code, pin, "192.0.2.9")
        return (await noted(box, "present"))[-1]

    unknown = await shown("ABCD-EFGH-JKLM", "000000", "wrong_ticket")
    assert (unknown.actor, unknown.person, unknown.outcome) == ("", "", "wrong_ticket")
    wrong = await shown(box.issued[0].code, "x", "wrong_ticket")
    assert (wrong.person, wrong.address) == ((await box.member(0)).person, "192.0.2.9")
    await box.clinic.act(box.leader(), "open", box.session)
    await box.clinic.act(box.leader(), "end", box.session)
    over = await shown(box.issued[1].code, box.issued[1].pin, "session_over")
    assert (over.subject, over.outcome, over.address) == (box.members[1], "session_over", "192.0.2.9")


async def test_a_visit_is_noted_with_from_where(box: OpenBox) -> None:
    await box.clinic.present(box.issued[0].code, box.issued[0].pin, "192.0.2.9")
    assert {entry.address for entry in await noted(box, "present")} == {"192.0.2.9"}


async def test_acts_name_whose_record_they_touch(box: OpenBox) -> None:
    actor = await box.wait_at_the_door(0)
    for action in ("enrol", "schedule", "reissue", "present", "name", "sign", "ask"):
        named = {entry.person for entry in await noted(box, action)}
        assert actor.person in named, action


async def test_a_staff_pages_refused_look_by_socket_counts_too(box: OpenBox, newcomer: Newcomer) -> None:
    visitor = newcomer()
    await sign_in(visitor, "paul")
    for _ in range(3):
        assert (await visitor.get(f"/staff/sessions/{box.session}")).status == 403
    (refused,) = await noted(box, "see")
    assert (refused.outcome, refused.actor) == ("refused", box.staff["paul"])


async def test_a_credential_is_noted_once_for_a_while_and_a_first_offer(room: Any) -> None:
    ada = await room.patient(0)
    await ada.done("groupCredential", {"key": "A" * 43})
    await ada.done("groupCredential", {"key": "B" * 42 + "A"})
    certified = [entry for entry in await noted(room.box, "certify_key") if entry.subject == room.box.members[0]]
    assert [entry.outcome for entry in certified] == ["done"]


async def test_an_entry_has_no_name_and_no_content(box: OpenBox) -> None:
    await box.wait_at_the_door(0, "Sunflower")
    entries = await box.clinic.db.read(audit.entries)
    told = " ".join(str(value) for entry in entries for value in asdict(entry).values())
    assert [
        word for word in ("Sunflower", "Ada", "Brook", "Lindqvist", "mara", "circle", "Thursday") if word in told
    ] == []
